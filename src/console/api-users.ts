/** Users and tokens. */
import { z } from 'zod';
import {
  type Book,
  tokenReports,
  userOf,
  userReports,
  withChangedUser,
  withNewToken,
  withNewUser,
  withoutToken,
} from './accounts.js';
import { isAtLeast, ROLES } from './contract.js';
import { ConsoleError } from './errors.js';
import { hashPassword, isPassword, randomPassword, randomToken, SHORTEST_PASSWORD, tokenHash } from './passwords.js';
import { type Route, reading, route } from './route.js';
import type { Sessions } from './sessions.js';
import type { AccountStore } from './store.js';

export interface UserParts {
  readonly accounts: AccountStore;
  readonly sessions: Sessions;
  readonly wallMs: () => number;
  /** The other nodes' consoles are to know. */
  readonly changed: () => void;
}

const role = z.enum(ROLES);
const password = z.string().min(SHORTEST_PASSWORD).max(256);
const newUser = z.strictObject({ name: z.string().max(64), role });
const change = z.strictObject({ role: role.optional(), newPassword: z.literal(true).optional() });
const ownPassword = z.strictObject({ old: z.string().max(256), new: password });
/** Free text, but printable: it is shown, and written into logs. */
const tokenName = z
  .string()
  .max(64)
  .regex(/^\P{C}+$/u, 'write a name of printable letters');
const newToken = z.strictObject({ name: tokenName, role });

export function userRoutes(parts: UserParts): Route[] {
  const { accounts, sessions } = parts;
  const now = () => new Date(parts.wallMs()).toISOString();
  const keep = (book: Book) => {
    accounts.set(book);
    parts.changed();
  };
  return [
    reading('/users', 'All users.', () => ({ users: userReports(accounts.book) }), 'admin'),
    route({
      method: 'POST',
      path: '/users',
      summary: 'Make a user. The answer holds its password, once.',
      role: 'admin',
      body: newUser,
      audit: ({ body }) => `make user ${body.name} (${body.role})`,
      answer: async ({ body }) => {
        const secret = randomPassword();
        keep(withNewUser(accounts.book, body.name, body.role, await hashPassword(secret), now()));
        return { name: body.name, password: secret };
      },
    }),
    route({
      method: 'PUT',
      path: '/users/:name',
      summary: "Change a user's role, or give it a new password, which the answer holds once.",
      role: 'admin',
      body: change,
      audit: ({ body, params }) =>
        `change user ${params.name}:${body.role === undefined ? '' : ` role ${body.role}`}${body.newPassword === true ? ' new password' : ''}`,
      answer: async ({ body, params }) => {
        const secret = body.newPassword === true ? randomPassword() : null;
        const hash = secret === null ? {} : { hash: await hashPassword(secret) };
        keep(withChangedUser(accounts.book, params.name!, { ...pickRole(body), ...hash }, now()));
        if (secret !== null) sessions.endAllOf(params.name!);
        return secret === null ? {} : { name: params.name, password: secret };
      },
    }),
    {
      method: 'DELETE',
      path: '/users/:name',
      summary: 'Remove a user; its sessions end.',
      role: 'admin',
      body: null,
      audit: ({ params }) => `remove user ${params.name}`,
      answer: ({ params }) => {
        keep(withChangedUser(accounts.book, params.name!, { removed: true }, now()));
        sessions.endAllOf(params.name!);
        return {};
      },
    },
    route({
      method: 'PUT',
      path: '/password',
      summary: "Change one's own password; other sessions end.",
      role: 'viewer',
      body: ownPassword,
      audit: () => 'change own password',
      answer: async ({ body, caller }) => {
        const user = userOf(accounts.book, caller.name);
        if (caller.session === null || user === null)
          throw new ConsoleError(403, 'forbidden', 'a token has no password');
        if (!(await isPassword(body.old, user.hash)))
          throw new ConsoleError(403, 'wrong', 'the old password is not right');
        const hash = await hashPassword(body.new);
        keep(withChangedUser(accounts.book, user.name, { hash }, now()));
        caller.session.credential = hash;
        sessions.endAllOf(user.name, caller.sessionId ?? undefined);
        return {};
      },
    }),
    reading('/tokens', 'Tokens of scripts.', () => ({ tokens: tokenReports(accounts.book) }), 'admin'),
    route({
      method: 'POST',
      path: '/tokens',
      summary: 'Make a token for a script: `authorization: Bearer TOKEN`. The answer holds it, once.',
      role: 'admin',
      body: newToken,
      audit: ({ body }) => `make token ${body.name} (${body.role})`,
      answer: ({ body, caller }) => {
        if (!isAtLeast(caller.role, body.role)) throw new ConsoleError(403, 'forbidden', 'a token may not do more');
        const token = randomToken();
        const id = randomToken().slice(0, 12);
        const made = { id, name: body.name, role: body.role, hash: tokenHash(token), createdBy: caller.name };
        keep(withNewToken(accounts.book, made, now()));
        return { id, token };
      },
    }),
    {
      method: 'DELETE',
      path: '/tokens/:id',
      summary: 'Revoke a token.',
      role: 'admin',
      body: null,
      audit: ({ params }) => `revoke token ${params.id}`,
      answer: ({ params }) => {
        keep(withoutToken(accounts.book, params.id!, now()));
        return {};
      },
    },
  ];
}

const pickRole = ({ role: next }: z.infer<typeof change>) => (next === undefined ? {} : { role: next });
