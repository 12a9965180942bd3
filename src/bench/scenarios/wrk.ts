/** Reads what wrk prints. Pure. */
import { BenchError } from '../contract.js';

export interface WrkResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

/** Throws where requests failed: their speed says nothing. */
export function parseWrk(text: string): WrkResult {
  const trouble = /Socket errors:.*|Non-2xx.*/.exec(text)?.[0];
  if (trouble !== undefined) throw new BenchError(`wrk had errors: ${trouble}`);
  return {
    requests: numberIn(text, /(\d+) requests in/),
    requestsPerSecond: numberIn(text, /Requests\/sec:\s+([\d.]+)/),
    p50Ms: durationIn(text, '50'),
    p99Ms: durationIn(text, '99'),
  };
}

function numberIn(text: string, pattern: RegExp): number {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new BenchError(`wrk printed something else than expected:\n${text}`);
  return Number(found);
}

function durationIn(text: string, percent: string): number {
  const [, number, unit] = new RegExp(`${percent}%\\s+([\\d.]+)(us|ms|s|m)\\b`).exec(text) ?? [];
  if (number === undefined || unit === undefined) throw new BenchError(`wrk printed no ${percent} %:\n${text}`);
  return Number(number) * MS[unit]!;
}
