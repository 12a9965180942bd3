/** Log in, log out, who am I. */
import { z } from 'zod';
import { type User, userOf } from './accounts.js';
import type { SessionReport } from './contract.js';
import { ConsoleError } from './errors.js';
import type { Limiter } from './limiter.js';
import { isSameOrigin } from './origin.js';
import { isPassword, NO_HASH } from './passwords.js';
import { type Asked, type Route, reading, route } from './route.js';
import { cookieOf, noCookie, type Session, type Sessions } from './sessions.js';
import type { AccountStore, Audit } from './store.js';

export interface SessionParts {
  readonly accounts: AccountStore;
  readonly sessions: Sessions;
  readonly limiter: Limiter;
  readonly audit: Audit;
  readonly wallMs: () => number;
  readonly pause: (ms: number) => Promise<unknown>;
}

const login = z.strictObject({ name: z.string().min(1).max(64), password: z.string().min(1).max(256) });

export function sessionRoutes(parts: SessionParts): Route[] {
  return [
    route({
      method: 'POST',
      path: '/session',
      summary: 'Log in. Sets the session cookie; answers with the token that changes must carry.',
      role: null,
      body: login,
      audit: null,
      claimed: ({ body }) => ({ who: body.name, what: 'log in' }),
      answer: (asked) => logIn(parts, asked),
    }),
    reading('/session', 'Who is logged in.', ({ caller }) => sessionReport(caller.name, caller.role, caller.session)),
    {
      method: 'DELETE',
      path: '/session',
      summary: 'Log out.',
      role: 'viewer',
      body: null,
      audit: () => 'log out',
      answer: ({ caller, reply }) => {
        if (caller.sessionId !== null) parts.sessions.end(caller.sessionId);
        void reply.header('set-cookie', noCookie());
        return {};
      },
    },
  ];
}

const sessionReport = (name: string, role: User['role'], session: Session | null): SessionReport => ({
  name,
  role,
  token: session?.token ?? '',
});

async function logIn(parts: SessionParts, asked: Asked<z.infer<typeof login>>): Promise<SessionReport> {
  const { body, request, reply } = asked;
  if (!isSameOrigin(request.headers)) {
    throw new ConsoleError(403, 'foreign', 'logging in is for the console page; scripts use a token');
  }
  if (parts.accounts.book.users.length === 0) {
    const message = 'this console has no account yet: the first one is made within 15 s, here or on another node';
    throw new ConsoleError(503, 'no-account', message, 'try again in a moment');
  }
  const { limiter } = parts;
  const waitMs = limiter.waitMs(body.name, request.ip);
  if (waitMs > 0) {
    const seconds = Math.ceil(waitMs / 1000);
    void reply.header('retry-after', String(seconds));
    throw new ConsoleError(429, 'too-many', `too many failures: try again in ${seconds} s`);
  }
  // Counted before it is known, or many attempts at once would all be the first.
  limiter.failed(body.name, request.ip);
  const slowMs = limiter.slowMs(body.name);
  if (slowMs > 0) await parts.pause(slowMs);
  const user = userOf(parts.accounts.book, body.name);
  const isRight = await isPassword(body.password, user?.hash ?? NO_HASH);
  if (user === null || !isRight) throw new ConsoleError(401, 'wrong', 'wrong name or password');
  limiter.succeeded(body.name, request.ip);
  const at = new Date(parts.wallMs()).toISOString();
  parts.audit.add({ at, who: body.name, from: request.ip, what: 'log in', outcome: 'ok' });
  const { id, session } = parts.sessions.begin(user.name, user.hash);
  void reply.header('set-cookie', cookieOf(id));
  return sessionReport(user.name, user.role, session);
}
