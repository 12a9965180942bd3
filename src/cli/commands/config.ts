import { tableBytes } from '../../config/table.js';
import { findingsOf, readConfig, warningLine } from '../config-file.js';
import { BadConfigError, EXIT, UsageError } from '../exit.js';
import type { CliParts } from '../parts.js';
import { coloured, plain } from '../style.js';

export interface CheckFlags {
  readonly node?: string;
  readonly json?: boolean;
}

export interface RunFlags {
  readonly config: string;
  readonly node?: string;
  readonly runDir: string;
}

/**
 * A bad config is thrown by `readConfig`. What this host lacks for a good one does not change the exit code: it may be meant for another
 * host; but the last word is then that it would not run here.
 */
export async function checkConfig(parts: CliParts, file: string, flags: CheckFlags): Promise<number> {
  const node = nodeName(parts, flags.node);
  if (flags.json === true) return checkForPrograms(parts, file, node);
  const config = await readConfig(parts, file, 'usable-if-there');
  const { refusals, advice } = await findingsOf(config, file, node, parts.environment);
  warn(parts, advice);
  const [rules, vips, keys] = [config.rules.length, config.vips.length, config.table.keys];
  const mebibytes = Math.ceil(tableBytes(keys) / (1 << 20));
  parts.terminal.line(
    `${file}: ${refusals.length === 0 ? 'good' : 'valid'}: farm ${config.farm}, ${vips} ${vips === 1 ? 'VIP' : 'VIPs'}, ${rules} ${rules === 1 ? 'rule' : 'rules'}, ` +
      `room for ${keys} keys (${mebibytes} MiB)`,
  );
  for (const why of refusals) parts.terminal.line(`${file}: covey run would refuse on this host: ${why}`);
  return EXIT.ok;
}

async function checkForPrograms(parts: CliParts, file: string, node: string): Promise<number> {
  try {
    const config = await readConfig(parts, file, 'usable-if-there');
    const { refusals, advice } = await findingsOf(config, file, node, parts.environment);
    const warnings = [...refusals, ...advice];
    const report = { version: 1, file, good: true, farm: config.farm, faults: [], warnings, refusals };
    parts.terminal.line(JSON.stringify(report));
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof BadConfigError)) throw error;
    const { message, faults } = error;
    parts.terminal.line(JSON.stringify({ version: 1, file, good: false, message, faults, warnings: [] }));
    return EXIT.badConfig;
  }
}

export async function run(parts: CliParts, flags: RunFlags): Promise<number> {
  const node = nodeName(parts, flags.node);
  const config = await readConfig(parts, flags.config, 'usable');
  const { refusals, advice } = await findingsOf(config, flags.config, node, parts.environment);
  warn(parts, [...refusals, ...advice]);
  return parts.run({ configFile: flags.config, node, runDir: flags.runDir, version: parts.version });
}

function warn({ terminal }: CliParts, lines: readonly string[]): void {
  const paint = terminal.hasColours ? coloured : plain;
  for (const line of lines) terminal.errorLine(warningLine(paint, line));
}

/** The host's name up to its first dot, unless given. */
function nodeName(parts: CliParts, given: string | undefined): string {
  const name = given ?? parts.hostName.split('.')[0]!;
  if (/^[A-Za-z0-9_.-]{1,63}$/.test(name)) return name;
  throw new UsageError(
    `"${name}" cannot be the name of a node: use letters, digits, "_", "." and "-", at most 63`,
    'give one with --node',
  );
}
