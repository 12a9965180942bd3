/** What was confirmed and sent: it is waited for so long and no longer, and an answer that comes later is told all the same. */
import { ApiError } from './api.js';

export interface Outcome {
  readonly text: string;
  readonly bad: boolean;
}

export interface Deed {
  /** What it is, as on its button. */
  readonly verb: string;
  readonly act: () => Promise<string>;
  readonly limitMs: number;
}

/** More than the console's server waits for the agent: 10 s with an order, 25 s with a config. */
export const ORDER_LIMIT_MS = 12_000;
export const LONGEST_LIMIT_MS = 30_000;
const SILENT_MS = 1000;

export const troubleOf = (error: unknown) =>
  error instanceof ApiError ? `${error.message}${error.hint === '' ? '' : ` (${error.hint})`}` : String(error);

/** @param tell called once, or twice where the answer comes after the limit. */
export function send({ verb, act, limitMs }: Deed, tell: (outcome: Outcome) => void): void {
  const timer = setTimeout(() => {
    tell({ text: `${verb}: no answer in ${limitMs / 1000} s. It was sent, and may still happen.`, bad: true });
  }, limitMs);
  const done = (outcome: Outcome) => {
    clearTimeout(timer);
    tell(outcome);
  };
  act().then(
    (text) => done({ text, bad: false }),
    (error: unknown) => done({ text: `${verb}: ${troubleOf(error)}`, bad: true }),
  );
}

/** In the dialog, while it waits; empty: it has only begun to. */
export function waitingText(sentMs: number, limitMs: number): string {
  if (sentMs < SILENT_MS) return '';
  return `Sent ${Math.floor(sentMs / 1000)} s ago, no answer yet. It may still happen: to close this does not take it back. An answer is waited for ${limitMs / 1000} s.`;
}

/** Of somebody who did not wait. */
export const leftText = (verb: string) => `${verb}: sent, and may still happen. Its answer is shown here.`;
