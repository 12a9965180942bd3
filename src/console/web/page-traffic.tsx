/** What the nodes accept and reject, second by second, the last hour. */
import { useMemo, useState } from 'preact/hooks';
import type { PageProps } from './app.js';
import { Chart, Legend } from './chart.js';
import { dashAt, looksOf } from './colours.js';
import { Swatch } from './parts.js';
import { RuleTraffic } from './rule-traffic.js';
import { reasonsOf, summed } from './series.js';
import { short, words } from './text.js';

const SPANS = [
  [60, '1 min'],
  [300, '5 min'],
  [900, '15 min'],
  [3600, '1 h'],
] as const;
const MOST_REASONS = 6;

export function TrafficPage({ farm }: PageProps) {
  const [span, setSpan] = useState<number>(300);
  const { traffic } = farm;
  const names = Object.keys(traffic.nodes).sort();
  const looks = looksOf(farm.frame?.status?.members.map(({ name }) => name) ?? names);
  const columns = useMemo(() => chartsOf(farm.traffic, names, looks, span), [farm.traffic, span]);
  if (traffic.times.length === 0) return <p>Nothing measured yet: the first second is under way.</p>;
  const newest = farm.frame?.traffic?.nodes ?? {};
  const silent = (farm.frame?.status?.members ?? []).filter(({ name }) => traffic.nodes[name] === undefined);
  return (
    <>
      <div class="segments" role="group" aria-label="How far back">
        {SPANS.map(([seconds, label]) => (
          <button key={seconds} type="button" aria-pressed={span === seconds} onClick={() => setSpan(seconds)}>
            {label}
          </button>
        ))}
      </div>
      <section class="panel">
        <Chart title="Accepted, packets per second" times={columns.times} lines={columns.accepted} />
        <Legend lines={columns.accepted} />
      </section>
      <section class="panel">
        <Chart
          title="Rejected by all nodes, packets per second, by reason"
          times={columns.times}
          lines={columns.rejected}
        />
        <Legend lines={columns.rejected} />
        <p class="hint">
          Every node sees every packet and rejects what another one serves: “filtered in kernel” and “not owner” are how
          a farm works, not a fault.
        </p>
      </section>
      <section class="panel">
        <h2>Now, packets per second</h2>
        <div class="scroll" tabIndex={0} role="region" aria-label="Packets per second now">
          <table>
            <thead>
              <tr>
                <th scope="col">Node</th>
                <th scope="col">Accepted</th>
                <th scope="col">Relayed</th>
                <th scope="col">Held</th>
                <th scope="col">Lost</th>
                <th scope="col">Rejected</th>
              </tr>
            </thead>
            <tbody>
              {names.map((name) => (
                <tr key={name}>
                  <th scope="row">
                    <Swatch look={looks.get(name)} /> {name}
                  </th>
                  {(['accepted', 'relayed', 'held', 'lost'] as const).map((what) => (
                    <td key={what}>{newest[name]?.[what] == null ? '–' : short(newest[name][what] ?? 0)}</td>
                  ))}
                  <td>
                    {newest[name] === undefined
                      ? '–'
                      : Object.entries(newest[name].rejected)
                          .map(([reason, rate]) => `${words(reason)} ${short(rate)}`)
                          .join(', ') || '0'}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        {silent.length > 0 && (
          <p class="hint">
            Not heard from: {silent.map(({ name }) => name).join(', ')}. Nothing is shown in their place.
          </p>
        )}
      </section>
      <RuleTraffic farm={farm} span={span} />
    </>
  );
}

function chartsOf(
  report: PageProps['farm']['traffic'],
  names: readonly string[],
  looks: ReturnType<typeof looksOf>,
  span: number,
) {
  const from = Math.max(0, report.times.length - span);
  const times = report.times.slice(from);
  // The same line for a node, whether or not the others are heard.
  const order = [...looks.keys()];
  const accepted = names.map((name) => ({
    label: name,
    colour: looks.get(name)?.colour ?? '#888',
    dash: dashAt(Math.max(0, order.indexOf(name))),
    values: report.nodes[name]!.accepted.slice(from),
  }));
  const palette = [...looksOf(reasonsOf(report).slice(0, MOST_REASONS)).values()];
  const rejected = reasonsOf(report)
    .slice(0, MOST_REASONS)
    .map((reason, at) => ({
      label: words(reason),
      colour: palette[at]!.colour,
      dash: dashAt(at),
      values: summed(
        names.map((name) => report.nodes[name]!.rejected[reason] ?? []),
        report.times.length,
      ).slice(from),
    }));
  return { times, accepted, rejected };
}
