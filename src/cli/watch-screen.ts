/** The terminal as one page that is drawn again and again: in the alternate screen, so that what stood there before comes back. */
import type { Terminal } from './parts.js';

// xterm's control sequences: alternate screen (1049), cursor (25), lines wrap (7); home, erase to the end of line and of screen.
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const ERASE_LINE = '\x1b[K';
const ERASE_REST = '\x1b[J';

export class WatchScreen {
  readonly #terminal: Terminal;
  #lines: readonly string[] = [];
  #footer = '';
  #forget: (() => void) | null = null;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  open(): void {
    if (this.#forget !== null) return;
    this.#terminal.raw(ENTER);
    this.#forget = this.#terminal.onResize(() => this.#draw());
  }

  show(lines: readonly string[], footer: string): void {
    this.#lines = lines;
    this.#footer = footer;
    this.#draw();
  }

  /** The terminal is as it was before. Idempotent. */
  close(): void {
    if (this.#forget === null) return;
    this.#forget();
    this.#forget = null;
    this.#terminal.raw(LEAVE);
  }

  #draw(): void {
    const { columns, rows } = this.#terminal.size();
    this.#terminal.raw(page(this.#lines, this.#footer, columns, rows));
  }
}

/** One page: what does not fit is cut, and said to be. Nothing is cleared first, so nothing flickers. */
export function page(lines: readonly string[], footer: string, columns: number, rows: number): string {
  const room = Math.max(1, rows - 1);
  const hidden = lines.length - room;
  const shown = hidden > 0 ? [...lines.slice(0, room - 1), `... ${hidden + 1} more lines`] : lines;
  const filled = [...shown, ...Array.from({ length: room - shown.length }, () => ''), footer].slice(0, rows);
  return HOME + filled.map((line) => clip(line, columns) + ERASE_LINE).join('\r\n') + ERASE_REST;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control sequences.
const PIECE = /\x1b\[[0-9;]*m|[^\x1b]|\x1b/gu;

/** The first `columns` characters of a line, whatever colours it has; these are ended, not cut. */
export function clip(line: string, columns: number): string {
  let width = 0;
  let text = '';
  let isColoured = false;
  for (const [piece] of line.matchAll(PIECE)) {
    const isColour = piece.length > 1 && piece.startsWith('\x1b');
    if (!isColour && ++width > columns) return isColoured ? `${text}\x1b[0m` : text;
    if (isColour) isColoured = piece !== '\x1b[0m';
    text += piece;
  }
  return text;
}
