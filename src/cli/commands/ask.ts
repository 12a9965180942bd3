/** Commands that put one question to the agent and show its answer. */
import type { ExplainTarget } from '../../control/contract.js';
import type { ClientText } from '../endpoint.js';
import { explainQuery } from '../endpoint.js';
import { EXIT } from '../exit.js';
import { explainView } from '../explain-view.js';
import type { CliParts } from '../parts.js';
import { coloured, plain } from '../style.js';

interface AskFlags {
  readonly runDir: string;
  readonly json?: boolean;
}

const paintOf = ({ terminal }: CliParts) => (terminal.hasColours ? coloured : plain);

export async function explain(
  parts: CliParts,
  client: ClientText,
  flags: AskFlags & { readonly to?: ExplainTarget; readonly without?: readonly string[] },
): Promise<number> {
  const report = await parts.control(flags.runDir).explain(explainQuery(client, flags.to, flags.without));
  if (flags.json === true) parts.terminal.line(JSON.stringify(report));
  else for (const line of explainView(report, client.port, paintOf(parts))) parts.terminal.line(line);
  return EXIT.ok;
}

/** Warnings go to standard error, as those of `check-config` do; they do not change the exit code. */
export async function reload(parts: CliParts, flags: AskFlags): Promise<number> {
  const report = await parts.control(flags.runDir).reload();
  const paint = paintOf(parts);
  if (flags.json === true) {
    parts.terminal.line(JSON.stringify(report));
    return EXIT.ok;
  }
  for (const line of report.warnings) parts.terminal.errorLine(`${paint('yellow', 'warning:')} ${line}`);
  const what =
    report.changed.length === 0 ? 'read again, nothing has changed' : `in force: ${report.changed.join('; ')}`;
  parts.terminal.line(`${report.node}: ${what}`);
  return EXIT.ok;
}

/** The same text that Prometheus gets at `metrics: { listen }`. */
export async function metrics(parts: CliParts, flags: AskFlags): Promise<number> {
  const report = await parts.control(flags.runDir).metrics();
  if (flags.json === true) parts.terminal.line(JSON.stringify(report));
  else parts.terminal.raw(report.text);
  return EXIT.ok;
}
