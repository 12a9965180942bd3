/** `process`, `interface`, `disk`, `load` and `exec`: what the host itself says. */
import { readdir, readFile, statfs } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { basename } from 'node:path';
import type { CheckerTarget } from '../../config/contract.js';
import type { ProgramRequest, ProgramResult } from '../../platform/program.js';
import type { Probe, Verdict } from '../contract.js';

export type RunProgram = (request: ProgramRequest) => Promise<ProgramResult>;
/** `ip -j address show dev NAME`, as text. */
export type ShowInterface = (name: string) => Promise<string>;

type ProcessTarget = Extract<CheckerTarget, { type: 'process' }>;

/** @param proc where the process file system is, for tests. */
export function processProbe({ process: name, pidFile }: ProcessTarget, proc = '/proc'): Probe {
  return async (signal) => {
    const pids = pidFile === null ? await pidsNamed(proc, name!, signal) : [await pidIn(pidFile)];
    if (pids.length === 0) return { ok: false, detail: `no process ${name}` };
    const states = await Promise.all(pids.map(async (pid) => ({ pid, state: await stateOf(proc, pid) })));
    // R, S, D, I: it runs, or would. Stopped (T, t), dead (Z, X) or gone processes serve nobody.
    const running = states.find(({ state }) => state !== '' && 'RSDI'.includes(state));
    if (running !== undefined) return { ok: true, detail: `pid ${running.pid} runs` };
    const { pid, state } = states[0]!;
    return { ok: false, detail: `pid ${pid} ${STATES[state] ?? 'is gone'}` };
  };
}

const STATES: Readonly<Record<string, string>> = {
  T: 'is stopped by a signal',
  t: 'is stopped by a debugger',
  Z: 'is dead, and its parent has not noticed',
};

async function pidIn(path: string): Promise<number> {
  const text = await readFile(path, 'utf8');
  const pid = Number(/^\s*(\d{1,10})\s*(\n|$)/.exec(text)?.[1] ?? Number.NaN);
  if (!(pid > 0)) throw new Error(`${path} holds no pid`);
  return pid;
}

/** By the kernel's name of it (15 characters at most), or by the name of its program. */
async function pidsNamed(proc: string, name: string, signal: AbortSignal): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir(proc)) {
    if (!/^\d+$/.test(entry) || signal.aborted) continue;
    const read = (file: string) => readFile(`${proc}/${entry}/${file}`, 'utf8').catch(() => '');
    const isMeant =
      (await read('comm')).trimEnd() === name || basename((await read('cmdline')).split('\0')[0]!) === name;
    if (isMeant) found.push(Number(entry));
  }
  return found;
}

/** The letter of proc(5); empty: there is no such process. */
async function stateOf(proc: string, pid: number): Promise<string> {
  const text = await readFile(`${proc}/${pid}/stat`, 'utf8').catch(() => '');
  return text.slice(text.lastIndexOf(')') + 2).charAt(0);
}

interface ShownInterface {
  readonly flags?: readonly string[];
  readonly addr_info?: readonly { readonly local?: string }[];
}

export function interfaceProbe(name: string, address: string | null, show: ShowInterface): Probe {
  return async () => {
    const [shown] = JSON.parse(await show(name)) as readonly ShownInterface[];
    return interfaceVerdict(name, address, shown ?? {});
  };
}

export function interfaceVerdict(
  name: string,
  address: string | null,
  { flags = [], addr_info }: ShownInterface,
): Verdict {
  if (!flags.includes('UP')) return { ok: false, detail: `${name} is down` };
  if (!flags.includes('LOWER_UP')) return { ok: false, detail: `${name} has no carrier` };
  const wanted = address === null ? null : canonical(address);
  if (wanted !== null && !(addr_info ?? []).some(({ local }) => local !== undefined && canonical(local) === wanted))
    return { ok: false, detail: `${name} lacks the address ${address}` };
  return { ok: true, detail: `${name} is up${address === null ? '' : `, with ${address}`}` };
}

const canonical = (address: string) => (isIPv6(address) ? new URL(`http://[${address}]`).hostname : address);

/** Of what ordinary users may still use, as `df` counts it. */
export function diskProbe(path: string, freePercent: number): Probe {
  return async () => {
    const { blocks, bfree, bavail } = await statfs(path);
    const usable = blocks - bfree + bavail;
    const percent = usable === 0 ? 0 : (bavail / usable) * 100;
    return { ok: percent >= freePercent, detail: `${percent.toFixed(1)} % of ${path} free` };
  };
}

/** @param file where the kernel says it, for tests. */
export function loadProbe(max: number, file = '/proc/loadavg'): Probe {
  return async () => {
    const load = Number((await readFile(file, 'utf8')).split(' ')[0]);
    return { ok: load <= max, detail: `load ${load}` };
  };
}

export function execProbe(
  line: string,
  timeoutMs: number,
  environment: Readonly<Record<string, string>>,
  run: RunProgram,
): Probe {
  const command = ['/bin/sh', '-c', line];
  return async (signal) => run({ command, timeoutMs, patienceMs: 0, environment, signal });
}
