/**
 * What clients do all the time, run in the client's namespace: `traffic.mjs '{"seconds": 60, "vips": ["10.77.0.50", "fd77::50"]}'`.
 * Nearly all of it is done by programs that we did not write; this script starts them again and again, and says what came of
 * each. One JSON object a line: {kind, at, ms, ok, node?, error?, count?, session?}; `at` is the wall clock in ms, `ms` the time that the client
 * waited, or for a program that ran long the longest wait that it reports.
 *
 * A program's run is bounded, so that connections end and new ones begin all the time; the sessions named `long` stay open from
 * the first to the last moment.
 */
import { spawn } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { get } from 'node:http';
import { isIPv6 } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

const { seconds, vips, sha256, kinds = null, freshPerSecond = 60 } = JSON.parse(process.argv[2]);
const end = performance.now() + seconds * 1000;
const isRunning = () => performance.now() < end;

function say(kind, startMs, outcome) {
  const nowMs = performance.now();
  process.stdout.write(
    `${JSON.stringify({ kind, at: Date.now(), ms: Math.round((nowMs - startMs) * 10) / 10, ...outcome })}\n`,
  );
}

const host = (vip) => (isIPv6(vip) ? `[${vip}]` : vip);
const family = (vip) => (isIPv6(vip) ? '6' : '4');

/**
 * Those that go as fast as they can come after all else, and have few connections: on a real network clients have processors of their own,
 * and each node has; here four nodes, their services and all clients share those of one machine.
 */
const POLITELY = ['nice', '-n', '15'];

/** Runs a program to its end. */
function program(words, timeoutMs = 20_000) {
  return new Promise((done) => {
    const child = spawn(words[0], words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      err += text;
    });
    child.once('error', (error) => done({ code: null, out, err: error.message }));
    child.once('close', (code, signal) => done({ code: code ?? signal, out, err }));
  });
}

/** HTTP keep-alive, as fast as two connections go. */
async function wrk(vip) {
  const startMs = performance.now();
  const { code, out, err } = await program([
    ...POLITELY,
    'wrk',
    '-t1',
    '-c2',
    '-d3s',
    '--latency',
    `http://${host(vip)}:8080/whoami`,
  ]);
  const count = Number(/(\d+) requests in/.exec(out)?.[1] ?? 0);
  const faults = [...out.matchAll(/(Socket errors: .*|Non-2xx or 3xx responses: \d+)/g)].map(([text]) => text);
  const ok = code === 0 && faults.length === 0 && count > 0;
  const longest = /Latency\s+\S+\s+\S+\s+([\d.]+)(us|ms|s)/.exec(out);
  const ms = longest === null ? undefined : Number(longest[1]) * { us: 0.001, ms: 1, s: 1000 }[longest[2]];
  say(`wrk${family(vip)}`, startMs, {
    ok,
    count,
    ms,
    error: ok ? undefined : faults.join('; ') || `exit ${code}: ${err || out}`,
  });
}

/** A download that takes some seconds; every byte is checked. */
async function download(vip) {
  const startMs = performance.now();
  const url = `http://${host(vip)}:8080/big`;
  const { out, err } = await program(['sh', '-c', `curl -sS --max-time 20 --limit-rate 2M '${url}' | sha256sum`]);
  const ok = err === '' && out.startsWith(sha256);
  say(`download${family(vip)}`, startMs, {
    ok,
    count: 1,
    ms: 0,
    error: ok ? undefined : err || 'other bytes than the file has',
  });
}

async function iperf(vip) {
  const startMs = performance.now();
  const { code, out, err } = await program(['iperf3', '-c', vip, '-t', '3', '-b', '20M', '-J']);
  const report = parse(out);
  // One server serves one test at a time; that it has not noticed the end of the last one says nothing of the farm.
  if (/busy/.test(report.error ?? '')) return delay(300);
  const [sent, received] = [report.end?.sum_sent?.bytes, report.end?.sum_received?.bytes];
  const ok = code === 0 && sent > 0 && received > 0;
  say(`iperf${family(vip)}`, startMs, {
    ok,
    count: 1,
    ms: 0,
    error: ok ? undefined : (report.error ?? `exit ${code}: ${err}`),
  });
  return delay(200);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** One connection, a counter on the server: were it another server or connection in between, the numbers would tell. */
async function redisCounter(vip) {
  const startMs = performance.now();
  const key = `count-${process.pid}-${Math.round(startMs)}`;
  const { code, out, err } = await program(['redis-cli', '-h', vip, '-r', '100', '-i', '0.02', 'INCR', key]);
  const isWhole = out.trim() === Array.from({ length: 100 }, (_, index) => index + 1).join('\n');
  const ok = code === 0 && err === '' && isWhole;
  say(`redis${family(vip)}`, startMs, {
    ok,
    count: 100,
    ms: 0,
    error: ok ? undefined : err || `wrong numbers: ${out.slice(-80)}`,
  });
}

async function redisBenchmark(vip) {
  const startMs = performance.now();
  const words = [...POLITELY, 'redis-benchmark', '-h', vip, '-c', '2', '-n', '4000', '-t', 'set,get', '--csv'];
  const { code, out, err } = await program(words);
  const ok = code === 0 && /"GET"/.test(out) && !/rror/.test(out + err);
  say(`redis-benchmark${family(vip)}`, startMs, {
    ok,
    count: 8000,
    ms: 0,
    error: ok ? undefined : `exit ${code}: ${err || out}`,
  });
  await delay(500);
}

/** Each from a port of its own, as resolvers do. */
async function dns(vip) {
  const startMs = performance.now();
  const resolver = new Resolver({ timeout: 1000, tries: 1 });
  resolver.setServers([host(vip)]);
  try {
    const [[node]] = await resolver.resolveTxt('whoami.farm');
    say(`dns${family(vip)}`, startMs, { ok: true, node, count: 1 });
  } catch (error) {
    say(`dns${family(vip)}`, startMs, { ok: false, count: 1, error: error.code });
  }
}

/** A connection of its own for each request: these follow the shares. */
function fresh(vip) {
  const startMs = performance.now();
  return new Promise((done) => {
    const finish = (outcome) => {
      say(`fresh${family(vip)}`, startMs, { count: 1, ...outcome });
      done();
    };
    const call = get(`http://${host(vip)}:8080/whoami`, { agent: false, timeout: 5000 }, (response) => {
      let node = '';
      response.setEncoding('utf8').on('data', (text) => {
        node += text;
      });
      response.on('end', () => finish({ ok: response.statusCode === 200, node: node.trim() }));
      response.on('error', (error) => finish({ ok: false, error: error.code ?? error.message }));
    });
    call.on('timeout', () => call.destroy(new Error('no answer within 5 s')));
    call.on('error', (error) => finish({ ok: false, error: error.code ?? error.message }));
  });
}

/** A line every 50 ms, as someone types over SSH; each must come back, from the node that answered the first. */
async function session(vip, kind, name, untilMs) {
  const child = spawn('socat', ['-', `TCP:${host(vip)}:7777`], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined);
  const asked = new Map();
  let [sent, node, isOver] = [0, null, false];
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    complaints += text;
  });
  const closed = new Promise((done) => child.once('close', done)).then(() => {
    isOver = true;
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [from, number] = line.split('=');
    node ??= from;
    const startMs = asked.get(number) ?? 0;
    const ok = node === from && asked.delete(number);
    say(kind, startMs, {
      ok,
      node: from,
      session: name,
      count: 1,
      error: ok ? undefined : `line ${line} on a session of ${node}`,
    });
  });
  while (performance.now() < untilMs && !isOver) {
    sent += 1;
    asked.set(`${sent}`, performance.now());
    child.stdin.write(`${sent}\n`);
    await delay(50);
  }
  const wasCut = isOver;
  // The last line's answer may be on its way.
  for (const giveUpMs = performance.now() + 3000; asked.size > 0 && !isOver && performance.now() < giveUpMs; )
    await delay(20);
  const missing = asked.size;
  child.stdin.end();
  await Promise.race([closed, delay(2000)]);
  child.kill();
  const ok = !wasCut && missing === 0;
  const error = ok
    ? undefined
    : `${wasCut ? 'cut' : 'silent'}, ${missing} lines without an answer ${complaints.trim()}`;
  say(`${kind}-end`, performance.now(), { ok, node, session: name, count: 0, error });
}

/** One after the other, families in turn. */
async function again(step) {
  for (let turn = 0; isRunning(); turn++) await step(vips[turn % vips.length]);
}

/** At a rate, whether the last has ended or not. */
async function atRate(perSecond, step) {
  const begunMs = performance.now();
  const open = new Set();
  for (let turn = 0; isRunning(); turn++) {
    const one = step(vips[turn % vips.length]).then(() => open.delete(one));
    open.add(one);
    await delay(Math.max(0, begunMs + ((turn + 1) * 1000) / perSecond - performance.now()));
  }
  await Promise.all(open);
}

const LONG_SESSIONS = 8;
let shortSessions = 0;
const generators = {
  wrk: () => again(wrk),
  download: () => Promise.all([again(download), again(download)]),
  iperf: () => again(iperf),
  redis: () => again(redisCounter),
  'redis-benchmark': () => again(redisBenchmark),
  dns: () => atRate(20, dns),
  fresh: () => atRate(freshPerSecond, fresh),
  typed: () =>
    again((vip) => {
      shortSessions += 1;
      return session(vip, `typed${family(vip)}`, `short-${shortSessions}`, performance.now() + 2000);
    }),
  long: () =>
    Promise.all(
      Array.from({ length: LONG_SESSIONS }, (_, index) => {
        const vip = vips[index % vips.length];
        return session(vip, `long${family(vip)}`, `long-${index + 1}`, end);
      }),
    ),
};
await Promise.all((kinds ?? Object.keys(generators)).map((kind) => generators[kind]()));
