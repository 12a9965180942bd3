/**
 * Orders from node to node. One travels by the peer link to the main thread of the other agent, which carries it out as if it had been
 * given there, and answers; an order without an answer is told as such, for it may have been taken all the same.
 *
 * Agents before this one took orders of version 1 without an answer, and knew no `restart`.
 */
import { randomUUID } from 'node:crypto';
import { ControlError } from '../control/errors.js';
import type { Command } from '../membership/contract.js';
import type { NodeName } from '../membership/messages.js';

/** What a node can be told to do by people. */
export type Order =
  | Exclude<Command, { readonly name: 'reach-up' }>
  | { readonly name: 'restart'; readonly deadlineMs: number | null };

export const ORDER_KIND = 'command';
export const ORDER_ANSWER_KIND = 'command-answer';

/** The link's own recovery takes about a second; more is not to be expected of a node that lives. */
export const ORDER_ANSWER_WITHIN_MS = 4000;

interface OrderMessage {
  readonly version: 1;
  /** Absent: its sender waits for no answer. */
  readonly id?: string;
  readonly command: Order;
  /** Who gave it, in words. */
  readonly by?: string;
}

/** `message` says what happens there, or why not. */
interface OrderAnswer {
  readonly version: 1;
  readonly id: string;
  readonly ok: boolean;
  readonly message: string;
}

export interface OrderParts {
  /** By the peer link; may be lost. */
  readonly tell: (to: NodeName, kind: string, body: Uint8Array) => void;
  /** Carries an order of another node out here. @returns what happens now, in words. Throws why not. */
  readonly carryOut: (order: Order, from: NodeName, by: string) => Promise<string>;
  readonly withinMs?: number;
}

interface Waiting {
  readonly to: NodeName;
  readonly done: (message: string) => void;
  readonly failed: (error: Error) => void;
}

export class Orders {
  readonly #parts: OrderParts;
  readonly #waiting = new Map<string, Waiting>();

  constructor(parts: OrderParts) {
    this.#parts = parts;
  }

  /** @returns the other node's words. Throws ControlError: `refused` by it, or `unreachable` where it has not answered. */
  send(to: NodeName, command: Order, by: string): Promise<string> {
    const withinMs = this.#parts.withinMs ?? ORDER_ANSWER_WITHIN_MS;
    const id = randomUUID();
    return new Promise<string>((done, failed) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        const message = `${to} did not say within ${withinMs / 1000} s whether it took the order (${command.name}): it may have`;
        failed(new ControlError('unreachable', message, 'see: covey status'));
      }, withinMs);
      const settle =
        <T>(how: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          this.#waiting.delete(id);
          how(value);
        };
      this.#waiting.set(id, { to, done: settle(done), failed: settle(failed) });
      this.#parts.tell(to, ORDER_KIND, encode({ version: 1, id, command, by } satisfies OrderMessage));
    });
  }

  /** A message by the peer link; those of other kinds are left alone. */
  told(from: NodeName, kind: string, body: Uint8Array): void {
    if (kind === ORDER_KIND) void this.#obey(from, body);
    if (kind === ORDER_ANSWER_KIND) this.#take(from, body);
  }

  async #obey(from: NodeName, body: Uint8Array): Promise<void> {
    const message = orderIn(body);
    if (message === null) return;
    const answer = await this.#parts.carryOut(message.command, from, message.by ?? 'somebody').then(
      (text) => ({ ok: true, message: text }),
      (error: Error) => ({ ok: false, message: error.message }),
    );
    if (message.id === undefined) return;
    this.#parts.tell(from, ORDER_ANSWER_KIND, encode({ version: 1, id: message.id, ...answer } satisfies OrderAnswer));
  }

  /** Only the node that was asked can answer, and only once. */
  #take(from: NodeName, body: Uint8Array): void {
    const answer = answerIn(body);
    const waiting = answer === null ? undefined : this.#waiting.get(answer.id);
    if (answer === null || waiting?.to !== from) return;
    if (answer.ok) waiting.done(answer.message);
    else waiting.failed(new ControlError('refused', `${from} refuses: ${answer.message}`, `see: covey status`));
  }
}

const encode = (message: OrderMessage | OrderAnswer) => Buffer.from(JSON.stringify(message));

const ORDERS: readonly string[] = ['start', 'stop', 'drain', 'restart'] satisfies readonly Order['name'][];
const TEXT_LIMIT = 500;

/** Null: of another version than ours, or nothing that we know. It is authentic, but its sender may be newer than we are. */
function orderIn(body: Uint8Array): OrderMessage | null {
  const message = parsed(body) as Partial<OrderMessage> | null;
  if (message?.version !== 1 || !ORDERS.includes(message.command?.name ?? '')) return null;
  const { id, by, command } = message;
  const { deadlineMs = null } = command as { readonly deadlineMs?: unknown };
  if (deadlineMs !== null && typeof deadlineMs !== 'number') return null;
  return {
    version: 1,
    command: command!,
    ...(typeof id === 'string' ? { id } : {}),
    ...(typeof by === 'string' ? { by: by.slice(0, TEXT_LIMIT) } : {}),
  };
}

function answerIn(body: Uint8Array): OrderAnswer | null {
  const { version, id, ok, message } = (parsed(body) ?? {}) as Partial<OrderAnswer>;
  if (version !== 1 || typeof id !== 'string' || typeof ok !== 'boolean' || typeof message !== 'string') return null;
  return { version, id, ok, message: message.slice(0, TEXT_LIMIT) };
}

function parsed(body: Uint8Array): object | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString());
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}
