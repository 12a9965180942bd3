/** `covey bench`: its options, and what becomes of the report. */
import { writeFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { interruption } from '../lab/interrupt.js';
import { LabError } from '../lab/names.js';
import type { Scenario } from './contract.js';
import { runLabBench } from './lab-bench.js';
import { htmlReport } from './report/html.js';
import { listed, listLines } from './report/list.js';
import { reportLines } from './report/table.js';
import { failedPeers } from './rounds.js';
import { chosenScenarios, SCENARIOS, withPeers } from './scenarios/all.js';

interface BenchFlags {
  readonly rounds: number;
  readonly seconds: number;
  readonly limit: number;
  readonly peers?: readonly string[];
  readonly html?: string;
  readonly json?: boolean;
  readonly list?: boolean;
  readonly configOverride: readonly string[];
}

const examples = (...lines: readonly string[]): string => `\nExamples:\n${lines.map((line) => `  ${line}\n`).join('')}`;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const remark = (line: string): void => void process.stderr.write(`${line}\n`);

export function addBenchCommand(program: Command): void {
  program
    .command('bench')
    .description('measure farms on this machine against the kernel alone and other ways to share an address')
    .argument('[scenario...]', `which: ${SCENARIOS.map(({ id }) => id).join(', ')} (default: all)`)
    .option('--rounds <n>', 'rounds, each through all peers', positive, 5)
    .option('--seconds <n>', 'length of one measurement', positive, 3)
    .option('--limit <seconds>', 'begin no measurement later than this', positive, 3600)
    .option('--peers <names>', 'only these peers, and what they are compared with', names)
    .option('--config-override <yaml>', "laid over the config of Covey's farms; may be repeated", collect, [])
    .option('--html <file>', 'write a report with plots: one file that needs nothing else')
    .option('--list', 'show scenarios and peers, and which programs are missing')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      examples(
        'sudo covey bench',
        'sudo covey bench http rejected --rounds 9 --html bench.html',
        "sudo covey bench http --peers 'covey,haproxy'",
        'covey bench --list',
      ),
    )
    .action(bench);
}

async function bench(ids: readonly string[], flags: BenchFlags): Promise<void> {
  const scenarios = withPeers(chosenScenarios(ids), flags.peers ?? []);
  if (flags.list === true) return list(scenarios, flags.json === true);
  if (process.getuid?.() !== 0)
    throw Object.assign(new LabError('benchmarks make network namespaces: run this as root (sudo)'), {
      needsRoot: true,
    });
  const interrupt = interruption(remark);
  const report = await runLabBench({
    scenarios,
    rounds: flags.rounds,
    seconds: flags.seconds,
    limitSeconds: flags.limit,
    overrides: flags.configOverride,
    command: repeatCommand(ids, flags),
    signal: interrupt.signal,
    say: remark,
    nowMs: () => performance.now(),
    wallTime: () => new Date().toISOString(),
  }).finally(interrupt.done);
  if (flags.html !== undefined) await writeFile(flags.html, htmlReport(report));
  if (flags.json === true) say(JSON.stringify(report));
  else for (const line of reportLines(report)) say(line);
  if (flags.html !== undefined) remark(`report: ${flags.html}`);
  if (report.scenarios.flatMap(failedPeers).length > 0) process.exitCode = 1;
}

function list(scenarios: readonly Scenario[], isJson: boolean): void {
  const all = listed(scenarios);
  if (isJson) return say(JSON.stringify({ version: 1, scenarios: all }));
  for (const line of listLines(all)) say(line);
  say('* others are compared with this one');
}

/** Everything that has a say in the figures, as a shell takes it. */
export function repeatCommand(ids: readonly string[], flags: Omit<BenchFlags, 'html' | 'json' | 'list'>): string {
  const quoted = (text: string): string => (/^[\w.,:/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const words = ['covey bench', ...ids, `--rounds ${flags.rounds}`, `--seconds ${flags.seconds}`];
  if (flags.peers !== undefined) words.push(`--peers ${quoted(flags.peers.join(','))}`);
  for (const text of flags.configOverride) words.push(`--config-override ${quoted(text)}`);
  return words.join(' ');
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
