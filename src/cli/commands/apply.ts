/** The farm's config: give it another one, show what it had, let a host join. */
import type { ApplyReport } from '../../control/contract.js';
import { readConfigText } from '../config-file.js';
import { EXIT, UsageError } from '../exit.js';
import type { CliParts } from '../parts.js';
import { coloured, type Paint, plain, table } from '../style.js';

export interface ConfigFlags {
  readonly runDir: string;
  readonly json?: boolean;
}

export interface ApplyFlags extends ConfigFlags {
  readonly dryRun?: boolean;
  readonly revision?: number;
}

const paintOf = ({ terminal }: CliParts) => (terminal.hasColours ? coloured : plain);

/** A bad file is shown as `check-config` shows it, before any agent is asked. Exit code 1 when a node refused. */
export async function apply(parts: CliParts, file: string | undefined, flags: ApplyFlags): Promise<number> {
  if ((file === undefined) === (flags.revision === undefined))
    throw new UsageError('what is to be applied?', 'write a file, or --revision N: covey apply covey.yaml');
  const text = file === undefined ? null : await readConfigText(parts, file);
  const request = { text, revision: flags.revision ?? null, dryRun: flags.dryRun === true, by: parts.setup.user };
  const report = await parts.control(flags.runDir).apply(request);
  if (flags.json === true) parts.terminal.line(JSON.stringify(report));
  else tell(parts, report);
  return report.applied || report.dryRun ? EXIT.ok : EXIT.error;
}

function tell(parts: CliParts, report: ApplyReport): void {
  const paint = paintOf(parts);
  const { terminal } = parts;
  for (const line of report.diff) terminal.line(paintedDiff(line, paint));
  for (const line of report.changed) terminal.line(`${report.applied ? 'changed' : 'would change'}: ${line}`);
  for (const line of report.warnings) terminal.errorLine(`${paint('yellow', 'warning:')} ${line}`);
  for (const { node, outcome, why } of report.nodes) {
    if (outcome === 'switched' || outcome === 'ready') continue;
    terminal.errorLine(`${paint(outcome === 'told' ? 'yellow' : 'red', `${node}: ${outcome}`)}: ${why}`);
  }
  if (report.applied || report.dryRun) terminal.line(verdict(report));
  else terminal.errorLine(verdict(report));
}

function verdict({ applied, dryRun, revision, diff, nodes }: ApplyReport): string {
  if (dryRun && diff.length === 0) return 'nothing would change';
  if (dryRun) return 'nothing was changed; without --dry-run it is applied';
  if (!applied) return 'covey: not applied: every node goes on with the config that it had';
  const switched = nodes.filter(({ outcome }) => outcome === 'switched').length;
  return `revision ${revision} is in force on ${switched} of ${nodes.length} nodes`;
}

function paintedDiff(line: string, paint: Paint): string {
  if (line.startsWith('+')) return paint('green', line);
  return line.startsWith('-') ? paint('red', line) : paint('dim', line);
}

export async function configHistory(parts: CliParts, flags: ConfigFlags): Promise<number> {
  const report = await parts.control(flags.runDir).configHistory();
  if (flags.json === true) {
    parts.terminal.line(JSON.stringify(report));
    return EXIT.ok;
  }
  const head = ['revision', 'at', 'by', 'on', 'hash', ''].map((text) => ({ text, colour: 'bold' as const }));
  const rows = report.revisions.map(({ revision, at, by, appliedOn, hash, inForce }) =>
    [`${revision}`, at, by, appliedOn, hash, inForce ? 'in force' : ''].map((text) => ({ text })),
  );
  for (const line of table([head, ...rows], paintOf(parts))) parts.terminal.line(line);
  return EXIT.ok;
}

/** The text alone, so that it can be put into a file. */
export async function configShow(parts: CliParts, revision: number | undefined, flags: ConfigFlags): Promise<number> {
  const report = await parts.control(flags.runDir).config(revision ?? null);
  if (flags.json === true) parts.terminal.line(JSON.stringify(report));
  else parts.terminal.raw(report.text);
  return EXIT.ok;
}

export async function invite(parts: CliParts, flags: ConfigFlags & { readonly port?: number }): Promise<number> {
  const port = flags.port ?? null;
  const report = await parts.control(flags.runDir).invite({ port });
  if (flags.json === true) {
    parts.terminal.line(JSON.stringify(report));
    return EXIT.ok;
  }
  const suffix = port === null ? '' : `:${report.port}`;
  const { terminal } = parts;
  terminal.line(report.code);
  terminal.errorLine(
    `Whoever has this code gets the farm's key: once, and until ${report.until}. On the new host, type:`,
  );
  const addresses = report.addresses.length === 0 ? [report.node] : report.addresses;
  for (const address of addresses) {
    terminal.errorLine(
      `  sudo covey join ${suffix !== '' && address.includes(':') ? `[${address}]` : address}${suffix}`,
    );
  }
  return EXIT.ok;
}
