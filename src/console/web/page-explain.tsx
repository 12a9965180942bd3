/** Who serves a client, why, and who would if that node died. */
import { useState } from 'preact/hooks';
import type { ExplainReport } from '../../control/contract.js';
import { ask } from './api.js';
import type { PageProps } from './app.js';
import { looksOf } from './colours.js';
import { Figure, Swatch, troubleOf } from './parts.js';

interface Without {
  readonly owner: string | null;
  readonly why: string;
}
type Answer = ExplainReport & { readonly without?: Without };

/** `10.77.0.100:40000`, `[fd77::1]:40000`, or an address alone. */
export function parseClient(text: string): { readonly address: string; readonly port: number | null } | null {
  const match =
    /^(?:\[([0-9a-fA-F:.]+)\](?::(\d{1,5}))?|([0-9.]+)(?::(\d{1,5}))?|([0-9a-fA-F:.]*:[0-9a-fA-F:.]*))$/.exec(
      text.trim(),
    );
  const address = match?.[1] ?? match?.[3] ?? match?.[5];
  const port = match?.[2] ?? match?.[4];
  return address === undefined || address === '' ? null : { address, port: port === undefined ? null : Number(port) };
}

export function ExplainPage({ farm }: PageProps) {
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [heir, setHeir] = useState<Without | string | null>(null);
  const [trouble, setTrouble] = useState('');
  const rules = farm.frame?.status?.rules ?? [];
  const vips = farm.frame?.status?.vips ?? [];
  const looks = looksOf(farm.frame?.status?.members.map(({ name }) => name) ?? []);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const client = parseClient(String(form.get('client')));
    setAnswer(null);
    setHeir(null);
    if (client === null)
      return setTrouble('Write an address, with or without a port: 10.77.0.100:40000 or [fd77::100]:40000.');
    setTrouble('');
    const question = { ...client, to: targetOf(String(form.get('rule')), rules, vips, client.address) };
    try {
      const found = await ask<Answer>('POST', '/explain', question);
      setAnswer(found);
      if (found.owner !== null) setHeir(await heirOf(question, found.owner));
    } catch (error) {
      setTrouble(troubleOf(error));
    }
  };
  return (
    <>
      <form class="panel row" onSubmit={(event) => void submit(event)}>
        <label>
          Client
          <input name="client" required placeholder="10.77.0.100:40000" autocomplete="off" spellcheck={false} />
        </label>
        <label>
          Rule
          <select name="rule">
            {rules.map(({ name, protocol, ports }) => (
              <option key={name} value={name}>
                {name} ({protocol} {ports.join(', ')})
              </option>
            ))}
          </select>
        </label>
        <button type="submit" class="primary">
          Explain
        </button>
      </form>
      <p class="trouble" role="alert">
        {trouble}
      </p>
      {answer !== null && (
        <section class="panel" aria-live="polite" data-test="answer">
          <dl class="figures">
            <Figure label="Served by">
              <Swatch look={looks.get(answer.owner ?? '')} /> {answer.owner ?? 'nobody'}
            </Figure>
            <Figure label="Bucket">{answer.bucket ?? '–'}</Figure>
            <Figure label="Rule">{answer.rule ?? 'none'}</Figure>
          </dl>
          <p>{answer.why}</p>
          {heir !== null && (
            <p>
              <strong>If {answer.owner} died:</strong>{' '}
              {typeof heir === 'string' ? heir : `${heir.owner ?? 'nobody'}. ${heir.why}`}
            </p>
          )}
        </section>
      )}
    </>
  );
}

function targetOf(
  name: string,
  rules: readonly { name: string; protocol: 'tcp' | 'udp'; ports: readonly string[] }[],
  vips: readonly string[],
  client: string,
) {
  const rule = rules.find((other) => other.name === name);
  const vip = vips.map((text) => text.split('/')[0]!).find((address) => address.includes(':') === client.includes(':'));
  if (rule === undefined || vip === undefined) return null;
  return { address: vip, port: Number.parseInt(rule.ports[0] ?? '0', 10), protocol: rule.protocol };
}

/** An agent that cannot think a node away refuses the question. */
async function heirOf(question: object, owner: string): Promise<Without | string> {
  try {
    return (
      (await ask<Answer>('POST', '/explain', { ...question, without: [owner] })).without ?? 'this agent cannot say'
    );
  } catch (error) {
    return `not known (${troubleOf(error)})`;
  }
}
