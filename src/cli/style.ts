/** Text for terminals. Pure: whether colours are wanted is the caller's knowledge. */

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

export type Colour = keyof typeof CODES;
export type Paint = (colour: Colour, text: string) => string;

export const plain: Paint = (_colour, text) => text;
export const coloured: Paint = (colour, text) => (text === '' ? '' : `\x1b[${CODES[colour]}m${text}\x1b[0m`);

/** A cell of a table: text, and how to paint it once it is padded. */
export interface Cell {
  readonly text: string;
  readonly colour?: Colour;
  readonly alignRight?: boolean;
}

/** Rows with columns two spaces apart; the last column is not padded. Width counts code points: no wide characters are used. */
export function table(rows: readonly (readonly Cell[])[], paint: Paint): string[] {
  const width = (column: number) => Math.max(...rows.map((row) => [...(row[column]?.text ?? '')].length));
  const widths = (rows[0] ?? []).map((_, column) => width(column));
  return rows.map((row) => {
    const cells = row.map(({ text, colour, alignRight = false }, column) => {
      const gap = ' '.repeat(widths[column]! - [...text].length);
      const painted = colour === undefined ? text : paint(colour, text);
      return alignRight ? gap + painted : painted + (column === row.length - 1 ? '' : gap);
    });
    return cells.join('  ').trimEnd();
  });
}

/** `1,204,311`. */
export function grouped(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `12 ms`, `3.2 s`, `4 min`, `2 h`, `3 d`: one unit, as people say it. */
export function elapsed(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 2 * 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 48 * 3_600_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} d`;
}

/** `33.3 %`. */
export function percent(part: number): string {
  return `${(part * 100).toFixed(1)} %`;
}

/** A bar of `width` cells. Anything above nothing shows at least a sliver. */
export function bar(part: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, part)) * width * 8);
  const shown = part > 0 ? Math.max(1, eighths) : 0;
  const full = Math.floor(shown / 8);
  const rest = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][shown % 8]!;
  return ('█'.repeat(full) + rest).padEnd(width, '·');
}
