/**
 * A lab for a test file, with real agents and real packets:
 *
 *     client 10.77.0.100 ---- switch ---- n1 10.77.0.1, n2 10.77.0.2, n3 10.77.0.3; VIP 10.77.0.50
 *
 * Each file has a lab of its own name, so that an aborted run is cleared by the next one.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type LabOptions, labDown, labUp, waitWhole } from '../../src/lab/lab.js';
import { namespaceOf, nodePaths, VIP } from '../../src/lab/names.js';
import { type NodeReport, nodeReport, notWhole } from '../../src/lab/status.js';
import type { Summary } from '../../src/lab/tally.js';
import { type CommandResult, type RunOptions, run } from '../../src/platform/run.js';

export const ROOT = join(import.meta.dirname, '..', '..');
const LOAD = join(ROOT, 'dist', 'lab', 'load.js');
const IDS = join(ROOT, 'test', 'netns', 'fixtures', 'ids.mjs');

/** What became of one request with an id of its own. */
export interface IdOutcome {
  readonly id: string;
  readonly node: string | null;
  readonly error: string | null;
  readonly localPort: number | null;
}

export interface IdOptions {
  readonly prefix: string;
  readonly count: number;
  readonly url?: string;
  /** Source address of the connections. */
  readonly from?: string;
  readonly timeoutMs?: number;
}

/** A running child of a test, with all it has printed so far. */
export interface Background {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  stop(signal?: NodeJS.Signals): void;
  /** Exit code, or null after a signal. */
  readonly ended: Promise<number | null>;
}

export class Farm {
  readonly nodes: readonly string[];

  constructor(
    readonly lab: string,
    nodes: number,
  ) {
    this.nodes = Array.from({ length: nodes }, (_, index) => `n${index + 1}`);
  }

  exec(host: string, command: readonly string[], options?: RunOptions): Promise<CommandResult> {
    return run('ip', ['netns', 'exec', namespaceOf(this.lab, host), ...command], options);
  }

  background(host: string, command: readonly string[]): Background {
    return background(['ip', 'netns', 'exec', namespaceOf(this.lab, host), ...command]);
  }

  report(node: string): Promise<NodeReport> {
    return nodeReport(this.lab, node);
  }

  /** Waits until exactly `nodes` serve, and every one of them says so. */
  whole(nodes: readonly string[] = this.nodes, timeoutMs = 20_000): Promise<void> {
    return waitWhole(this.lab, nodes, () => undefined, { timeoutMs });
  }

  /** True when `node` reports a whole farm of exactly `nodes` now. */
  async sees(node: string, nodes: readonly string[]): Promise<boolean> {
    return notWhole(await this.report(node), nodes) === null;
  }

  /** Ids that the services of the lab have answered, by node. */
  answeredIds(node: string): readonly string[] {
    return readFileSync(nodePaths(this.lab, node).accessLog, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(' ')[0]!);
  }

  async ids(options: IdOptions): Promise<readonly IdOutcome[]> {
    const { stdout } = await this.exec('client', ['node', IDS, JSON.stringify(options)], { timeoutMs: 50_000 });
    return JSON.parse(stdout) as readonly IdOutcome[];
  }

  /** Load from the client; `ended` comes with the summary. */
  load(
    seconds: number,
    ratePerSecond = 200,
    url = `http://${VIP}/`,
  ): { readonly child: Background; readonly summary: Promise<Summary> } {
    const directory = mkdtempSync(join(tmpdir(), 'covey-load-'));
    const file = join(directory, 'summary.json');
    const words = [
      '--url',
      url,
      '--rate',
      `${ratePerSecond}`,
      '--seconds',
      `${seconds}`,
      '--names',
      this.nodes.join(','),
    ];
    const child = this.background('client', ['node', LOAD, ...words, '--summary', file]);
    const summary = child.ended.then((code) => {
      if (code !== 0) throw new Error(`load ended with ${code}: ${child.stderr()}`);
      const text = readFileSync(file, 'utf8');
      rmSync(directory, { recursive: true });
      return JSON.parse(text) as Summary;
    });
    return { child, summary };
  }

  counter(report: NodeReport, name: string): number {
    const value = report.counters[name];
    if (typeof value !== 'number')
      throw new Error(`status has no counter ${name}: ${Object.keys(report.counters).join(', ')}`);
    return value;
  }
}

export function background(command: readonly string[]): Background {
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  return {
    pid: child.pid!,
    stdout: () => stdout,
    stderr: () => stderr,
    stop: (signal = 'SIGTERM') => void child.kill(signal),
    ended,
  };
}

/** Polls until `condition` gives something other than false, null or undefined, and gives that. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  timeoutMs = 10_000,
): Promise<NonNullable<T>> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value !== false && value !== null && value !== undefined) return value;
    if (performance.now() > end) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Another reach for all labs whose tests do not ask for one of their own: the same tests must hold in each. */
const REACH = process.env.COVEY_TEST_REACH;

/** A lab from before the first to after the last test of the calling file. */
export function useFarm(name: string, options: Partial<Omit<LabOptions, 'lab'>> = {}): Farm {
  const lab = `test-${name}`;
  const nodes = options.nodes ?? 3;
  beforeAll(async () => {
    await labDown(lab);
    const overrides = [...(REACH === undefined ? [] : [`{ reach: ${REACH} }`]), ...(options.overrides ?? [])];
    const rest = { nodes, client: true, ipv6: false, agents: true, ...options };
    await labUp({ ...rest, overrides, lab }, () => undefined);
  });
  afterAll(async () => {
    await labDown(lab);
  });
  return new Farm(lab, nodes);
}
