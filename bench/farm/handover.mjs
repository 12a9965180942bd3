// A hand-over of many keys under traffic: node bench/farm/handover.mjs [--keys 100000]. Needs root.
//
//     lab bench-handover:  client ---- switch ---- n1, n2      n1 knows so many clients; it is drained, and n2 takes its buckets over
//
// Meanwhile a client sends datagrams from many source ports, and asks over TCP connections every 100 ms: nothing may be lost or stop.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ControlClient } from '../../dist/control/client.js';
import { labDown, labUp, waitWhole } from '../../dist/lab/lab.js';
import { namespaceOf, nodePaths, VIP } from '../../dist/lab/names.js';
import { eventually } from '../../dist/lab/processes.js';
import { conditions, loadText } from './conditions.mjs';

const LAB = 'bench-handover';
const NODES = ['n1', 'n2'];
const HERE = dirname(fileURLToPath(import.meta.url));
const ECHO = join(HERE, '..', '..', 'test', 'netns', 'fixtures', 'id-echo.mjs');

const { values } = parseArgs({ options: { keys: { type: 'string', default: '100000' } } });
const keys = Number(values.keys);

function inside(host, script, ...words) {
  const command = ['netns', 'exec', namespaceOf(LAB, host), process.execPath, script, ...words];
  return spawn('ip', command, { stdio: ['pipe', 'pipe', 'inherit'] });
}

const statusOf = (node) => new ControlClient(nodePaths(LAB, node).runDir).status();
const memberOf = (report, node) => report.members.find(({ name }) => name === node);

async function startClient() {
  const options = { vip: VIP, ports: 120, perSecond: 1500, streams: 30 };
  const child = inside('client', join(HERE, 'failover-client.mjs'), JSON.stringify(options));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (order) => {
    child.stdin.write(`${order}\n`);
    return (await lines.next()).value;
  };
  return { child, ask };
}

/** The farm's MAC, by the client's neighbour table. */
function farmMac() {
  const words = (...command) => ['netns', 'exec', namespaceOf(LAB, 'client'), ...command];
  execFileSync('ip', words('ping', '-c', '1', '-W', '2', VIP));
  const shown = execFileSync('ip', words('ip', 'neigh', 'show', VIP, 'dev', 'eth0')).toString();
  const mac = /lladdr ([0-9a-f:]{17})/.exec(shown)?.[1];
  if (mac === undefined) throw new Error(`the client does not know the MAC of ${VIP}: ${shown}`);
  return mac;
}

/** The node knows its half of the keys; sent again where a busy machine dropped some. */
async function fill(vmac) {
  for (let tries = 0; tries < 5; tries++) {
    const [code] = await once(
      inside('client', join(HERE, 'handover-keys.mjs'), 'eth0', String(2 * keys), vmac),
      'exit',
    );
    if (code !== 0) throw new Error('the keys could not be sent');
    const { counters } = await statusOf('n1');
    if (counters.keys > keys * 0.95) return counters.keys;
  }
  throw new Error('n1 does not know so many keys');
}

/** Ms from the order until n1 holds nothing, and the state of both after it. */
async function drain() {
  const begunMs = performance.now();
  await new ControlClient(nodePaths(LAB, 'n1').runDir).command({ command: 'drain', node: null, deadlineMs: 60_000 });
  let longestStatusMs = 0;
  const isOver = async () => {
    const askedMs = performance.now();
    const report = await statusOf('n1');
    longestStatusMs = Math.max(longestStatusMs, performance.now() - askedMs);
    return memberOf(report, 'n1').heldBuckets === 0 && report.grants === 0;
  };
  if (!(await eventually(isOver, 20_000, 5))) throw new Error('n1 still holds buckets after 20 s');
  return { tookMs: performance.now() - begunMs, longestStatusMs };
}

const stop = () => void labDown(LAB).finally(() => process.exit(130));
process.once('SIGINT', stop).once('SIGTERM', stop);
const begun = conditions();
try {
  await labDown(LAB);
  await labUp({ lab: LAB, nodes: 2, client: true, ipv6: false, overrides: [], agents: true }, () => undefined);
  for (const node of NODES) await once(inside(node, ECHO, node, '/dev/null', '53').stdout, 'data');
  await waitWhole(LAB, NODES, () => undefined);
  const known = await fill(farmMac());
  const client = await startClient();
  await delay(1000);
  await client.ask('begin');
  await delay(1000);
  const before = await Promise.all(NODES.map(statusOf));
  const { tookMs, longestStatusMs } = await drain();
  await delay(1000);
  const { lost, answered, harmed, slowestOtherMs } = JSON.parse(await client.ask('end nobody'));
  const after = await Promise.all(NODES.map(statusOf));
  const grown = (name) => after.map((report, i) => report.counters[name] - before[i].counters[name]).join(' and ');
  client.child.kill();
  console.log(`${begun}; at the end ${loadText()}`);
  console.log(`repeat: node bench/farm/handover.mjs --keys ${keys}\n`);
  console.log(`keys known to n1                      ${known}`);
  console.log(`keys handed over (n2 honours)         ${after[1].counters.keepsForeign}`);
  console.log(`from the order to drain to the end    ${tookMs.toFixed(0)} ms (target < 1000)`);
  console.log(`slowest answer of status meanwhile    ${longestStatusMs.toFixed(0)} ms`);
  console.log(`datagrams answered, lost              ${answered}, ${lost.length}`);
  console.log(`TCP streams broken, slowest answer    ${harmed.length}, ${slowestOtherMs.toFixed(0)} ms`);
  console.log(`capture drops of n1 and n2            ${grown('captureDrops')}`);
  console.log(`lapses of n1 and n2                   ${grown('leaseLapses')}`);
} finally {
  await labDown(LAB);
}
process.exit(0);
