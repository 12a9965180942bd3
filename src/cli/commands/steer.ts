/** Commands that make nodes come and go: one, all, or one after the other. */
import { parseDuration } from '../../config/duration.js';
import { Problem } from '../../config/problem.js';
import type { CommandName, CommandRequest } from '../../control/contract.js';
import { ControlError } from '../../control/errors.js';
import { EXIT, UsageError } from '../exit.js';
import type { CliParts, ControlApi } from '../parts.js';
import { nodesInOrder } from '../rolling.js';
import { type RollingOutcome, rollOver } from './roll.js';

export interface SteerFlags {
  readonly runDir: string;
  readonly json?: boolean;
  readonly deadline?: string;
  readonly now?: boolean;
  readonly all?: boolean;
  readonly rolling?: boolean;
  readonly wait?: string;
  readonly force?: boolean;
}

export async function steer(
  parts: CliParts,
  command: CommandName,
  node: string | undefined,
  flags: SteerFlags,
): Promise<number> {
  if (flags.rolling === true && (command === 'drain' || command === 'stop')) throw wouldEmpty(command);
  const isAll = flags.all === true || flags.rolling === true;
  if (isAll && node !== undefined) {
    throw new UsageError(
      `either ${node} or all nodes, not both`,
      `covey ${command} ${node}, or covey ${command} --all`,
    );
  }
  const control = parts.control(flags.runDir);
  const request = requestOf(command, flags);
  if (flags.rolling === true) {
    const waitMs = durationMs(flags.wait ?? '2m');
    const report = rollingReport(parts, command, flags);
    return exitOf(await rollOver({ parts, control, request, waitMs, isForced: flags.force === true, report }));
  }
  if (isAll) return steerAll(parts, control, request, flags);
  const report = await control.command({ ...request, node: node ?? null });
  parts.terminal.line(flags.json === true ? JSON.stringify(report) : report.message);
  return EXIT.ok;
}

/** A node that was drained or stopped stays away until it is told: there is no "back" to wait for before the next one. */
function wouldEmpty(command: 'drain' | 'stop'): UsageError {
  return new UsageError(
    `a rolling ${command} would empty the farm: nodes that were told to ${command} do not come back by themselves`,
    `one node: covey ${command} NODE; all at once: covey ${command} --all; one at a time, and back: covey restart --all --rolling`,
  );
}

function requestOf(command: CommandName, flags: SteerFlags): Omit<CommandRequest, 'node'> {
  const deadlineMs = flags.deadline === undefined ? null : durationMs(flags.deadline);
  return { command, deadlineMs, ...(flags.now === true ? { now: true } : {}) };
}

/** Whatever becomes of one, the others are told too; one that did not take it makes the exit code 1. */
async function steerAll(
  { terminal }: CliParts,
  control: ControlApi,
  request: Omit<CommandRequest, 'node'>,
  flags: SteerFlags,
): Promise<number> {
  const results: { readonly node: string; readonly ok: boolean; readonly message: string }[] = [];
  for (const { name, state } of nodesInOrder(await control.status())) {
    const result =
      state === 'dead' ? { ok: false, message: 'is dead, and was not told' } : await tell(control, request, name);
    results.push({ node: name, ...result });
    if (flags.json !== true)
      terminal[result.ok ? 'line' : 'errorLine'](result.ok ? result.message : `${name}: ${result.message}`);
  }
  if (flags.json === true) terminal.line(JSON.stringify({ version: 1, command: request.command, nodes: results }));
  return results.every(({ ok }) => ok) ? EXIT.ok : EXIT.error;
}

async function tell(control: ControlApi, request: Omit<CommandRequest, 'node'>, node: string) {
  try {
    return { ok: true, message: (await control.command({ ...request, node })).message };
  } catch (error) {
    // Not allowed here is not allowed for any node; of what else goes wrong with one node, the others are independent.
    if (!(error instanceof ControlError) || error.code === 'not-allowed' || error.code === 'bad-request') throw error;
    return { ok: false, message: error.message };
  }
}

/** A line for each step; with --json an object a line. */
function rollingReport({ terminal }: CliParts, command: CommandName, { json }: SteerFlags) {
  return (node: string, step: string, message: string) => {
    if (json === true) terminal.line(JSON.stringify({ version: 1, command, node, step, message }));
    else terminal[step === 'failed' || step === 'untouched' ? 'errorLine' : 'line'](message);
  };
}

const exitOf = (outcome: RollingOutcome) => (outcome === 'done' ? EXIT.ok : EXIT.error);

function durationMs(text: string): number {
  const ms = parseDuration(text);
  if (ms instanceof Problem) throw new UsageError(ms.message);
  return ms;
}
