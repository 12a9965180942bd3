/** Medians, percentiles, spread. Pure. */
import type { FigureResult, Sample, Summary } from './contract.js';

/** Of at least one number. */
export function median(values: readonly number[]): number {
  const sorted = ascending(values);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Nearest rank, of at least one number: the smallest value that `percent` of all do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = ascending(values);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]!;
}

export function summary(values: readonly number[]): Summary {
  return { n: values.length, median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** Ratios by rounds: what disturbs a whole round disturbs both sides of its ratio. `null` is a round that was worth nothing. */
export function figureResult(
  figure: string,
  own: readonly (Sample | null)[],
  base: readonly (Sample | null)[] | null,
): FigureResult | null {
  const values = own.map((sample) => sample?.[figure]).filter((value) => value !== undefined);
  if (values.length === 0) return null;
  const ratios = own
    .map((sample, round) => ratio(sample?.[figure], base?.[round]?.[figure]))
    .filter((value) => value !== null);
  return { ...summary(values), values, ratio: ratios.length === 0 ? null : summary(ratios) };
}

function ratio(value: number | undefined, of: number | undefined): number | null {
  return value === undefined || of === undefined || of === 0 ? null : value / of;
}

function ascending(values: readonly number[]): number[] {
  return [...values].sort((left, right) => left - right);
}
