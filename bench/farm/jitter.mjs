// Is membership disturbed by the agent's main thread, and what does it cost? node bench/farm/jitter.mjs [--seconds 100]. Root.
//
//   jitter  three nodes; n2's main thread is kept busy for 1 s again and again, while its heartbeats are timed where they enter
//           the switch. Lateness = distance of two heartbeats - interval; earlier ones (something changed) are not late.
//   cost    eight nodes at rest, no client: processor time of each agent, all threads, from /proc/PID/stat
import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { labDown, labUp, waitWhole } from '../../dist/lab/lab.js';
import { namespaceOf, portOf } from '../../dist/lab/names.js';
import { agentProcesses } from '../../dist/lab/processes.js';
import { conditions, loadText, percentile } from './conditions.mjs';

const LAB = 'bench-jitter';
const INTERVAL_MS = 100;
const JITTER_TARGET_MS = 20;
const COST_NODES = 8;
const COST_SECONDS = 30;
const COST_TARGET_PERCENT = 2;
/** Parts of one heartbeat follow each other at once. */
const SAME_HEARTBEAT_MS = 2;
const BLOCK = join(
  dirname(fileURLToPath(import.meta.url)),
  '..',
  '..',
  'test',
  'netns',
  'fixtures',
  'block-main-thread.mjs',
);

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '100' } } });
const seconds = Number(values.seconds);

async function lab(nodes, client) {
  await labDown(LAB);
  await labUp({ lab: LAB, nodes, client, ipv6: false, overrides: [], agents: true }, () => undefined);
}

/** Arrival times, ms, of heartbeats from `node` at the switch; grows until `stop`. */
function listen(node) {
  const filter = ['ether', 'proto', '0x88b5'];
  const words = ['tcpdump', '-i', portOf(node), '-Q', 'in', '-l', '-nn', '-tt', '-q', '--immediate-mode', ...filter];
  const child = spawn('ip', ['netns', 'exec', namespaceOf(LAB, 'switch'), ...words], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const times = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const seconds = /^(\d+\.\d+) /.exec(line);
    if (seconds !== null) times.push(Number(seconds[1]) * 1000);
  });
  return { times, stop: () => child.kill() };
}

function lateness(times) {
  const late = [];
  let lastMs = times[0];
  for (const atMs of times) {
    if (atMs - lastMs >= SAME_HEARTBEAT_MS) late.push(Math.max(0, atMs - lastMs - INTERVAL_MS));
    lastMs = atMs;
  }
  return late;
}

async function block(node, forSeconds) {
  const agent = agentProcesses(LAB, node)[1].pid;
  let blocked = 0;
  for (const end = performance.now() + forSeconds * 1000; performance.now() < end; blocked++) {
    execFileAsync('ip', ['netns', 'exec', namespaceOf(LAB, node), process.execPath, BLOCK, `${agent}`, '1000']);
    await delay(1100);
  }
  return blocked;
}

const blockers = [];
function execFileAsync(command, words) {
  const child = spawn(command, words, { stdio: 'ignore' });
  blockers.push(new Promise((resolve) => child.once('close', resolve)));
}

async function jitter() {
  await lab(3, false);
  const listeners = new Map(['n1', 'n2', 'n3'].map((node) => [node, listen(node)]));
  await delay(500);
  const blocked = await block('n2', seconds);
  const codes = await Promise.all(blockers);
  await waitWhole(LAB, ['n1', 'n2', 'n3'], () => undefined);
  for (const { stop } of listeners.values()) stop();
  const failed = codes.filter((code) => code !== 0).length;
  if (failed > 0) throw new Error(`the main thread was not blocked ${failed} times of ${blocked}`);
  return [...listeners].map(([node, { times }]) => ({ node, late: lateness(times) }));
}

/** Ticks of user and system time, all threads. Field numbers: proc(5); the name in brackets may hold anything. */
function ticks(pid) {
  return ticksOf(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

function ticksOf(stat) {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** Ticks of the threads that do nothing but membership: the worker, which runs at a real-time priority, and the receiver of control frames. */
function membershipTicks(pid) {
  const tasks = readdirSync(`/proc/${pid}/task`).map((tid) => readFileSync(`/proc/${pid}/task/${tid}/stat`, 'utf8'));
  // proc(5): the priority of a real-time thread is negative, that of any other is not.
  const mine = tasks.filter((stat) => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[15]) < 0);
  if (mine.length !== 2) throw new Error(`not two membership threads in process ${pid}, but ${mine.length}`);
  return mine.reduce((total, stat) => total + ticksOf(stat), 0);
}

async function cost() {
  await lab(COST_NODES, false);
  const nodes = Array.from({ length: COST_NODES }, (_, index) => `n${index + 1}`);
  const pids = nodes.map((node) => agentProcesses(LAB, node).map(({ pid }) => pid));
  // Start-up and its compilation are not rest.
  await delay(10_000);
  const read = () =>
    pids.map((list) => ({
      whole: list.reduce((total, pid) => total + ticks(pid), 0),
      membership: membershipTicks(list[1]),
    }));
  const before = read();
  const begunMs = performance.now();
  await delay(COST_SECONDS * 1000);
  const perSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  const elapsed = ((performance.now() - begunMs) / 1000) * perSecond;
  const percent = (after, then) => (100 * (after - then)) / elapsed;
  return read().map(({ whole, membership }, index) => ({
    node: nodes[index],
    whole: percent(whole, before[index].whole),
    membership: percent(membership, before[index].membership),
  }));
}

const stop = () => void labDown(LAB).finally(() => process.exit(130));
process.once('SIGINT', stop).once('SIGTERM', stop);
console.log(conditions());
console.log(`repeat: node bench/farm/jitter.mjs --seconds ${seconds}\n`);
try {
  const text = (value) => value.toFixed(2);
  console.log('| heartbeats of | n | median late ms | p99 | p99.9 | max |\n|---|---|---|---|---|---|');
  let isMet = true;
  for (const { node, late } of await jitter()) {
    const [median, p99, p999, max] = [50, 99, 99.9, 100].map((percent) => text(percentile(late, percent)));
    const name = node === 'n2' ? 'n2, main thread blocked' : node;
    console.log(`| ${name} | ${late.length} | ${median} | ${p99} | ${p999} | ${max} |`);
    if (node === 'n2' && percentile(late, 99.9) > JITTER_TARGET_MS) isMet = false;
  }
  console.log(`\ntarget: p99.9 of n2 <= ${JITTER_TARGET_MS} ms; ${loadText()}\n`);
  const costs = await cost();
  console.log(`cost at rest, ${COST_NODES} nodes, ${COST_SECONDS} s, % of a core:\n`);
  console.log('| threads | median | max | target |\n|---|---|---|---|');
  for (const [what, of, target] of [
    ['membership and its receiver', (node) => node.membership, `< ${COST_TARGET_PERCENT}`],
    ['supervisor and agent, all threads', (node) => node.whole, ''],
  ]) {
    const percents = costs.map(of);
    console.log(`| ${what} | ${text(percentile(percents, 50))} | ${text(Math.max(...percents))} | ${target} |`);
  }
  console.log(`\n${loadText()}`);
  if (Math.max(...costs.map(({ membership }) => membership)) >= COST_TARGET_PERCENT) isMet = false;
  process.exitCode = isMet ? 0 : 1;
} finally {
  await labDown(LAB);
}
