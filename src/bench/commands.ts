/** `covey bench`: its options, and what becomes of the report. */
import { lookup } from 'node:dns/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { interruption } from '../lab/interrupt.js';
import { LabError } from '../lab/names.js';
import { lockRunDir, type RunDirLock, RunDirLockedError } from '../platform/incarnation-lock.js';
import { BenchError, type Scenario } from './contract.js';
import { runLabBench } from './lab-bench.js';
import { mustBeWritable, writeReport } from './report/file.js';
import { htmlReport } from './report/html.js';
import { listed, listLines } from './report/list.js';
import { reportLines } from './report/table.js';
import { failedPeers } from './rounds.js';
import { chosenScenarios, SCENARIOS, withPeers } from './scenarios/all.js';
import { parseTarget, runTargetBench } from './target/command.js';
import { targetHtml, targetLines } from './target/view.js';

type Endpoint = NonNullable<ReturnType<typeof parseTarget>>;

interface TargetFlags {
  readonly target?: Endpoint;
  readonly connections: number;
  readonly probes: number;
  readonly timeout: number;
  readonly path: string;
  readonly nodeHeader?: string;
}

interface BenchFlags extends TargetFlags {
  readonly rounds: number;
  readonly seconds?: number;
  readonly limit: number;
  readonly peers?: readonly string[];
  readonly html?: string;
  readonly json?: boolean;
  readonly list?: boolean;
  readonly configOverride: readonly string[];
}

const SECONDS = 3;
const LIMIT = 3600;
const LOCK_DIRECTORY = '/run/covey-bench';
const TARGET_SECONDS = 20;

const examples = (...lines: readonly string[]): string => `\nExamples:\n${lines.map((line) => `  ${line}\n`).join('')}`;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const remark = (line: string): void => void process.stderr.write(`${line}\n`);

export function addBenchCommand(program: Command): void {
  program
    .command('bench')
    .description('measure farms on this machine against the kernel alone and other ways to share an address')
    .argument('[scenario...]', `which: ${SCENARIOS.map(({ id }) => id).join(', ')} (default: all)`)
    .option('--rounds <n>', 'rounds, each through all peers', positive, 5)
    .option('--seconds <n>', 'length of one measurement (default: 3; with --target 20)', positive)
    .option('--limit <seconds>', 'begin no measurement later than this', positive, LIMIT)
    .option('--peers <names>', 'only these peers, and what they are compared with', names)
    .option('--config-override <yaml>', "laid over the config of Covey's farms; may be repeated", collect, [])
    .option('--html <file>', 'write a report with plots: one file that needs nothing else')
    .option('--target <host:port>', 'measure a farm that lives, from here: HTTP requests to its VIP', target)
    .option('--connections <n>', 'with --target: connections that ask without a pause', positive, 16)
    .option('--probes <n>', 'with --target: new connections a second, for shares and gaps', positive, 100)
    .option('--timeout <ms>', 'with --target: when an answer no longer counts', positive, 900)
    .option('--path <path>', 'with --target: what to ask for', '/')
    .option('--node-header <name>', 'with --target: the header that says which node answered')
    .option('--list', 'show scenarios and peers, and which programs are missing')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      examples(
        'sudo covey bench',
        'sudo covey bench http rejected --rounds 9 --html bench.html',
        "sudo covey bench http --peers 'covey,haproxy'",
        'covey bench --list',
        'covey bench --target 192.0.2.50:80 --seconds 60 --html farm.html',
      ),
    )
    .action(bench);
}

async function bench(ids: readonly string[], flags: BenchFlags): Promise<void> {
  if (flags.target !== undefined) {
    if (ids.length > 0) throw new BenchError('--target measures a farm that lives: it takes no scenario');
    return benchTarget(flags, flags.target);
  }
  const scenarios = withPeers(chosenScenarios(ids), flags.peers ?? []);
  if (flags.list === true) return list(scenarios, flags.json === true);
  if (process.getuid?.() !== 0) throw rootNeeded();
  if (flags.html !== undefined) await mustBeWritable(flags.html);
  const lock = await onlyOne();
  const interrupt = interruption(remark);
  const seconds = flags.seconds ?? SECONDS;
  const report = await runLabBench({
    scenarios,
    rounds: flags.rounds,
    seconds,
    limitSeconds: flags.limit,
    overrides: flags.configOverride,
    command: repeatCommand(ids, { ...flags, seconds }, process.env),
    signal: interrupt.signal,
    say: remark,
    nowMs: () => performance.now(),
    wallTime: () => new Date().toISOString(),
  }).finally(() => {
    interrupt.done();
    return lock.release();
  });
  if (flags.json === true) say(JSON.stringify(report));
  else for (const line of reportLines(report)) say(line);
  const failed = report.scenarios.flatMap((scenario) => failedPeers(scenario).map((name) => `${scenario.id}: ${name}`));
  if (failed.length > 0) remark(`not measured: ${failed.join(', ')}`);
  if (failed.length > 0 || interrupt.signal.aborted) process.exitCode = 1;
  await keepReport(flags.html, () => htmlReport(report));
}

/** Labs of every run have the same names, so that what an aborted one left is removed; and two at once would measure each other. */
async function onlyOne(): Promise<RunDirLock> {
  try {
    return await lockRunDir(LOCK_DIRECTORY, `pid ${process.pid}`);
  } catch (cause) {
    if (!(cause instanceof RunDirLockedError)) throw cause;
    throw new LabError(
      `another covey bench runs on this machine: ${cause.message.split(';')[0]}; wait until it has ended`,
    );
  }
}

/** The command line adds what to type. */
function rootNeeded(): LabError {
  return Object.assign(new LabError('benchmarks make network namespaces: run this as root (sudo)'), {
    needsRoot: true,
  });
}

/** Ctrl-C ends the load, and what was seen until then is shown. */
async function benchTarget(flags: BenchFlags, { host, port }: Endpoint): Promise<void> {
  const { path, connections, probes, timeout, nodeHeader } = flags;
  const seconds = flags.seconds ?? TARGET_SECONDS;
  if (flags.html !== undefined) await mustBeWritable(flags.html);
  const address = await addressOf(host);
  const load = { host, address, port, path, seconds, connections, timeoutMs: timeout };
  const options = { ...load, probesPerSecond: probes, nodeHeader: nodeHeader ?? null };
  const ended = new AbortController();
  const end = (): void => ended.abort();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, end);
  remark(`asking ${host}:${port} for ${seconds} s; kill a node meanwhile to see the gap; Ctrl-C ends it earlier`);
  const wallTime = (): string => new Date().toISOString();
  const command = targetCommand(flags, { host, port }, seconds);
  const report = await runTargetBench({ options, command, signal: ended.signal, wallTime });
  if (flags.json === true) say(JSON.stringify(report));
  else for (const line of targetLines(report)) say(line);
  if (report.latencyMs === null) process.exitCode = 1;
  await keepReport(flags.html, () => targetHtml(report));
}

/** Last, so that figures which took an hour are on the screen before a disk is found full. */
async function keepReport(path: string | undefined, html: () => string): Promise<void> {
  if (path === undefined) return;
  await writeReport(path, html());
  remark(`report: ${path}`);
}

/** Once: a resolver that does not answer would hold up each request, and the end of the run. */
async function addressOf(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (cause) {
    throw new BenchError(`the address of ${host} cannot be found: ${(cause as Error).message}`, { cause });
  }
}

function list(scenarios: readonly Scenario[], isJson: boolean): void {
  const all = listed(scenarios);
  if (isJson) return say(JSON.stringify({ version: 1, scenarios: all }));
  for (const line of listLines(all)) say(line);
  say('* others are compared with this one');
}

/** As a shell takes it. */
function quoted(text: string): string {
  return /^[\w.,:/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

type RepeatFlags = Pick<BenchFlags, 'rounds' | 'limit' | 'peers' | 'configOverride'> & { readonly seconds: number };

/** Of the environment, what nodes of a bench inherit. */
const SWITCHES = ['COVEY_FAST_PATH', 'COVEY_BUCKET_FILTER'];

/** Everything that has a say in the figures. */
export function repeatCommand(ids: readonly string[], flags: RepeatFlags, environment: NodeJS.ProcessEnv): string {
  const switches = SWITCHES.flatMap((name) =>
    environment[name] === undefined ? [] : [`${name}=${quoted(environment[name]!)}`],
  );
  const words = [...switches, 'covey bench', ...ids, `--rounds ${flags.rounds}`, `--seconds ${flags.seconds}`];
  if (flags.limit !== LIMIT) words.push(`--limit ${flags.limit}`);
  if (flags.peers !== undefined) words.push(`--peers ${quoted(flags.peers.join(','))}`);
  for (const text of flags.configOverride) words.push(`--config-override ${quoted(text)}`);
  return words.join(' ');
}

function targetCommand(flags: TargetFlags, { host, port }: Endpoint, seconds: number): string {
  const at = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const words = [`covey bench --target ${quoted(at)} --seconds ${seconds} --connections ${flags.connections}`];
  words.push(`--probes ${flags.probes} --timeout ${flags.timeout} --path ${quoted(flags.path)}`);
  if (flags.nodeHeader !== undefined) words.push(`--node-header ${quoted(flags.nodeHeader)}`);
  return words.join(' ');
}

function target(text: string): Endpoint {
  const found = parseTarget(text);
  if (found !== null) return found;
  throw new InvalidArgumentError('Write HOST:PORT, or [IPv6]:PORT.');
}

function positive(text: string): number {
  const value = Number(text);
  if (/^\d{1,6}$/.test(text) && value >= 1) return value;
  throw new InvalidArgumentError('Write a whole number from 1 on.');
}

function names(text: string): readonly string[] {
  return text.split(',').map((name) => name.trim());
}

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}
