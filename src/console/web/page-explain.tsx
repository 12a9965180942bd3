/** Who serves a client, why, and who would if that node died. */
import { useState } from 'preact/hooks';
import { STALE_AFTER_MS } from '../contract.js';
import type { PageProps } from './app.js';
import { looksOf } from './colours.js';
import { ANY_VIP, headlineOf, OTHER_PORT, type Question, questionOf, vipAddresses } from './explain-question.js';
import { type Answered, type Explained, useExplained } from './explain-state.js';
import { Figure, Swatch } from './parts.js';
import { clock, duration } from './text.js';

export function ExplainPage({ farm }: PageProps) {
  const [question, setQuestion] = useState<Question | null>(null);
  const [fault, setFault] = useState('');
  const explained = useExplained(question);
  const rules = farm.frame?.status?.rules ?? [];
  const vips = farm.frame?.status?.vips ?? [];
  const looks = looksOf(farm.frame?.status?.members.map(({ name }) => name) ?? []);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const field = (name: string) => String(form.get(name) ?? '');
    const protocol = field('protocol') === 'udp' ? ('udp' as const) : ('tcp' as const);
    const asked = { client: field('client'), vip: field('vip'), rule: field('rule'), port: field('port'), protocol };
    const next = questionOf(asked, rules, vips);
    setFault(typeof next === 'string' ? next : '');
    setQuestion(typeof next === 'string' ? null : next);
  };
  const { answer, trouble } = explained;
  return (
    <>
      <Form rules={rules} vips={vips} onSubmit={submit} />
      <p class="trouble" role="alert">
        {fault !== '' ? fault : answer === null ? trouble : ''}
      </p>
      {answer !== null && <Answer answer={answer} explained={explained} looks={looks} />}
    </>
  );
}

type Status = NonNullable<NonNullable<PageProps['farm']['frame']>['status']>;

function Form({
  rules,
  vips,
  onSubmit,
}: {
  readonly rules: Status['rules'];
  readonly vips: Status['vips'];
  readonly onSubmit: (event: SubmitEvent) => void;
}) {
  const [chosen, setChosen] = useState<string | null>(null);
  const rule = chosen ?? rules[0]?.name ?? OTHER_PORT;
  return (
    <form class="panel row" onSubmit={onSubmit}>
      <label>
        Client
        <input name="client" required placeholder="10.77.0.100:40000" autocomplete="off" spellcheck={false} />
      </label>
      <label>
        Address of the farm
        <select name="vip">
          <option value={ANY_VIP}>first of the same family</option>
          {vipAddresses(vips).map((address) => (
            <option key={address}>{address}</option>
          ))}
        </select>
      </label>
      <label>
        Rule
        <select name="rule" value={rule} onChange={(event) => setChosen(event.currentTarget.value)}>
          {rules.map(({ name, protocol, ports }) => (
            <option key={name} value={name}>
              {name} ({protocol} {ports.join(', ')})
            </option>
          ))}
          <option value={OTHER_PORT}>any other port…</option>
        </select>
      </label>
      {rule === OTHER_PORT && (
        <>
          <label>
            Protocol
            <select name="protocol">
              <option>tcp</option>
              <option>udp</option>
            </select>
          </label>
          <label>
            Port of the service
            <input name="port" required inputMode="numeric" placeholder="8080" autocomplete="off" />
          </label>
        </>
      )}
      <button type="submit" class="primary">
        Explain
      </button>
    </form>
  );
}

function Answer({
  answer: { report, heir, atMs },
  explained,
  looks,
}: {
  readonly answer: Answered;
  readonly explained: Explained;
  readonly looks: ReturnType<typeof looksOf>;
}) {
  const { label, node, text, next } = headlineOf(report);
  const { address, port, protocol } = report.to;
  const isV6 = address.includes(':');
  return (
    <section class="panel" data-test="answer">
      <div aria-live="polite">
        <dl class="figures">
          <Figure label={label}>
            <Swatch look={looks.get(node ?? '')} /> {text}
          </Figure>
          <Figure label="Bucket">{report.bucket ?? '–'}</Figure>
          <Figure label="Rule">{report.rule ?? 'none'}</Figure>
          <Figure label="Asked for">
            {isV6 ? `[${address}]` : address}:{port}/{protocol}
          </Figure>
        </dl>
        {next !== '' && (
          <p>
            <strong>{next}</strong>
          </p>
        )}
        <p>{report.why}</p>
        {heir !== null && heir !== undefined && (
          <p>
            <strong>If {report.owner} died:</strong>{' '}
            {typeof heir === 'string' ? heir : `${heir.owner ?? 'nobody'}. ${heir.why}`}
          </p>
        )}
      </div>
      <Age node={report.node} atMs={atMs} explained={explained} />
    </section>
  );
}

/** Outside of what is read aloud: it changes every second. */
function Age({
  node,
  atMs,
  explained: { nowMs, trouble },
}: {
  readonly node: string;
  readonly atMs: number;
  readonly explained: Explained;
}) {
  const ageMs = nowMs - atMs;
  if (ageMs <= STALE_AFTER_MS)
    return (
      <p class="hint">
        So said {node} at {clock(atMs)}; it is asked again every second.
      </p>
    );
  const why = trouble === '' ? `${node} has not answered since` : trouble;
  return (
    <p class="old" data-test="answer-old">
      Stale: this answer is {duration(ageMs)} old, of {clock(atMs)}; {why}.
    </p>
  );
}
