/** One node after the other: told, waited for until it has its share back, then the next. The first that does not come back ends it. */
import type { CommandRequest, StatusReport } from '../../control/contract.js';
import { AgentNotRunningError, ControlError } from '../../control/errors.js';
import type { MemberStatus } from '../../membership/contract.js';
import { UsageError } from '../exit.js';
import type { CliParts, ControlApi } from '../parts.js';
import { type Expectation, nodesInOrder, whatLacks } from '../rolling.js';
import { whyNotWhole } from '../wholeness.js';

const LOOK_EVERY_MS = 250;

export type RollingOutcome = 'done' | 'failed' | 'interrupted';

export interface RollingParts {
  readonly parts: Pick<CliParts, 'pause' | 'nowMs'>;
  readonly control: ControlApi;
  readonly request: Omit<CommandRequest, 'node'>;
  /** From the end of its drain. */
  readonly waitMs: number;
  readonly isForced: boolean;
  /** `step`: told, back, failed, untouched. */
  readonly report: (node: string, step: 'told' | 'back' | 'failed' | 'untouched', message: string) => void;
}

export async function rollOver(rolling: RollingParts): Promise<RollingOutcome> {
  const { control, request, report } = rolling;
  const before = await control.status();
  const isRestart = request.command === 'restart';
  if (isRestart && !rolling.isForced) mustBeWhole(before);
  // Nobody waits for a dead node, and a start is nothing to one that is up.
  const turns = nodesInOrder(before).filter(({ state }) => state !== 'dead' && (isRestart || state !== 'up'));
  for (const [index, member] of turns.entries()) {
    const outcome = await oneTurn(rolling, member, `${index + 1} of ${turns.length}`);
    if (outcome === 'done') continue;
    const untouched = turns.slice(index + 1).map(({ name }) => name);
    for (const name of untouched) report(name, 'untouched', `${name} was not told`);
    return outcome;
  }
  return 'done';
}

/** One node less is what a farm can bear; of one that lacks a node already, nobody can say. */
function mustBeWhole(report: StatusReport): void {
  const why = whyNotWhole(report);
  if (why.length === 0) return;
  throw new UsageError(
    `the farm is not whole, and a rolling restart would take one node more: ${why.join('; ')}`,
    'mend that first (covey status), or begin all the same with --force',
  );
}

async function oneTurn(rolling: RollingParts, member: MemberStatus, which: string): Promise<RollingOutcome> {
  const { control, request, report, parts } = rolling;
  const { name } = member;
  const begunMs = parts.nowMs();
  try {
    const { message } = await control.command({ ...request, node: name });
    report(name, 'told', `${which}: ${message}`);
  } catch (error) {
    if (!(error instanceof ControlError) || error.code === 'not-allowed' || error.code === 'bad-request') throw error;
    report(name, 'failed', `${which}: ${name}: ${error.message}`);
    return 'failed';
  }
  const isRestart = request.command === 'restart';
  const lacks = await waitBack(rolling, {
    node: name,
    formerIncarnation: isRestart ? member.incarnation : null,
    share: isRestart && member.state === 'up' ? member.share : null,
  });
  if (lacks === 'interrupted') {
    report(name, 'failed', `${which}: interrupted; ${name} was told, and goes on`);
    return 'interrupted';
  }
  if (lacks !== null) {
    report(
      name,
      'failed',
      `${which}: ${lacks}, ${rolling.waitMs / 1000} s after its drain: stopping here; see: covey status`,
    );
    return 'failed';
  }
  report(
    name,
    'back',
    `${which}: ${name} is back with its share after ${((parts.nowMs() - begunMs) / 1000).toFixed(1)} s`,
  );
  return 'done';
}

/** Null: it is back. While it drains, the drain's own deadline counts, and not ours. */
async function waitBack(rolling: RollingParts, expected: Expectation): Promise<string | null> {
  const { control, parts, waitMs } = rolling;
  let sinceMs = parts.nowMs();
  for (;;) {
    const report = await statusOrReason(control);
    const lacks = typeof report === 'string' ? report : whatLacks(report, expected);
    if (lacks === null) return null;
    if (isDraining(report, expected.node)) sinceMs = parts.nowMs();
    if (parts.nowMs() - sinceMs >= waitMs) return lacks;
    if (!(await parts.pause(LOOK_EVERY_MS))) return 'interrupted';
  }
}

const isDraining = (report: StatusReport | string, node: string) =>
  typeof report !== 'string' && report.members.some((member) => member.name === node && member.state === 'draining');

/** The agent that we ask is restarted itself at last: its absence is what is waited through. */
async function statusOrReason(control: ControlApi): Promise<StatusReport | string> {
  try {
    return await control.status();
  } catch (error) {
    const isAway =
      error instanceof AgentNotRunningError || (error instanceof ControlError && error.code === 'unreachable');
    if (!isAway) throw error;
    return error.message;
  }
}
