import type { StatusReport } from '../../control/contract.js';
import { AgentNotRunningError } from '../../control/errors.js';
import { EXIT } from '../exit.js';
import type { CliParts, ControlApi } from '../parts.js';
import { statusView } from '../status-view.js';
import { coloured, plain } from '../style.js';
import { WatchScreen } from '../watch-screen.js';
import { whyNotWhole } from '../wholeness.js';

export interface StatusFlags {
  readonly runDir: string;
  readonly json?: boolean;
  readonly watch?: boolean;
}

/** Twice a second where it is redrawn in place; lines that pile up come once a second. */
const REDRAW_MS = 500;
const LINES_MS = 1000;

export async function status(parts: CliParts, flags: StatusFlags): Promise<number> {
  const control = parts.control(flags.runDir);
  if (flags.watch === true) return watch(parts, flags, control);
  const report = await control.status();
  if (flags.json === true) parts.terminal.line(JSON.stringify(report));
  else for (const line of statusView(report, { paint: paintOf(parts) })) parts.terminal.line(line);
  return whyNotWhole(report).length === 0 ? EXIT.ok : EXIT.degraded;
}

const paintOf = ({ terminal }: CliParts) => (terminal.hasColours ? coloured : plain);

/** Until interrupted. An agent that goes away is waited for: that is when people watch. */
async function watch(parts: CliParts, flags: StatusFlags, control: ControlApi): Promise<number> {
  const isLive = parts.terminal.isInteractive && flags.json !== true;
  const screen = isLive ? new WatchScreen(parts.terminal) : null;
  const interruption = parts.interruption();
  let last: { readonly report: StatusReport; readonly atMs: number } | null = null;
  try {
    do {
      const atMs = parts.nowMs();
      const report = await statusOrReason(control);
      // The screen is opened only now: an error of the first question belongs on the ordinary one.
      screen?.open();
      show(parts, flags, screen, report, last === null ? null : { report: last.report, elapsedMs: atMs - last.atMs });
      last = typeof report === 'string' ? null : { report, atMs };
    } while (!interruption.isInterrupted && (await parts.pause(isLive ? REDRAW_MS : LINES_MS)));
  } finally {
    screen?.close();
    interruption.release();
  }
  return EXIT.ok;
}

type Earlier = { readonly report: StatusReport; readonly elapsedMs: number } | null;

function show(
  parts: CliParts,
  flags: StatusFlags,
  screen: WatchScreen | null,
  report: StatusReport | string,
  earlier: Earlier,
): void {
  const { terminal } = parts;
  if (flags.json === true) {
    if (typeof report === 'string') terminal.errorLine(report);
    else terminal.line(JSON.stringify(report));
    return;
  }
  const paint = paintOf(parts);
  const lines =
    typeof report === 'string' ? [report] : statusView(report, { paint, ...(earlier === null ? {} : { earlier }) });
  const footer = paint('dim', `${parts.wallTime().slice(11, 19)} UTC, every ${REDRAW_MS / 1000} s; Ctrl-C ends`);
  if (screen !== null) screen.show(lines, footer);
  else terminal.raw(`${lines.join('\n')}\n\n`);
}

async function statusOrReason(control: ControlApi): Promise<StatusReport | string> {
  try {
    return await control.status();
  } catch (error) {
    if (error instanceof AgentNotRunningError) return `${error.message}; waiting for it`;
    throw error;
  }
}
