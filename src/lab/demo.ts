/**
 * The demonstration: three nodes, one VIP, real HTTP, and what happens to it when nodes die, stand still and come back.
 * Run by scripts/demo.sh: `demo.js [--keep] [--lab NAME] [--rate N]`, which has checked the flags. Exit code 1 when the farm did
 * not behave.
 */
import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { CONSOLE_PORT, fingerprintOf, firstLogin, openDoor, WITH_CONSOLES } from './consoles.js';
import { type Absence, type DemoSecond, judge, readRow } from './demo-judge.js';
import { interruption } from './interrupt.js';
import { labDown, labKill, labStall, labStart, labUp, waitWhole } from './lab.js';
import { LabError, labPaths, namespaceOf, PROJECT, VIP } from './names.js';
import { nodeReport } from './status.js';
import type { Summary } from './tally.js';

const NODES = ['n1', 'n2', 'n3'];
const SECONDS = 45;

interface Step {
  readonly second: number;
  readonly say: string;
  readonly act: (lab: string) => Promise<unknown>;
}

const STEPS: readonly Step[] = [
  {
    second: 8,
    say: 'kill -9 of n2: its clients are served by n1 and n3 from now on',
    act: (lab) => labKill(lab, 'n2'),
  },
  {
    second: 17,
    say: 'n2 starts again: it gets its share back, and nobody loses a request',
    act: (lab) => labStart(lab, 'n2'),
  },
  {
    second: 26,
    say: 'n3 stands still (SIGSTOP): its lease lapses, n1 and n2 take over',
    act: (lab) => labStall(lab, 'n3'),
  },
  {
    second: 35,
    say: 'n3 wakes up: it must serve nothing from before, and joins anew',
    act: (lab) => labStart(lab, 'n3'),
  },
];
/** From kill or stall to the step that ends it. */
const ABSENCES: readonly Absence[] = [
  { node: 'n2', from: 8, to: 17 },
  { node: 'n3', from: 26, to: 35 },
];

const say = (line = ''): void => {
  process.stdout.write(`${line}\n`);
};

interface Shown {
  readonly seconds: readonly DemoSecond[];
  readonly summary: Summary;
}

/** Runs the load in the client's namespace, shows its table, and acts when a step's second has come. */
async function showFarm(lab: string, ratePerSecond: number, signal: AbortSignal): Promise<Shown> {
  const summaryFile = join(labPaths(lab).directory, 'summary.json');
  const script = join(PROJECT, 'dist', 'lab', 'load.js');
  const words = ['--url', `http://${VIP}/`, '--rate', `${ratePerSecond}`, '--seconds', `${SECONDS}`];
  const load = spawn(
    'ip',
    [
      'netns',
      'exec',
      namespaceOf(lab, 'client'),
      process.execPath,
      script,
      ...words,
      '--names',
      NODES.join(','),
      '--summary',
      summaryFile,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  signal.addEventListener('abort', () => load.kill(), { once: true });
  const ended = new Promise<number | null>((resolve, reject) => load.once('error', reject).once('close', resolve));
  const seconds: DemoSecond[] = [];
  try {
    for await (const line of createInterface({ input: load.stdout })) {
      say(line);
      const row = readRow(NODES, line);
      if (row !== null) seconds.push(row);
      const step = STEPS.find(({ second }) => second === row?.second);
      if (step === undefined || signal.aborted) continue;
      say(`        --> ${step.say}`);
      await step.act(lab);
    }
    const code = await ended;
    // Ctrl-C in a terminal reaches the load as well.
    signal.throwIfAborted();
    if (code !== 0) throw new LabError('the load generator failed');
    return { seconds, summary: JSON.parse(await readFile(summaryFile, 'utf8')) as Summary };
  } finally {
    await rm(summaryFile, { force: true });
  }
}

function report(summary: Summary, shares: Readonly<Record<string, number>>): void {
  const answered = NODES.map((node) => `${node} ${summary.answered[node] ?? 0}`).join(', ');
  const shown = NODES.map((node) => `${node} ${((shares[node] ?? 0) * 100).toFixed(1)} %`).join(', ');
  const errors = Object.entries(summary.errors).map(([name, count]) => `${count} ${name}`);
  say();
  say(
    `requests ${summary.requests}: answered by ${answered}; lost ${summary.lost}${errors.length > 0 ? ` (${errors.join(', ')})` : ''}`,
  );
  say(
    `longest gap ${summary.longestGapMs} ms (outages: ${summary.gapsMs.map((gap) => `${gap} ms`).join(', ') || 'none'}); shares now ${shown}`,
  );
}

/** Consoles are for those who stay to look. */
async function demonstrate(lab: string, { keep, rate }: Wishes, signal: AbortSignal): Promise<boolean> {
  const overrides = keep ? [WITH_CONSOLES] : [];
  await labUp({ lab, nodes: NODES.length, client: true, ipv6: false, overrides, agents: true, signal }, (line) =>
    say(`    ${line}`),
  );
  const ratePerSecond = Number(rate);
  say(
    `\nRequests per node and second: ${ratePerSecond} new connections a second to http://${VIP}/, each waits at most 0.9 s.\n`,
  );
  const { seconds, summary } = await showFarm(lab, ratePerSecond, signal);
  signal.throwIfAborted();
  await waitWhole(lab, NODES, (line) => say(`    ${line}`), { signal, timeoutMs: 5000 });
  const { members } = await nodeReport(lab, 'n1');
  const shares = Object.fromEntries(members.map((member) => [member.name, member.share]));
  report(summary, shares);
  const faults = judge(seconds, ABSENCES, summary, shares);
  for (const fault of faults) say(`FAULT: ${fault}`);
  say(faults.length === 0 ? 'The farm behaved.' : 'The farm did not behave.');
  return faults.length === 0;
}

interface Wishes {
  readonly keep: boolean;
  readonly rate: string;
}

async function explainKept(lab: string): Promise<void> {
  const covey = `node ${join(PROJECT, 'dist', 'cli', 'main.js')} lab`;
  say(`\nThe lab is still there. As root:`);
  say(`  ${covey} status --lab ${lab}`);
  say(`  ${covey} exec --lab ${lab} client -- curl -s http://${VIP}/`);
  say(`  ${covey} exec --lab ${lab} n1 -- covey status`);
  say(`  ${covey} kill|stall|cut|drain|start --lab ${lab} n2`);
  say(`  ${covey} down --lab ${lab}`);
  const { user, password } = await firstLogin(lab, NODES);
  say(`\nThe web console, from any node; user ${user}, password ${password}:`);
  for (const [index, node] of NODES.entries()) {
    say(`  ${node}  ${await openDoor(lab, node, CONSOLE_PORT + index)}`);
    say(`      SHA-256 ${await fingerprintOf(lab, node)}`);
  }
  say(
    `Each has signed its certificate itself, so the browser warns: compare the fingerprint that it shows. From another host: ssh -L 9443:127.0.0.1:9443 THIS-HOST`,
  );
}

/** @returns the exit code. The lab is removed unless it is to be kept and all went to the end. */
async function show(signal: AbortSignal): Promise<number> {
  const { lab, keep } = values;
  if ((await labDown(lab)).length > 0) say(`    removed a lab ${lab} of before`);
  let kept = false;
  try {
    const behaved = await demonstrate(lab, values, signal);
    kept = keep;
    return behaved ? 0 : 1;
  } finally {
    if (kept) await explainKept(lab);
    else await labDown(lab);
  }
}

const { values } = parseArgs({
  options: {
    keep: { type: 'boolean', default: false },
    lab: { type: 'string', default: 'demo' },
    rate: { type: 'string', default: '200' },
  },
});
const interrupt = interruption((line) => process.stderr.write(`${line}\n`));
try {
  process.exitCode = await show(interrupt.signal);
} catch (cause) {
  // Told when it is true: the lab is gone by now.
  const shown: unknown = interrupt.signal.aborted ? interrupt.signal.reason : cause;
  process.stderr.write(`demo: ${shown instanceof Error ? shown.message : String(shown)}\n`);
  process.exitCode = 1;
} finally {
  interrupt.done();
}
