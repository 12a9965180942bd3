/**
 * Users and tokens. One book for the whole farm: each node's console keeps a copy, tells the others, and takes over what is newer
 * there, record by record. A removed record stays as a mark, or an old copy would bring it back. Pure but for the hash that comes in.
 */
import { z } from 'zod';
import { ROLES, type Role, type TokenReport, type UserReport } from './contract.js';
import { ConsoleError } from './errors.js';

const stamp = { revision: z.int().min(1), changedAt: z.string().max(40), removed: z.boolean() };
const userSchema = z.object({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/),
  role: z.enum(ROLES),
  hash: z.string().max(200),
  ...stamp,
});
const tokenSchema = z.object({
  id: z.string().max(32),
  name: z.string().max(64),
  role: z.enum(ROLES),
  hash: z.string().max(64),
  createdBy: z.string().max(32),
  createdAt: z.string().max(40),
  ...stamp,
});
/** More records than {@link MOST_BYTES} has room for: what two consoles wrote while they were apart is still one book. */
export const bookSchema = z.object({
  version: z.literal(1),
  users: z.array(userSchema).max(1000),
  tokens: z.array(tokenSchema).max(1000),
});

export type User = z.infer<typeof userSchema>;
export type Token = z.infer<typeof tokenSchema>;
export type Book = z.infer<typeof bookSchema>;
type Stamped = Pick<User, 'revision' | 'changedAt' | 'removed' | 'hash'>;

export const EMPTY_BOOK: Book = { version: 1, users: [], tokens: [] };
/** Of a book as JSON: the agents carry no more than 48 KiB from console to console. About 80 users and 80 tokens. */
const MOST_BYTES = 40 * 1024;
const bytesOf = (book: Book) => Buffer.byteLength(JSON.stringify(book));

/** What both know, the newer of each record; the same on both sides, whichever way round. */
export function merged(a: Book, b: Book): Book {
  return withoutOldMarks({
    version: 1,
    users: newest([...a.users, ...b.users], ({ name }) => name),
    tokens: newest([...a.tokens, ...b.tokens], ({ id }) => id),
  });
}

/** Marks of the removed make room, the oldest first: whoever was away for so long that many removals ago is the likeliest to be gone. */
function withoutOldMarks(book: Book): Book {
  if (bytesOf(book) <= MOST_BYTES) return book;
  const marks = [...book.users, ...book.tokens].filter(({ removed }) => removed).sort(byAge);
  const dropped = new Set<unknown>();
  let bytes = bytesOf(book);
  for (const mark of marks) {
    if (bytes <= MOST_BYTES) break;
    dropped.add(mark);
    bytes -= Buffer.byteLength(JSON.stringify(mark)) + 1;
  }
  const kept = (record: unknown) => !dropped.has(record);
  return { version: 1, users: book.users.filter(kept), tokens: book.tokens.filter(kept) };
}

const ageKey = ({ changedAt, hash }: Stamped) => `${changedAt} ${hash}`;
const byAge = (a: Stamped, b: Stamped) => (ageKey(a) < ageKey(b) ? -1 : 1);

function newest<T extends Stamped>(records: readonly T[], keyOf: (record: T) => string): T[] {
  const kept = new Map<string, T>();
  for (const record of records) {
    const other = kept.get(keyOf(record));
    if (other === undefined || isNewer(record, other)) kept.set(keyOf(record), record);
  }
  return [...kept].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => record);
}

/** Of two first revisions the elder stands: a second founder must not replace the account that people have logged in with. */
function isNewer(a: Stamped, b: Stamped): boolean {
  if (a.revision === 1 && b.revision === 1 && a.changedAt !== b.changedAt) return a.changedAt < b.changedAt;
  const order = (record: Stamped) => [
    String(record.revision).padStart(12, '0'),
    record.changedAt,
    String(record.removed),
    record.hash,
  ];
  return order(a).join(' ') > order(b).join(' ');
}

export const userOf = (book: Book, name: string) =>
  book.users.find((user) => user.name === name && !user.removed) ?? null;

export const tokenOf = (book: Book, hash: string) =>
  book.tokens.find((token) => token.hash === hash && !token.removed) ?? null;

export const userReports = (book: Book): UserReport[] =>
  book.users.filter(({ removed }) => !removed).map(({ name, role, changedAt }) => ({ name, role, changedAt }));

export const tokenReports = (book: Book): TokenReport[] =>
  book.tokens
    .filter(({ removed }) => !removed)
    .map(({ id, name, role, createdBy, createdAt }) => ({ id, name, role, createdBy, createdAt }));

/** @throws ConsoleError where the name is taken or none. */
export function withNewUser(book: Book, name: string, role: Role, hash: string, at: string): Book {
  if (userOf(book, name) !== null) throw new ConsoleError(409, 'exists', `there is a user ${name} already`);
  const before = book.users.find((user) => user.name === name);
  const parsed = userSchema.safeParse({
    name,
    role,
    hash,
    revision: (before?.revision ?? 0) + 1,
    changedAt: at,
    removed: false,
  });
  if (!parsed.success) throw new ConsoleError(400, 'bad-request', `"${name}" is no name: use letters, digits, . _ -`);
  return withRoom(merged(book, { ...EMPTY_BOOK, users: [parsed.data] }));
}

/** The last admin stays one: nobody could make another. */
export function withChangedUser(
  book: Book,
  name: string,
  change: { readonly role?: Role; readonly hash?: string; readonly removed?: true },
  at: string,
): Book {
  const user = userOf(book, name);
  if (user === null) throw new ConsoleError(404, 'no-such-user', `there is no user ${name}`);
  const shed = change.removed === true ? { hash: '' } : {};
  const changed: User = { ...user, ...change, ...shed, revision: user.revision + 1, changedAt: at };
  const next = merged(book, { ...EMPTY_BOOK, users: [changed] });
  if (!next.users.some(({ role, removed }) => role === 'admin' && !removed)) {
    throw new ConsoleError(409, 'last-admin', `${name} is the last admin`, 'make another user admin first');
  }
  return next;
}

export function withNewToken(
  book: Book,
  token: Pick<Token, 'id' | 'name' | 'role' | 'hash' | 'createdBy'>,
  at: string,
): Book {
  const made = { ...token, createdAt: at, revision: 1, changedAt: at, removed: false };
  return withRoom(merged(book, { ...EMPTY_BOOK, tokens: [made] }));
}

export function withoutToken(book: Book, id: string, at: string): Book {
  const token = book.tokens.find((other) => other.id === id && !other.removed);
  if (token === undefined) throw new ConsoleError(404, 'no-such-token', 'there is no such token');
  const gone = { ...token, removed: true, hash: '', revision: token.revision + 1, changedAt: at };
  return merged(book, { ...EMPTY_BOOK, tokens: [gone] });
}

/** @throws ConsoleError where even without the marks of the removed there is no room. */
function withRoom(book: Book): Book {
  if (bytesOf(book) <= MOST_BYTES) return book;
  throw new ConsoleError(
    409,
    'full',
    'there is no room for another record',
    'remove users or tokens that nobody needs',
  );
}
