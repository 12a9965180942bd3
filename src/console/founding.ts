/** The first account of a farm, made once, and the accounts that consoles tell each other. */
import { userOf, withChangedUser, withNewUser } from './accounts.js';
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
  /** The password that was shown counts no more: another node's console had made the first account before. */
  readonly withdraw: (name: string) => void;
}

const TELL_EVERY_MS = 10_000;

export class AccountSync {
  readonly #parts: AccountSyncParts;
  readonly #sinceMs: number;
  #toldMs = Number.NEGATIVE_INFINITY;
  #isTurning = false;
  /** Hash of the account that was made here. */
  #founded: string | null = null;
  /** Why the accounts are not told to other nodes; empty: they are. */
  trouble = '';

  constructor(parts: AccountSyncParts) {
    this.#parts = parts;
    this.#sinceMs = parts.nowMs();
  }

  /** Something changed here: told at the next turn. */
  changed(): void {
    this.#toldMs = Number.NEGATIVE_INFINITY;
  }

  /** About once a second. What goes wrong is in {@link trouble}; the accounts stay as they are, and the next turn tries again. */
  async turn(): Promise<void> {
    // An agent that is slow to answer must not have two turns make two first accounts.
    if (this.#isTurning) return;
    this.#isTurning = true;
    try {
      if (this.#parts.accounts.refresh()) this.changed();
      await this.#exchange();
      const isEmpty = this.#parts.accounts.book.users.length === 0;
      if (isEmpty && mayFound(this.#parts.status(), this.#parts.nowMs() - this.#sinceMs)) await this.#found();
      else this.#checkFounded();
    } finally {
      this.#isTurning = false;
    }
  }

  async #exchange(): Promise<void> {
    const { accounts, share, nowMs } = this.#parts;
    const isDue = accounts.book.users.length > 0 && nowMs() - this.#toldMs >= TELL_EVERY_MS;
    // Before it is told: what changes meanwhile is due again.
    const toldMs = this.#toldMs;
    if (isDue) this.#toldMs = nowMs();
    try {
      const { documents } = await share(isDue ? accounts.document() : null);
      this.trouble = '';
      for (const { document } of documents) accounts.learn(document);
    } catch (error) {
      if (isDue) this.#toldMs = Math.min(toldMs, this.#toldMs);
      const { code, name, message } = error as Error & { readonly code?: string };
      // An agent that is gone is said elsewhere.
      this.trouble = name === 'AgentNotRunningError' || code === 'unreachable' ? '' : message;
    }
  }

  async #found(): Promise<void> {
    const { accounts, wallMs, announce } = this.#parts;
    const password = randomPassword();
    const hash = await hashPassword(password);
    accounts.set(withNewUser(accounts.book, FIRST_USER, 'admin', hash, new Date(wallMs()).toISOString()));
    this.changed();
    this.#founded = hash;
    announce(FIRST_USER, password);
  }

  #checkFounded(): void {
    const user = userOf(this.#parts.accounts.book, FIRST_USER);
    if (this.#founded === null || user?.hash === this.#founded) return;
    this.#founded = null;
    // A later revision is somebody's change of the password, who knows of it.
    if (user?.revision === 1) this.#parts.withdraw(FIRST_USER);
  }
}

/**
 * For an admin who has lost the password: a new one, by somebody who may write the console's files. A console that runs takes it over within a
 * second, and tells the others. @returns the password.
 */
export async function resetPassword(accounts: AccountStore, name: string, at: string): Promise<string> {
  const password = randomPassword();
  const hash = await hashPassword(password);
  const { book } = accounts;
  const isThere = userOf(book, name) !== null;
  accounts.set(
    isThere ? withChangedUser(book, name, { role: 'admin', hash }, at) : withNewUser(book, name, 'admin', hash, at),
  );
  return password;
}
