/** What the console keeps: accounts, sessions, the audit. Files of mode 0600, each replaced whole or appended by one line. */
import { type Book, bookSchema, EMPTY_BOOK, merged } from './accounts.js';
import type { AuditEntry } from './contract.js';

/** The console's own directory. */
export interface StateFiles {
  /** Null: there is none. */
  read(name: string): string | null;
  /** Whole, or not at all. */
  replace(name: string, text: string): void;
  append(name: string, text: string): void;
}

const ACCOUNTS = 'accounts.json';
const AUDIT = 'audit.ndjson';
export const AUDIT_LIMIT = 2000;

/** The accounts cannot be read, and nobody is let in by a guess. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

export class AccountStore {
  readonly #files: StateFiles;
  #book: Book;

  constructor(files: StateFiles) {
    this.#files = files;
    const text = files.read(ACCOUNTS);
    this.#book = text === null ? EMPTY_BOOK : parseBook(text);
  }

  get book(): Book {
    return this.#book;
  }

  /** On the disk when this returns. */
  set(book: Book): void {
    this.#files.replace(ACCOUNTS, `${JSON.stringify(book)}\n`);
    this.#book = book;
  }

  /** Takes over what another node's console knows better. @returns whether anything was. */
  learn(document: string): boolean {
    const theirs = readBook(document);
    if (theirs === null) return false;
    const next = merged(this.#book, theirs);
    if (JSON.stringify(next) === JSON.stringify(this.#book)) return false;
    this.set(next);
    return true;
  }

  document(): string {
    return JSON.stringify(this.#book);
  }
}

function parseBook(text: string): Book {
  const book = readBook(text);
  if (book !== null) return book;
  throw new StoreError(`${ACCOUNTS} is damaged; repair it, or remove it to begin anew with a first admin`);
}

function readBook(text: string): Book | null {
  try {
    const parsed = bookSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

export class Audit {
  readonly #files: StateFiles;
  #entries: AuditEntry[];
  #lines: number;

  constructor(files: StateFiles) {
    this.#files = files;
    const lines = (files.read(AUDIT) ?? '').split('\n').filter((line) => line !== '');
    this.#entries = lines.flatMap(parseEntry).slice(-AUDIT_LIMIT);
    this.#lines = lines.length;
  }

  /** Throws when it cannot be written: then what it is about must not happen either. */
  add(entry: AuditEntry): void {
    if (this.#lines >= 2 * AUDIT_LIMIT) {
      this.#files.replace(AUDIT, this.#entries.map(line).join(''));
      this.#lines = this.#entries.length;
    }
    this.#files.append(AUDIT, line(entry));
    this.#lines += 1;
    this.#entries.push(entry);
    if (this.#entries.length > AUDIT_LIMIT) this.#entries.shift();
  }

  /** Oldest first. */
  newest(limit: number): readonly AuditEntry[] {
    return this.#entries.slice(-limit);
  }
}

const line = (entry: AuditEntry) => `${JSON.stringify(entry)}\n`;

/** A line that a crash cut is left out. */
function parseEntry(text: string): AuditEntry[] {
  try {
    return [JSON.parse(text) as AuditEntry];
  } catch {
    return [];
  }
}
