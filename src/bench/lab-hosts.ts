/** Hosts of a lab as the benchmarks use them: commands that end, programs that stay, and the processes that a node has. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { labDown, labUp } from '../lab/lab.js';
import { labPaths, namespaceOf } from '../lab/names.js';
import { eventually } from '../lab/processes.js';
import { processesIn } from '../lab/topology.js';
import { run } from '../platform/run.js';
import { type BedOptions, BenchError } from './contract.js';

const START_MS = 10_000;
/** What a command may take beyond the time that it was told to work. */
export const SPARE_MS = 15_000;

export interface LabWishes {
  readonly lab: string;
  readonly nodes: number;
  readonly agents: boolean;
  readonly overrides: readonly string[];
}

export class LabHosts {
  private constructor(readonly lab: string) {}

  /** What an aborted run of before has left under this name is removed first. */
  static async up(wishes: LabWishes, { signal, say }: Pick<BedOptions, 'signal' | 'say'>): Promise<LabHosts> {
    await labDown(wishes.lab);
    await labUp({ ...wishes, client: true, ipv6: false, signal }, (line) => say(`  ${wishes.lab}: ${line}`));
    return new LabHosts(wishes.lab);
  }

  /** Standard output of a command that ends by itself, within `forMs` and some spare time. */
  async exec(host: string, command: readonly string[], forMs = 0, input = ''): Promise<string> {
    const words = ['netns', 'exec', namespaceOf(this.lab, host), ...command];
    return (await run('ip', words, { timeoutMs: forMs + SPARE_MS, input })).stdout;
  }

  /** Starts what stays until the lab is removed, and waits until `isReady`. Its output is in the lab's directory. */
  async start(host: string, command: readonly string[], isReady: () => Promise<boolean>): Promise<number> {
    const name = command[0]!.split('/').at(-1)!;
    const log = await this.file(host, `${name}.log`);
    const output = openSync(log, 'a');
    const child = spawn('ip', ['netns', 'exec', namespaceOf(this.lab, host), ...command], {
      detached: true,
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    child.on('error', () => undefined);
    child.unref();
    if (await eventually(async () => child.exitCode !== null || (await isReady()), START_MS)) {
      if (child.exitCode === null && child.pid !== undefined) return child.pid;
    }
    throw new BenchError(`${name} does not start in lab ${this.lab}: ${await readFile(log, 'utf8')}`);
  }

  /** A path for a file of the host, removed with the lab. */
  async file(host: string, name: string): Promise<string> {
    const directory = join(labPaths(this.lab).directory, host);
    await mkdir(directory, { recursive: true });
    return join(directory, name);
  }

  async isListening(host: string, port: number, protocol: 'tcp' | 'udp'): Promise<boolean> {
    const words = ['ss', '-Hln', protocol === 'tcp' ? '-t' : '-u', `sport = :${port}`];
    return (await this.exec(host, words)).trim() !== '';
  }

  processes(host: string): readonly number[] {
    return processesIn(this.lab, host);
  }

  /** Those whose command is `name`. */
  processesNamed(host: string, name: string): readonly number[] {
    return this.processes(host).filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === name;
      } catch {
        return false;
      }
    });
  }

  async down(): Promise<void> {
    await labDown(this.lab);
  }
}
