// How long a client waits when a node dies: node bench/farm/failover.mjs [--events 50] [--only crash,agent,fast,relay,router]. Needs root.
//
//     lab bench-failover:  client ---- switch ---- n1, n2, n3      one of them is killed, in turn
//
//   crash   kill -9 of supervisor and agent at the defaults (heartbeat 100 ms, lease 500 ms)
//   agent   kill -9 of the agent alone: the supervisor tells the others
//   fast    as crash, with heartbeat { interval: 30ms, lease: 150ms }
//   relay   as crash, with reach: relay; the victim is the node that the client was told, so all its datagrams wait for another
//   router  as relay, with the client behind a router that keeps its ARP cache for hours
//
// A client sends datagrams from many source ports, so that every few ms one is for the dead node. An event lasts from the kill
// until the last datagram that nobody answered was sent. Connections to the other nodes must notice nothing.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ControlClient } from '../../dist/control/client.js';
import { labDown, labKill, labStart, labUp, waitWhole } from '../../dist/lab/lab.js';
import { namespaceOf, nodePaths, VIP } from '../../dist/lab/names.js';
import { agentProcesses, eventually, signalAll } from '../../dist/lab/processes.js';
import { notWhole } from '../../dist/lab/status.js';
import { conditions, loadText, percentile } from './conditions.mjs';

const LAB = 'bench-failover';
const NODES = ['n1', 'n2', 'n3'];
const SOURCE_PORTS = 120;
const DATAGRAMS_PER_SECOND = 1500;
const STREAMS = 30;
const HERE = dirname(fileURLToPath(import.meta.url));
const ECHO = join(HERE, '..', '..', 'test', 'netns', 'fixtures', 'id-echo.mjs');
const KINDS = {
  crash: { what: 'supervisor and agent killed, defaults', agentOnly: false, overrides: [], targetMs: 800 },
  agent: { what: 'agent alone killed, defaults', agentOnly: true, overrides: [], targetMs: 150 },
  fast: {
    what: 'supervisor and agent killed, interval 30 ms, lease 150 ms',
    agentOnly: false,
    overrides: ['{ heartbeat: { interval: 30ms, lease: 150ms } }'],
    targetMs: 300,
  },
  relay: { what: 'ingress of the client killed, reach: relay, defaults', ...relayed('switch', 'client') },
  router: { what: 'ingress of the router killed, reach: relay, defaults', ...relayed('router', 'gateway') },
};

function relayed(network, asker) {
  return { agentOnly: false, overrides: ['{ reach: relay }'], targetMs: 1000, network, asker };
}

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '50' },
    only: { type: 'string', default: 'crash,agent,fast,relay,router' },
  },
});
const events = Number(values.events);
const kinds = values.only.split(',');
for (const kind of kinds)
  if (KINDS[kind] === undefined) throw new Error(`there are ${Object.keys(KINDS)}, not ${kind}`);

function inside(host, script, ...words) {
  const command = ['netns', 'exec', namespaceOf(LAB, host), process.execPath, script, ...words];
  return spawn('ip', command, { stdio: ['pipe', 'pipe', 'inherit'] });
}

/** Others serve all, by what each of them says. */
async function othersServe(others) {
  for (const node of others) {
    const report = await new ControlClient(nodePaths(LAB, node).runDir).status().catch(() => null);
    if (report === null || notWhole(report, others) !== null) return false;
  }
  return true;
}

/** Every node serves its third: a node that has just come back is still being granted buckets. */
async function isBalanced() {
  for (const node of NODES) {
    const report = await new ControlClient(nodePaths(LAB, node).runDir).status().catch(() => null);
    if (report === null || notWhole(report, NODES) !== null || report.grants > 0) return false;
    if (report.members.some(({ share }) => Math.abs(share - 1 / NODES.length) > 0.01)) return false;
  }
  return true;
}

/** The node that `asker` sends the VIP's frames to, by its neighbour table: 0a:77:00:00:00:0N is nN. */
function ingressOf(asker) {
  const words = ['netns', 'exec', namespaceOf(LAB, asker), 'ip', 'neigh', 'show', VIP, 'dev', 'eth0'];
  const number = /lladdr 0a:77:00:00:00:0(\d)/.exec(execFileSync('ip', words).toString())?.[1];
  return number === undefined ? null : `n${number}`;
}

function kill(victim, agentOnly) {
  const processes = agentProcesses(LAB, victim);
  const victims = agentOnly ? processes.slice(1) : processes;
  const killedMs = Number(process.hrtime.bigint()) / 1e6;
  signalAll(victims, 'SIGKILL');
  return killedMs;
}

/**
 * One death; null when the farm was not whole at its moment. On a busy machine a short lease may run out by itself: then the kill
 * measures nothing, and the event is told apart.
 */
async function event(client, planned, { agentOnly, asker }) {
  await waitWhole(LAB, NODES, () => undefined);
  if (!(await eventually(isBalanced, 15_000, 50))) return null;
  // Kills must not keep step with heartbeats.
  await delay(400 + Math.random() * 300);
  await client.ask('begin');
  await delay(250);
  if (!(await isBalanced())) return null;
  const victim = asker === undefined ? planned : ingressOf(asker);
  if (victim === null) throw new Error(`${asker} knows no node of the farm`);
  const others = NODES.filter((node) => node !== victim);
  const killedMs = kill(victim, agentOnly);
  if (!(await eventually(() => othersServe(others), 8000, 30))) throw new Error(`${victim} was not replaced`);
  await delay(500);
  const report = JSON.parse(await client.ask(`end ${victim}`));
  const before = report.lost.filter((sentMs) => sentMs < killedMs - 20).length;
  // A whole start also forgives the supervisor's back-off.
  if (agentOnly) await labKill(LAB, victim).catch(() => undefined);
  await labStart(LAB, victim);
  return {
    victim,
    killedMs,
    outageMs: Math.max(0, ...report.lost.map((sentMs) => sentMs - killedMs)),
    before,
    ...report,
  };
}

async function startClient() {
  const options = { vip: VIP, ports: SOURCE_PORTS, perSecond: DATAGRAMS_PER_SECOND, streams: STREAMS };
  const child = inside('client', join(HERE, 'failover-client.mjs'), JSON.stringify(options));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (order) => {
    child.stdin.write(`${order}\n`);
    return (await lines.next()).value;
  };
  return { child, ask };
}

async function measure(kind) {
  const { overrides, network = 'switch' } = KINDS[kind];
  await labDown(LAB);
  await labUp({ lab: LAB, nodes: 3, client: true, ipv6: false, network, overrides, agents: true }, () => undefined);
  for (const node of NODES) await once(inside(node, ECHO, node, '/dev/null', '53').stdout, 'data');
  const client = await startClient();
  const outcomes = [];
  let disturbed = 0;
  for (let i = 0; outcomes.length < events; i++) {
    const outcome = await event(client, NODES[i % NODES.length], KINDS[kind]);
    if (outcome === null) {
      disturbed += 1;
      if (disturbed > events) throw new Error('this machine is too busy: nodes lapse by themselves before every kill');
      continue;
    }
    outcomes.push(outcome);
    process.stderr.write(
      `${kind} ${outcomes.length}/${events}: ${outcome.outageMs.toFixed(0)} ms, ${outcome.lost.length} lost, `,
    );
    process.stderr.write(`others: ${outcome.harmed.length} broken, slowest ${outcome.slowestOtherMs.toFixed(0)} ms\n`);
    for (const { node, why, atMs } of outcome.harmed)
      process.stderr.write(
        `  a stream of ${node}: ${why}, ${(atMs - outcome.killedMs).toFixed(0)} ms after the kill of ${outcome.victim}\n`,
      );
  }
  client.child.kill();
  await labDown(LAB);
  return { outcomes, disturbed };
}

function row(kind, { outcomes, disturbed }) {
  const { what, targetMs } = KINDS[kind];
  const outages = outcomes.map(({ outageMs }) => outageMs);
  const text = (value) => value.toFixed(0);
  const [median, p99, max] = [percentile(outages, 50), percentile(outages, 99), Math.max(...outages)];
  const harmed = outcomes.reduce((sum, outcome) => sum + outcome.harmed.length, 0);
  const slowest = Math.max(...outcomes.map(({ slowestOtherMs }) => slowestOtherMs));
  const strays = outcomes.reduce((sum, { before }) => sum + before, 0);
  const cells = [what, events, text(median), text(p99), text(max), targetMs, harmed, text(slowest), strays, disturbed];
  return { line: `| ${cells.join(' | ')} |`, isMet: p99 <= targetMs && harmed === 0 };
}

const stop = () => void labDown(LAB).finally(() => process.exit(130));
process.once('SIGINT', stop).once('SIGTERM', stop);
const begun = `${conditions()}; 3 nodes; ${DATAGRAMS_PER_SECOND} datagrams/s, ${STREAMS} streams`;
const rows = [];
try {
  for (const kind of kinds) rows.push(row(kind, await measure(kind)));
} finally {
  await labDown(LAB);
}
console.log(`${begun}; at the end ${loadText()}`);
console.log(`repeat: node bench/farm/failover.mjs --events ${events} --only ${kinds.join(',')}\n`);
console.log(
  '| event | n | median ms | p99 ms | max ms | target p99 ms | streams of others broken | their slowest answer ms | lost before | events void |',
);
console.log('|---|---|---|---|---|---|---|---|---|---|');
for (const { line } of rows) console.log(line);
process.exitCode = rows.every(({ isMet }) => isMet) ? 0 : 1;
