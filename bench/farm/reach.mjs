// How soon does a farm notice what its network does? node bench/farm/reach.mjs [--events 20]. Root.
//
//   flood     the switch stops flooding to one of three nodes, in turn: until every node uses another reach
//   conflict  the client takes the VIP: until every node has it among its warnings
import { execFileSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ControlClient } from '../../dist/control/client.js';
import { labDown, labUp } from '../../dist/lab/lab.js';
import { namespaceOf, nodePaths, portOf, VIP } from '../../dist/lab/names.js';
import { conditions, loadText, percentile } from './conditions.mjs';

const LAB = 'bench-reach';
const NODES = ['n1', 'n2', 'n3'];
const POLL_MS = 10;
const LONGEST_MS = 60_000;
const DOWN_TARGET_MS = 10_000;
const CONFLICT_TARGET_MS = 1000;

const { values } = parseArgs({ options: { events: { type: 'string', default: '20' } } });
const events = Number(values.events);
const clients = new Map(NODES.map((node) => [node, new ControlClient(nodePaths(LAB, node).runDir)]));

const inside = (host, ...command) => execFileSync('ip', ['netns', 'exec', namespaceOf(LAB, host), ...command]);
const flooding = (node, state) => inside('switch', 'bridge', 'link', 'set', 'dev', portOf(node), 'flood', state);
const claim = (how) => inside('client', 'ip', 'address', how, `${VIP}/32`, 'dev', 'eth0');
const statuses = () => Promise.all([...clients.values()].map((client) => client.status()));

/** ms from now until `condition` holds for the status of every node. */
async function untilAll(what, condition) {
  const begun = performance.now();
  while (!(await statuses()).every(condition)) {
    if (performance.now() - begun > LONGEST_MS) throw new Error(`${what}: not within ${LONGEST_MS} ms`);
    await delay(POLL_MS);
  }
  return performance.now() - begun;
}

const usesFlood = ({ reach }) => reach.mode === 'flood';
const sees = ({ warnings }) => warnings.some((line) => line.startsWith('conflict'));

async function raise() {
  for (let attempt = 0; attempt < 30 && !(await statuses()).every(usesFlood); attempt++) {
    await clients.get('n1').probe({ apply: true });
    await delay(200);
  }
  await untilAll('flood again', usesFlood);
}

async function downs() {
  const times = [];
  for (let event = 0; event < events; event++) {
    const node = NODES[event % NODES.length];
    await raise();
    flooding(node, 'off');
    times.push(await untilAll('another reach', (status) => !usesFlood(status)));
    flooding(node, 'on');
  }
  return times;
}

async function conflicts() {
  const times = [];
  for (let event = 0; event < events; event++) {
    await untilAll('no conflict', (status) => !sees(status));
    claim('add');
    try {
      times.push(await untilAll('the conflict', sees));
    } finally {
      claim('del');
    }
  }
  return times;
}

function report(what, times, targetMs) {
  const at = (percent) => `${Math.round(percentile(times, percent))} ms`;
  console.log(`${what}: n ${times.length}, median ${at(50)}, p99 ${at(99)}, max ${at(100)} (target ${targetMs} ms)`);
}

console.log(`node bench/farm/reach.mjs --events ${events}\n${conditions()}`);
await labDown(LAB);
try {
  const overrides = ['{ reach: auto }'];
  await labUp({ lab: LAB, nodes: NODES.length, client: true, ipv6: false, overrides, agents: true }, () => undefined);
  report('flood stops for one node', await downs(), DOWN_TARGET_MS);
  report('another host takes the VIP', await conflicts(), CONFLICT_TARGET_MS);
} finally {
  await labDown(LAB);
}
console.log(loadText());
