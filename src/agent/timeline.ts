/**
 * What happened on this node, in order: kept across restarts in the run directory, bounded, shown by `covey events`.
 *
 * A full disk costs the record, never the farm: what cannot be written stays in memory, `writeError` says why, and the file is made
 * whole again from memory with the first event that finds room.
 */
import { appendFileSync, closeSync, fstatSync, openSync, readSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface NewEvent {
  /** Wall clock, ISO 8601. */
  readonly at: string;
  readonly node: string;
  /** Machine-readable kind, e.g. `state`, `member-lost`, `agent-restarted`. */
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface TimelineEvent extends NewEvent {
  /** Grows by one with each event of this run directory, also across restarts. */
  readonly seq: number;
}

/** Events kept; the file is rewritten when it has twice as many lines. */
export const TIMELINE_LIMIT = 1000;
/** Of one line. What is longer loses its fields, so that the file is bounded too: 8 MiB. */
export const LINE_BYTES = 4096;

export class Timeline {
  readonly #file: string;
  #events: TimelineEvent[] = [];
  #linesInFile = 0;
  #lastSeq = 0;
  /** The file does not end with a whole line, or lacks events that are in memory. */
  #isTorn = false;
  /** Why the last event could not be written; empty when it could. */
  writeError = '';

  constructor(runDir: string) {
    this.#file = join(runDir, 'events.ndjson');
    this.#read();
  }

  /** The newest one's; 0: there was none yet. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  add(event: NewEvent): TimelineEvent {
    this.#lastSeq += 1;
    const kept = { seq: this.#lastSeq, ...event };
    this.#events.push(kept);
    if (this.#events.length > TIMELINE_LIMIT) this.#events.shift();
    try {
      if (this.#isTorn || this.#linesInFile >= 2 * TIMELINE_LIMIT) this.#rewrite();
      else {
        // Until it is known to be whole, it is not: a full disk takes a part of the line.
        this.#isTorn = true;
        appendFileSync(this.#file, lineOf(kept), { mode: 0o600 });
        this.#isTorn = false;
        this.#linesInFile += 1;
      }
      this.writeError = '';
    } catch (error) {
      this.writeError = `events are not written: ${String(error)}`;
    }
    return kept;
  }

  /** @returns the newest `limit` events, oldest first. */
  newest(limit: number): readonly TimelineEvent[] {
    return this.#events.slice(-limit);
  }

  #read(): void {
    try {
      const { text, isTorn } = readEnd(this.#file, 2 * TIMELINE_LIMIT * LINE_BYTES);
      const events = parseLines(text);
      this.#isTorn = isTorn;
      this.#linesInFile = events.length;
      this.#events = events.slice(-TIMELINE_LIMIT);
      this.#lastSeq = this.#events.at(-1)?.seq ?? 0;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      this.writeError = `events from before the start cannot be read: ${String(error)}`;
    }
  }

  #rewrite(): void {
    const temporary = `${this.#file}.new`;
    try {
      writeFileSync(temporary, this.#events.map(lineOf).join(''), { mode: 0o600 });
      renameSync(temporary, this.#file);
    } catch (error) {
      // What a full disk took of it is room that others need.
      rmSync(temporary, { force: true });
      throw error;
    }
    this.#isTorn = false;
    this.#linesInFile = this.#events.length;
  }
}

function lineOf(event: TimelineEvent): string {
  const line = JSON.stringify(event);
  if (Buffer.byteLength(line) <= LINE_BYTES) return `${line}\n`;
  return `${JSON.stringify({ ...event, fields: { shortened: line.slice(0, LINE_BYTES / 4) } })}\n`;
}

/** At most the last `bytes` of a file. */
function readEnd(path: string, bytes: number): { readonly text: string; readonly isTorn: boolean } {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(size, bytes));
    readSync(file, buffer, 0, buffer.length, size - buffer.length);
    const text = buffer.toString('utf8');
    return { text, isTorn: size > bytes || (text !== '' && !text.endsWith('\n')) };
  } finally {
    closeSync(file);
  }
}

/** A line that was cut by a crash is left out; the rest stands. Lines of earlier versions have no number yet. */
function parseLines(text: string): TimelineEvent[] {
  let seq = 0;
  return text.split('\n').flatMap((line) => {
    const event = parseLine(line);
    if (event === null) return [];
    seq = Math.max(seq + 1, typeof event.seq === 'number' ? event.seq : 0);
    return [{ ...event, seq }];
  });
}

function parseLine(line: string): TimelineEvent | null {
  try {
    const event = line === '' ? null : (JSON.parse(line) as Partial<TimelineEvent> | null);
    const isEvent =
      typeof event?.at === 'string' && typeof event.event === 'string' && typeof event.fields === 'object';
    return isEvent ? (event as TimelineEvent) : null;
  } catch {
    return null;
  }
}
