/** `covey events`: what happened, once or as it happens. */
import { parseDuration } from '../../config/duration.js';
import { EVENT_KINDS, type EventKind } from '../../config/event-kinds.js';
import { Problem } from '../../config/problem.js';
import type { EventReport } from '../../control/contract.js';
import { AgentNotRunningError } from '../../control/errors.js';
import { eventLine } from '../events-view.js';
import { EXIT, UsageError } from '../exit.js';
import type { CliParts, ControlApi } from '../parts.js';
import { coloured, plain, table } from '../style.js';

export interface EventFlags {
  readonly runDir: string;
  readonly json?: boolean;
  /** ISO 8601, or a duration: so long ago. */
  readonly since?: string;
  readonly limit: number;
  readonly follow?: boolean;
  readonly kinds?: boolean;
}

const FOLLOW_MS = 500;
/** Of one question while following: more than happens in half a second. */
const FOLLOW_LIMIT = 10_000;

/** With --json one event a line, each with its version. */
export async function events(parts: CliParts, flags: EventFlags): Promise<number> {
  if (flags.kinds === true) return kinds(parts, flags);
  const since = flags.since === undefined ? null : sinceTime(flags.since, Date.now());
  const control = parts.control(flags.runDir);
  const report = await control.events({ since, limit: flags.limit });
  for (const event of report.events) show(parts, flags, event);
  if (flags.follow === true) await follow(parts, flags, control, report.lastSeq);
  return EXIT.ok;
}

/** What `notify: { events }` may name; no agent is asked. */
function kinds({ terminal }: CliParts, { json }: EventFlags): number {
  const all = Object.entries<EventKind>(EVENT_KINDS).map(([kind, { about, isTold }]) => ({ kind, about, isTold }));
  if (json === true) {
    for (const kind of all) terminal.line(JSON.stringify({ version: 1, ...kind }));
    return EXIT.ok;
  }
  const head = ['KIND', 'TOLD', ''].map((text) => ({ text, colour: 'bold' as const }));
  const rows = all.map(({ kind, about, isTold }) => [kind, isTold ? 'yes' : '', about].map((text) => ({ text })));
  for (const line of table([head, ...rows], terminal.hasColours ? coloured : plain)) terminal.line(line);
  return EXIT.ok;
}

/** Until interrupted, also over restarts of the agent: its numbers go on. */
async function follow(parts: CliParts, flags: EventFlags, control: ControlApi, from: number): Promise<void> {
  const interruption = parts.interruption();
  let after = from;
  let isGone = false;
  try {
    while (!interruption.isInterrupted && (await parts.pause(FOLLOW_MS))) {
      const report = await control.events({ since: null, limit: FOLLOW_LIMIT, after }).catch((error: Error) => {
        if (!(error instanceof AgentNotRunningError)) throw error;
        if (!isGone) parts.terminal.errorLine(`${error.message}; waiting for it`);
        isGone = true;
        return null;
      });
      if (report === null) continue;
      isGone = false;
      for (const event of report.events) show(parts, flags, event);
      // Less than before: the run directory was emptied, and what is in it now is new; the next question brings it.
      after = report.lastSeq < after ? 0 : report.lastSeq;
    }
  } finally {
    interruption.release();
  }
}

function show({ terminal }: CliParts, { json }: EventFlags, event: EventReport): void {
  const paint = terminal.hasColours ? coloured : plain;
  terminal.line(json === true ? JSON.stringify({ version: 1, ...event }) : eventLine(event, paint));
}

function sinceTime(text: string, wallMs: number): string {
  const ago = parseDuration(text);
  const at = ago instanceof Problem ? Date.parse(text) : wallMs - ago;
  if (Number.isNaN(at)) throw new UsageError(`"${text}" is no time`, 'write e.g. 10m (ago) or 2026-11-22T18:00:00Z');
  return new Date(at).toISOString();
}
