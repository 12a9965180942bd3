/** Who is logged in. In memory only: a console that starts again asks for the password again. */
import type { Role } from './contract.js';
import { randomToken, tokenHash } from './passwords.js';

const IDLE_MS = 60 * 60_000;
const LONGEST_MS = 12 * 60 * 60_000;
const MOST_SESSIONS = 1000;
/** Of one user: whoever logs in again and again ends sessions of their own, not those of others. */
const MOST_OF_ONE = 20;
/** Of sessions that are over it is known for how many why. */
const MOST_REASONS = 1000;

/** `__Host-` makes the browser refuse it without Secure, with a domain, or from plain HTTP (RFC 6265bis). */
export const COOKIE = '__Host-covey';

export interface Session {
  readonly name: string;
  /** Hash of the password that it began with: with another one it is over, wherever that was set. */
  credential: string;
  /** What a change must carry besides the cookie. */
  readonly token: string;
  readonly beganMs: number;
  seenMs: number;
}

export class Sessions {
  readonly #byHash = new Map<string, Session>();
  readonly #whyOver = new Map<string, string>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** @returns the cookie's value. */
  begin(name: string, credential: string): { readonly id: string; readonly session: Session } {
    const nowMs = this.#nowMs();
    for (const [hash, session] of this.#byHash) this.#endOld(hash, session, nowMs);
    const own = [...this.#byHash].filter(([, session]) => session.name === name).map(([hash]) => hash);
    const oldest = own.length >= MOST_OF_ONE ? own[0] : this.#byHash.keys().next().value;
    if (oldest !== undefined && (own.length >= MOST_OF_ONE || this.#byHash.size >= MOST_SESSIONS)) {
      this.#end(oldest, 'too many others logged in since');
    }
    const id = randomToken();
    const session = { name, credential, token: randomToken(), beganMs: nowMs, seenMs: nowMs };
    this.#byHash.set(tokenHash(id), session);
    return { id, session };
  }

  /** Null: none, or over. `isActive`: somebody did something, so it goes on. */
  find(id: string, isActive = true): Session | null {
    const hash = tokenHash(id);
    const session = this.#byHash.get(hash);
    const nowMs = this.#nowMs();
    if (session === undefined || this.#endOld(hash, session, nowMs)) return null;
    if (isActive) session.seenMs = nowMs;
    return session;
  }

  end(id: string): void {
    this.#end(tokenHash(id), 'somebody logged out in this browser');
  }

  /** For people: why a session that is not found is over. */
  whyOver(id: string): string {
    return this.#whyOver.get(tokenHash(id)) ?? 'this console has started anew, or is not the one that you logged in at';
  }

  /** After a change of password, role or name. */
  endAllOf(name: string, exceptId?: string): void {
    const kept = exceptId === undefined ? null : tokenHash(exceptId);
    for (const [hash, session] of this.#byHash)
      if (session.name === name && hash !== kept) this.#end(hash, `the account ${name} was changed`);
  }

  /** @returns true: it is over, by its age. */
  #endOld(hash: string, { beganMs, seenMs }: Session, nowMs: number): boolean {
    const isIdle = nowMs - seenMs > IDLE_MS;
    if (!isIdle && nowMs - beganMs <= LONGEST_MS) return false;
    this.#end(hash, isIdle ? 'nothing was done for an hour' : 'it began 12 hours ago');
    return true;
  }

  #end(hash: string, why: string): void {
    if (!this.#byHash.delete(hash)) return;
    this.#whyOver.set(hash, why);
    const oldest = this.#whyOver.keys().next().value;
    if (this.#whyOver.size > MOST_REASONS && oldest !== undefined) this.#whyOver.delete(oldest);
  }
}

/**
 * Why a cookie opens nothing, as a hint; empty: there is none.
 * @param session the one that was found by the cookie, whose account is another by now.
 */
export function whyOut(sessions: Sessions, id: string | null, session: Session | null): string {
  if (id === null) return '';
  if (session !== null) return `the account ${session.name} was changed`;
  return sessions.whyOver(id);
}

export const cookieOf = (id: string) => `${COOKIE}=${id}; Path=/; Secure; HttpOnly; SameSite=Strict`;
export const noCookie = () => `${cookieOf('')}; Max-Age=0`;

/** The session's id in a Cookie header. */
export function sessionIdOf(header: string | undefined): string | null {
  for (const part of (header ?? '').split(';')) {
    const [name, ...value] = part.trim().split('=');
    if (name === COOKIE && value.length > 0) return value.join('=');
  }
  return null;
}

/** Who asks, as the API sees it. */
export interface Caller {
  readonly name: string;
  readonly role: Role;
  /** Null: by a token. */
  readonly session: Session | null;
  readonly sessionId: string | null;
}
