/** The load of `covey bench --target`: kept connections that ask without a pause, and new ones at a steady rate. Needs no program. */
import { Agent, get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Asked, TargetOptions } from './contract.js';
import { nodeOf } from './node-name.js';
import type { Observed } from './report.js';

/** What of a body is kept: enough to see whether it is one word. */
const BODY_BYTES = 128;
const PROBE_LOOK_MS = 2;
/** A server that refuses at once is not asked a thousand times a second. */
const AFTER_FAILURE_MS = 20;

export async function observe(options: TargetOptions, signal: AbortSignal): Promise<Observed> {
  const begunMs = performance.now();
  const endMs = begunMs + options.seconds * 1000;
  const goesOn = () => !signal.aborted && performance.now() < endMs;
  const kept: Asked[] = [];
  const fresh: Asked[] = [];
  const said = new Set<string>();
  const take = (into: Asked[]) => (one: Reply) => {
    into.push({ ...one, atMs: one.atMs - begunMs });
    if (one.by !== null) said.add(one.by);
  };
  const agent = new Agent({ keepAlive: true, maxSockets: options.connections });
  const workers = Array.from({ length: options.connections }, () => askOnAndOn(options, agent, take(kept), goesOn));
  await Promise.all([...workers, askAnew(options, take(fresh), goesOn)]);
  agent.destroy();
  const by = said.size === 0 ? null : [...said].join(' and ');
  return { kept, fresh, by, elapsedMs: performance.now() - begunMs };
}

type Reply = Asked & { readonly by: string | null };

async function askOnAndOn(
  options: TargetOptions,
  agent: Agent,
  take: (one: Reply) => void,
  goesOn: () => boolean,
): Promise<void> {
  while (goesOn()) {
    const one = await ask(options, agent);
    take(one);
    if (one.error !== null) await delay(AFTER_FAILURE_MS);
  }
}

/** At the rate, whatever becomes of the ones before: so a pause of the farm shows in full. */
async function askAnew(options: TargetOptions, take: (one: Reply) => void, goesOn: () => boolean): Promise<void> {
  const open = new Set<Promise<void>>();
  const begunMs = performance.now();
  for (let sent = 0; goesOn(); ) {
    for (const due = ((performance.now() - begunMs) / 1000) * options.probesPerSecond; sent < due; sent++) {
      const one = ask(options, false).then((reply) => {
        take(reply);
        open.delete(one);
      });
      open.add(one);
    }
    await delay(PROBE_LOOK_MS);
  }
  await Promise.all(open);
}

/** One request; never rejects. `agent` false: on a connection of its own. */
function ask(
  { host, address, port, path, timeoutMs, nodeHeader }: TargetOptions,
  agent: Agent | false,
): Promise<Reply> {
  const atMs = performance.now();
  const named = { host: `${host.includes(':') ? `[${host}]` : host}${port === 80 ? '' : `:${port}`}` };
  const headers = agent === false ? { ...named, connection: 'close' } : named;
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const finish = (error: string | null, found: ReturnType<typeof nodeOf> = null): void => {
      clearTimeout(timer);
      resolve({ atMs, tookMs: performance.now() - atMs, error, node: found?.name ?? null, by: found?.by ?? null });
    };
    const request = get({ host: address, port, path, agent, headers }, (response) => {
      let body = '';
      response.setEncoding('latin1').on('data', (text: string) => {
        if (body.length < BODY_BYTES) body += text;
      });
      response.on('end', () => {
        const status = response.statusCode ?? 0;
        if (status >= 400) finish(`status ${status}`);
        else finish(null, nodeOf({ headers: response.headers, body }, nodeHeader));
      });
    });
    timer = setTimeout(() => {
      finish('timeout');
      request.destroy();
    }, timeoutMs);
    request.on('error', (cause: NodeJS.ErrnoException) => finish(cause.code ?? cause.message));
  });
}
