/** The first account of a farm, made once, and the accounts that consoles tell each other. */
import { withNewUser } from './accounts.js';
import type { StatusReport } from './contract.js';
import { hashPassword, randomPassword } from './passwords.js';
import type { AccountStore } from './store.js';

export const FIRST_USER = 'admin';
/** So long a console waits for another's accounts before it makes the first one itself. */
export const WAIT_FOR_OTHERS_MS = 15_000;

/**
 * Consoles that start together must not each invent an admin: the one of the living member that comes first by name does. The others wait,
 * and if nothing comes do the same.
 */
export function mayFound(status: StatusReport | null, waitedMs: number): boolean {
  if (waitedMs >= WAIT_FOR_OTHERS_MS) return true;
  if (status === null) return false;
  const living = status.members.filter(({ state }) => state !== 'dead' && state !== 'stopped').map(({ name }) => name);
  return [...living, status.node].sort()[0] === status.node && status.state === 'up';
}

export interface AccountSyncParts {
  readonly accounts: AccountStore;
  /** Tells the others, and gives what they told; see the control contract. */
  readonly share: (
    document: string | null,
  ) => Promise<{ readonly documents: readonly { readonly document: string }[] }>;
  readonly status: () => StatusReport | null;
  readonly nowMs: () => number;
  readonly wallMs: () => number;
  /** Shows the first password, once. */
  readonly announce: (name: string, password: string) => void;
}

const TELL_EVERY_MS = 10_000;

export class AccountSync {
  readonly #parts: AccountSyncParts;
  readonly #sinceMs: number;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(parts: AccountSyncParts) {
    this.#parts = parts;
    this.#sinceMs = parts.nowMs();
  }

  /** Something changed here: told at the next turn. */
  changed(): void {
    this.#toldMs = Number.NEGATIVE_INFINITY;
  }

  /** About once a second. Throws what keeps it from asking the agent; the accounts stay as they are. */
  async turn(): Promise<void> {
    const { accounts, share, nowMs } = this.#parts;
    const isEmpty = () => accounts.book.users.length === 0;
    const isDue = !isEmpty() && nowMs() - this.#toldMs >= TELL_EVERY_MS;
    const shared = await share(isDue ? accounts.document() : null).catch((error: Error) => error);
    if (!(shared instanceof Error)) {
      if (isDue) this.#toldMs = nowMs();
      for (const { document } of shared.documents) accounts.learn(document);
    }
    if (isEmpty() && mayFound(this.#parts.status(), nowMs() - this.#sinceMs)) await this.#found();
    if (shared instanceof Error) throw shared;
  }

  async #found(): Promise<void> {
    const { accounts, wallMs, announce } = this.#parts;
    const password = randomPassword();
    const hash = await hashPassword(password);
    accounts.set(withNewUser(accounts.book, FIRST_USER, 'admin', hash, new Date(wallMs()).toISOString()));
    this.changed();
    announce(FIRST_USER, password);
  }
}
