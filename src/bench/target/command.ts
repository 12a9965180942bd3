/** `covey bench --target HOST:PORT`. */
import { currentLoad } from '../machine.js';
import type { TargetOptions, TargetReport } from './contract.js';
import { observe } from './load.js';
import { targetFigures } from './report.js';

export interface TargetRun {
  readonly options: TargetOptions;
  readonly command: string;
  /** Aborting it ends the load; what was seen until then is reported. */
  readonly signal: AbortSignal;
  readonly wallTime: () => string;
}

export async function runTargetBench({ options, command, signal, wallTime }: TargetRun): Promise<TargetReport> {
  const begun = wallTime();
  const figures = targetFigures(await observe(options, signal));
  return {
    version: 1,
    kind: 'target',
    begun,
    command,
    target: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${options.port}${options.path}`,
    connections: options.connections,
    ...figures,
    clientLoad: currentLoad(),
  };
}

/** `HOST:PORT`, `[IPv6]:PORT`; null: it is neither. */
export function parseTarget(text: string): { readonly host: string; readonly port: number } | null {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  return host === undefined || port < 1 || port > 65535 ? null : { host, port };
}
