/**
 * One colour and one pattern for each node, always the same for its place by name. The colours are those of Okabe and Ito, which people
 * with the usual kinds of colour blindness tell apart; the pattern is for the rest, and for print.
 */
const COLOURS = ['#56b4e9', '#e69f00', '#2bb389', '#cc79a7', '#f0e442', '#0072b2', '#d55e00', '#9aa5ab'] as const;
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
