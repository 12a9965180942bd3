/**
 * How long to wait before a child that died is started again: 0.1 s, then doubling to 30 s; a child that lived a minute is
 * forgiven all. Short at first because the node's share is already served by others: what counts is not to burn a core.
 */
export const FIRST_BACKOFF_MS = 100;
export const MAX_BACKOFF_MS = 30_000;
export const FORGIVEN_AFTER_MS = 60_000;

/** @returns ms to wait before the next start, given the previous wait (0: none yet) and how long the child lived. */
export function nextBackoff(previousMs: number, livedMs: number): number {
  if (previousMs === 0 || livedMs >= FORGIVEN_AFTER_MS) return FIRST_BACKOFF_MS;
  return Math.min(previousMs * 2, MAX_BACKOFF_MS);
}
