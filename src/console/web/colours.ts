/**
 * One colour and one pattern for each node, always the same for its place by name. The hues are those of Okabe and Ito, which people with the
 * usual kinds of colour blindness tell apart, at a lightness that has a contrast of 3 to 1 with the dark and with the light ground (WCAG
 * 1.4.11); the pattern is for the rest, and for print.
 */
const COLOURS = ['#3a95d0', '#d07f00', '#1f9d78', '#c06a98', '#9c8f1c', '#5b6fd6', '#d55e00', '#87939a'] as const;
export const PATTERNS = ['solid', 'up', 'down', 'dots', 'bars', 'cross', 'lines', 'grid'] as const;
export type Pattern = (typeof PATTERNS)[number];

export interface Look {
  readonly colour: string;
  readonly pattern: Pattern;
}

export function looksOf(names: readonly string[]): ReadonlyMap<string, Look> {
  return new Map(
    [...names].sort().map((name, at) => {
      // From the ninth node on the colours come again, with other patterns.
      const round = Math.floor(at / COLOURS.length);
      return [name, { colour: COLOURS[at % COLOURS.length]!, pattern: PATTERNS[(at + round) % PATTERNS.length]! }];
    }),
  );
}

/** Lines differ in their dashes, too, for those who do not tell the colours apart. */
const DASHES: readonly (readonly number[])[] = [[], [8, 4], [2, 3], [10, 3, 2, 3], [14, 5], [5, 5], [1, 5], [12, 3]];

/** Of the line at this place; with the colour of {@link looksOf} no two of the first 64 lines are alike. */
export function dashAt(place: number): readonly number[] {
  return DASHES[(place + Math.floor(place / DASHES.length)) % DASHES.length]!;
}
