/** Reading a config for a command: bad ones become errors that show every fault. */
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { formatAddress } from '../buckets/address.js';
import { advice } from '../config/advice.js';
import type { Config, Fault } from '../config/contract.js';
import { keyFileIn, parseConfig, withKeyFault } from '../config/load.js';
import { resolveForNode } from '../config/resolve.js';
import { BadConfigError } from './exit.js';
import { faultCount, faultLines } from './fault-view.js';
import type { CliParts, Environment, HostFindings } from './parts.js';
import { coloured, type Paint, plain } from './style.js';

/** What is asked of the key file that a config names. It may be missing where the config is only looked at. */
export type KeyDemand = 'none' | 'usable-if-there' | 'usable';

/** The text of a config that is right. @throws {@link BadConfigError} as {@link readConfig}. */
export async function readConfigText(parts: CliParts, file: string): Promise<string> {
  const text = await textOf(parts, file);
  judge(parts, file, text, 'none');
  return text;
}

/** @throws {@link BadConfigError} with all faults, or when the file cannot be read. */
export async function readConfig(parts: CliParts, file: string, demand: KeyDemand = 'none'): Promise<Config> {
  return judge(parts, file, await textOf(parts, file), demand);
}

async function textOf(parts: CliParts, file: string): Promise<string> {
  try {
    return await parts.readConfigFile(file);
  } catch (cause) {
    throw new BadConfigError(`covey: cannot read the config ${file}: ${(cause as Error).message}`, [], { cause });
  }
}

function judge(parts: CliParts, file: string, text: string, demand: KeyDemand): Config {
  const result = parseConfig(text);
  const { fault, warning, needsRoot } = keyFinding(parts, file, text, demand);
  const found = result.ok ? [] : result.faults;
  const faults: readonly Fault[] = fault === null ? found : withKeyFault(text, found, fault);
  if (result.ok && faults.length === 0) return result.config;
  const paint = parts.terminal.hasColours ? coloured : plain;
  const warnings = warning === null ? [] : [warningLine(paint, warning)];
  const lines = [...warnings, ...faultLines(file, text, faults, paint)];
  throw new BadConfigError(faultCount(file, faults.length), lines, undefined, faults, needsRoot);
}

/** Also of a text with other faults: all that is wrong is said at once. */
function keyFinding({ environment }: CliParts, file: string, text: string, demand: KeyDemand) {
  const path = demand === 'none' ? null : keyFileIn(text);
  const found = path === null ? null : environment.keyFile(absolute(path, file));
  if (found === null || found.state === 'good') return { fault: null, warning: null, needsRoot: false };
  const isFault = found.state === 'unusable' || demand === 'usable';
  const needsRoot = found.needsRoot === true;
  return isFault
    ? { fault: found.message, warning: null, needsRoot }
    : { fault: null, warning: found.message, needsRoot };
}

/** The key file of a config: `file:` paths are relative to the config's directory. */
export function keyFileOf(config: Config, configFile: string): string {
  return absolute(config.keyFile, configFile);
}

function absolute(path: string, configFile: string): string {
  return isAbsolute(path) ? path : resolve(join(dirname(configFile), path));
}

export const warningLine = (paint: Paint, text: string) => `${paint('yellow', 'warning:')} ${text}`;

/** What is worth saying about a good config on this host: the config's own oddities, the key file, the host. */
export async function findingsOf(
  config: Config,
  configFile: string,
  node: string,
  host: Environment,
): Promise<HostFindings> {
  const key = host.keyFile(keyFileOf(config, configFile));
  const vips = config.vips.map(({ address, prefixLength }) => ({ address: formatAddress(address), prefixLength }));
  const found = await host.interface(resolveForNode(config, node).interface, vips);
  return {
    refusals: [...(key.state === 'good' ? [] : [key.message]), ...found.refusals],
    advice: [...advice(config), ...found.advice],
  };
}
