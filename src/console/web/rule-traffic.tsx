/** What each rule has of the traffic, on one node or on all. */
import { useMemo, useState } from 'preact/hooks';
import type { PageProps } from './app.js';
import { Chart, Legend } from './chart.js';
import { type RuleRow, ruleLines, ruleRows, rulesOf, type Verdict } from './rules.js';
import { short, words } from './text.js';

const ALL = '';
const VERDICTS: Readonly<Record<Verdict, string>> = { accepted: 'Accepted', rejected: 'Rejected' };

export function RuleTraffic({ farm, span }: { readonly farm: PageProps['farm']; readonly span: number }) {
  const [node, setNode] = useState(ALL);
  const [verdict, setVerdict] = useState<Verdict>('accepted');
  const { traffic, frame } = farm;
  const names = Object.keys(traffic.nodes).sort();
  // A node that has left the hour is no longer there to be chosen.
  const isChosen = names.includes(node);
  const shown = isChosen ? [node] : names;
  const rules = rulesOf(traffic, frame?.status?.rules.map(({ name }) => name) ?? []);
  const from = Math.max(0, traffic.times.length - span);
  const times = useMemo(() => traffic.times.slice(from), [traffic, span]);
  const lines = useMemo(
    () => ruleLines(traffic, shown, rules, verdict).map((line) => ({ ...line, values: line.values.slice(from) })),
    [traffic, span, node, verdict, rules.join(' ')],
  );
  const where = isChosen ? node : 'all nodes';
  const rows = ruleRows(frame?.traffic?.nodes ?? {}, shown, rules);
  return (
    <section class="panel">
      <h2>By rule</h2>
      <div class="row">
        <label>
          Node
          <select value={isChosen ? node : ALL} onChange={(event) => setNode(event.currentTarget.value)}>
            <option value={ALL}>all</option>
            {names.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <div class="segments" role="group" aria-label="Accepted or rejected">
          {(Object.keys(VERDICTS) as Verdict[]).map((each) => (
            <button key={each} type="button" aria-pressed={verdict === each} onClick={() => setVerdict(each)}>
              {VERDICTS[each]}
            </button>
          ))}
        </div>
      </div>
      <Chart title={`By rule, ${verdict} on ${where}, packets per second`} times={times} lines={lines} />
      <Legend lines={lines} />
      {rows !== null && <RuleTable rows={rows} where={where} />}
      <p class="hint">
        Counted where a node looks at a packet. What the kernel’s filter holds back nobody looks at: it is in no rule’s
        count, so a rule’s rejected packets are only a part of what was rejected.
      </p>
    </section>
  );
}

function RuleTable({ rows, where }: { readonly rows: readonly RuleRow[]; readonly where: string }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Packets per second now, by rule">
      <table>
        <caption>Now on {where}, packets per second</caption>
        <thead>
          <tr>
            <th scope="col">Rule</th>
            <th scope="col">Accepted</th>
            <th scope="col">Relayed</th>
            <th scope="col">Rejected</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ rule, accepted, relayed, rejected }) => (
            <tr key={rule}>
              <th scope="row">{rule}</th>
              <td>{short(accepted)}</td>
              <td>{short(relayed)}</td>
              <td>{rejected.map(([reason, rate]) => `${words(reason)} ${short(rate)}`).join(', ') || '0'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
