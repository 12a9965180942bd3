/** Orders of people to this node: what they become, how they are carried out, and what is said of it. */
import type { Config } from '../config/contract.js';
import { faultText } from '../config/fault-text.js';
import { parseConfig } from '../config/load.js';
import type { CommandRequest } from '../control/contract.js';
import { ControlError } from '../control/errors.js';
import { emptiedText } from '../control/heirs.js';
import type { Command, MemberStatus } from '../membership/contract.js';
import type { MembershipSnapshot } from './contract.js';
import type { Order } from './orders.js';

/** To stop is to drain first, unless someone is impatient. A deadline is ms from now. */
export function orderOf({ command, deadlineMs, now }: CommandRequest, config: Pick<Config, 'drain'>): Order {
  if (command === 'start') return { name: 'start' };
  if (command === 'stop' && now === true) return { name: 'stop' };
  const name = command === 'restart' ? 'restart' : 'drain';
  return { name, deadlineMs: deadlineMs ?? config.drain.deadlineMs };
}

export interface SteerParts {
  readonly node: string;
  readonly configFile: string;
  readonly readFile: (path: string) => Promise<string>;
  readonly status: () => Promise<MembershipSnapshot>;
  readonly post: (command: Command) => void;
  /** Drains, ends the agent in good order, and has a new one started. */
  readonly restart: (deadlineMs: number | null) => void;
}

/** Carries an order out on this node. @returns what happens now, in words. */
export async function carryOut(order: Order, parts: SteerParts): Promise<string> {
  if (order.name === 'restart') await checkFile(parts);
  const { state, members } = await parts.status();
  if (order.name === 'restart') parts.restart(order.deadlineMs);
  else parts.post(order);
  return emptyingText(order, parts.node, members) ?? orderText(order, parts.node, state);
}

/** Null: other nodes serve on. */
function emptyingText(order: Order, node: string, members: readonly MemberStatus[]): string | null {
  if (order.name === 'start') return null;
  const { name: command, deadlineMs } = { deadlineMs: null, ...order };
  const text = emptiedText({ command, node, members, deadlineMs });
  return text === null ? null : `${node} ${EMPTYING[command]}; ${text}`;
}

const EMPTYING = { drain: 'drains', stop: 'stops now', restart: 'drains, and its agent is started anew' } as const;

/** The new agent begins with what stands in the file: a node that would not come back is not stopped. */
async function checkFile({ configFile, readFile }: SteerParts): Promise<void> {
  const hint = `the agent goes on; first mend it: covey check-config ${configFile}`;
  const text = await readFile(configFile).catch((cause: Error) => {
    throw new ControlError('bad-config', `cannot read ${configFile}: ${cause.message}`, hint, { cause });
  });
  const parsed = parseConfig(text);
  if (parsed.ok) return;
  const [first] = parsed.faults;
  throw new ControlError('bad-config', `${configFile}:${faultText(first!)}`, hint);
}

/** Null: this node does not know. */
type StateBefore = MemberStatus['state'] | null;

/** What an order does to a node that was in the state `before`. */
export function orderText(order: Order, node: string, before: StateBefore): string {
  if (order.name === 'start') return startText(node, before);
  if (order.name === 'restart') return restartText(order.deadlineMs, node, before);
  if (before === 'stopped') return `${node} is stopped already; to bring it back: covey start ${node}`;
  if (order.name === 'stop') return `${node} stops now`;
  if (before === 'joining') return `${node} has no share yet, and stops`;
  if (before === 'waiting')
    return `${node} is waiting, and takes no new clients; it stops as soon as it has no old ones left`;
  return `${node} takes no new clients, and stops when its old ones are done${atMost(order.deadlineMs)}`;
}

function startText(node: string, before: StateBefore): string {
  if (before === 'draining') return `${node} stays, and takes new clients again`;
  return before === null || before === 'stopped' ? `${node} starts` : `${node} is started already (${before})`;
}

function restartText(deadlineMs: number | null, node: string, before: StateBefore): string {
  if (before === 'stopped') return `${node} has no clients: its agent is started anew`;
  return `${node} takes no new clients; when its old ones are done${atMost(deadlineMs)}, its agent is started anew`;
}

const atMost = (deadlineMs: number | null) => (deadlineMs === null ? '' : `, at most in ${deadlineMs / 1000} s`);
