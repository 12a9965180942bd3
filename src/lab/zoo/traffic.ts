/**
 * The zoo's client: `traffic.js --vip 10.77.0.50 --vip6 fd77::50 --prefix P --seconds 60 --outcomes FILE`. Sends HTTP requests, each on a connection
 * of its own, and datagrams, each from a socket of its own, all with an id, until SIGTERM or the time is over. Nothing is sent twice
 * by us; TCP repeats what it must. Writes what became of each to FILE as JSON ({@link Outcome}), and says `sending` at the first.
 */
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { parseArgs } from 'node:util';
import type { Outcome } from './score.js';

/** To each VIP. */
const HTTP_PER_SECOND = 30;
const DATAGRAMS_PER_SECOND = 90;
const UDP_PORT = 53;
/** Long enough that a busy machine does not look like a lost packet; what came late can be told by its time. */
const TIMEOUT_MS = 3000;

type Answer = Pick<Outcome, 'node' | 'error'>;

/** Of the clock of this machine, so that other processes' times can be compared. */
const nowMs = (): number => performance.timeOrigin + performance.now();

async function measured(kind: Outcome['kind'], id: string, ask: (id: string) => Promise<Answer>): Promise<Outcome> {
  const sentMs = nowMs();
  const answer = await ask(id);
  return { kind, id, sentMs, tookMs: nowMs() - sentMs, ...answer };
}

function askByHttp(authority: string, id: string): Promise<Answer> {
  return new Promise((resolve) => {
    const finish = (node: string | null, error: string | null): void => {
      clearTimeout(timer);
      resolve({ node, error });
    };
    const call = get(
      `http://${authority}/id/${id}`,
      { agent: new Agent(), headers: { connection: 'close' } },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => {
          body += text;
        });
        response.on('end', () =>
          response.statusCode === 200 ? finish(body.trim(), null) : finish(null, `status ${response.statusCode}`),
        );
      },
    );
    const timer = setTimeout(() => {
      finish(null, 'timeout');
      call.destroy();
    }, TIMEOUT_MS);
    call.on('error', (cause: NodeJS.ErrnoException) => finish(null, cause.code ?? cause.message));
  });
}

function askByDatagram(vip: string, id: string): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const finish = (node: string | null, error: string | null): void => {
      clearTimeout(timer);
      socket.close();
      resolve({ node, error });
    };
    const timer = setTimeout(() => finish(null, 'timeout'), TIMEOUT_MS);
    // An unreachable network (EHOSTUNREACH) is a lost datagram: the timer tells.
    socket.on('error', () => undefined);
    socket.on('message', (message) => {
      const [answered, node] = message.toString().split(' ');
      if (answered === id && node !== undefined) finish(node, null);
    });
    socket.send(id, UDP_PORT, vip, () => undefined);
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      vip: { type: 'string', default: '10.77.0.50' },
      vip6: { type: 'string', default: 'fd77::50' },
      prefix: { type: 'string', default: 'x' },
      seconds: { type: 'string', default: '60' },
      outcomes: { type: 'string', default: '/dev/null' },
    },
  });
  const { vip, vip6, prefix } = values;
  let stopped = false;
  process.once('SIGTERM', () => {
    stopped = true;
  });
  const outcomes: Outcome[] = [];
  const open = new Set<Promise<void>>();
  const start = (one: Promise<Outcome>): void => {
    const kept = one.then((outcome) => {
      outcomes.push(outcome);
      open.delete(kept);
    });
    open.add(kept);
  };
  process.stdout.write('sending\n');
  const begun = performance.now();
  const sent = { http: 0, datagrams: 0 };
  while (!stopped && performance.now() - begun < Number(values.seconds) * 1000) {
    const elapsed = (performance.now() - begun) / 1000;
    for (; sent.http < elapsed * HTTP_PER_SECOND; sent.http++) {
      start(measured('http', `${prefix}-t${sent.http}`, (id) => askByHttp(vip, id)));
      start(measured('http6', `${prefix}-s${sent.http}`, (id) => askByHttp(`[${vip6}]`, id)));
    }
    for (; sent.datagrams < elapsed * DATAGRAMS_PER_SECOND; sent.datagrams++)
      start(measured('udp', `${prefix}-u${sent.datagrams}`, (id) => askByDatagram(vip, id)));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await Promise.all(open);
  writeFileSync(values.outcomes, JSON.stringify(outcomes));
}

await main();
