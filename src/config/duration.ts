import { Problem, shown } from './problem.js';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `100ms`, `5s`, `3m`, `24h` in ms. One whole number and one unit: `1m30s` is written `90s`. */
export function parseDuration(text: string): number | Problem {
  const match = /^(\d{1,9})(ms|s|m|h)$/.exec(text);
  if (match) return Number(match[1]) * UNIT_MS[match[2]!]!;
  if (/^\d+$/.test(text)) return new Problem(unitless(text));
  return new Problem(
    `${shown(text)} is not a duration: write a whole number with ms, s, m or h, such as 100ms, 5s or 3m`,
  );
}

export const unitless = (number: number | string) =>
  `${number} has no unit: write ${number}ms, ${number}s or ${number}m`;

/** The shortest exact form: 100ms, 5s, 3m, 24h. */
export function formatDuration(ms: number): string {
  for (const unit of ['h', 'm', 's']) {
    const size = UNIT_MS[unit]!;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}
