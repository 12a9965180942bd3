import { EXIT } from '../exit.js';
import type { CliParts } from '../parts.js';
import { probeView, whyNotFit } from '../probe-view.js';
import { coloured, plain } from '../style.js';

export interface ProbeFlags {
  readonly runDir: string;
  readonly json?: boolean;
  readonly apply?: boolean;
}

/** Degraded: some member said nothing, nothing works, or the reach in use works no longer everywhere. */
export async function probe(parts: CliParts, flags: ProbeFlags): Promise<number> {
  const { terminal } = parts;
  const report = await parts.control(flags.runDir).probe({ apply: flags.apply === true });
  if (flags.json === true) terminal.line(JSON.stringify(report));
  else for (const line of probeView(report, terminal.hasColours ? coloured : plain)) terminal.line(line);
  return whyNotFit(report) === null ? EXIT.ok : EXIT.degraded;
}
