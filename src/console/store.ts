/** What the console keeps: accounts and the audit. Files of mode 0600, each replaced whole or appended by one line. */
import { type Book, bookSchema, EMPTY_BOOK, merged } from './accounts.js';
import type { AuditEntry } from './contract.js';
import { ConsoleError } from './errors.js';

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
  /** As the file is, as far as we know. */
  #text: string;
  /** Why the file lacks what the book has; empty: it does not. */
  writeError = '';

  constructor(files: StateFiles) {
    this.#files = files;
    this.#text = files.read(ACCOUNTS) ?? '';
    this.#book = this.#text === '' ? EMPTY_BOOK : parseBook(this.#text);
  }

  get book(): Book {
    return this.#book;
  }

  /** On the disk when this returns. @throws ConsoleError 507 when it cannot be; then nothing has changed. */
  set(book: Book): void {
    this.refresh();
    const next = merged(this.#book, book);
    try {
      this.#write(next);
    } catch (cause) {
      const why = `the accounts cannot be written, so nothing was changed: ${(cause as Error).message}`;
      throw new ConsoleError(507, 'not-kept', why, "make room on this node's disk, then try again");
    }
    this.#book = next;
  }

  /**
   * Takes over what another node's console knows better. It counts at once, though it may not be written: a user who was removed there
   * must not stay here because a disk is full. @returns whether anything was new.
   */
  learn(document: string): boolean {
    const theirs = readBook(document);
    if (theirs === null) return false;
    const next = merged(this.#book, theirs);
    if (JSON.stringify(next) === JSON.stringify(this.#book)) return false;
    this.#book = next;
    this.#tryToWrite();
    return true;
  }

  /**
   * The file was changed by another process (`covey console --reset-admin`), or could not be written before. @returns whether anything
   * was new.
   */
  refresh(): boolean {
    const text = this.#files.read(ACCOUNTS) ?? '';
    const isNew = text !== this.#text && this.learn(text);
    this.#text = text;
    if (this.writeError !== '') this.#tryToWrite();
    return isNew;
  }

  document(): string {
    return JSON.stringify(this.#book);
  }

  #write(book: Book): void {
    const text = `${JSON.stringify(book)}\n`;
    this.#files.replace(ACCOUNTS, text);
    this.#text = text;
    this.writeError = '';
  }

  #tryToWrite(): void {
    try {
      this.#write(this.#book);
    } catch (error) {
      this.writeError = (error as Error).message;
    }
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

/** A full disk costs the record, never the deed: in an outage one must be able to act. What cannot be written stays in memory, and is said. */
export class Audit {
  readonly #files: StateFiles;
  #entries: AuditEntry[];
  #lines: number;
  /** The file does not end with a whole line, or lacks entries that are in memory. */
  #isTorn: boolean;
  /** Why the file lacks entries; empty: it has them all. */
  writeError = '';

  constructor(files: StateFiles) {
    this.#files = files;
    const text = files.read(AUDIT) ?? '';
    this.#isTorn = text !== '' && !text.endsWith('\n');
    const lines = text.split('\n').filter((line) => line !== '');
    this.#entries = lines.flatMap(parseEntry).slice(-AUDIT_LIMIT);
    this.#lines = lines.length;
  }

  /** Never throws; see {@link writeError}. */
  add(entry: AuditEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length > AUDIT_LIMIT) this.#entries.shift();
    const mustRewrite = this.#isTorn || this.#lines >= 2 * AUDIT_LIMIT;
    // Until it is known to be whole, it is not: a full disk takes a part of the line.
    this.#isTorn = true;
    try {
      if (mustRewrite) this.#files.replace(AUDIT, this.#entries.map(line).join(''));
      else this.#files.append(AUDIT, line(entry));
      this.#lines = mustRewrite ? this.#entries.length : this.#lines + 1;
      this.#isTorn = false;
      this.writeError = '';
    } catch (error) {
      this.writeError = (error as Error).message;
    }
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
