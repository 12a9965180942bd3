/**
 * The text of the config that somebody has written and not applied. It outlives a change of page and being thrown out, not the log-out
 * nor a reload: it may hold what the next one at this browser must not read.
 */
export interface Running {
  readonly text: string;
  readonly hash: string;
}

export interface Draft {
  /** Whose it is: another user on the same page does not see it. */
  readonly owner: string;
  readonly text: string;
  /** What it was made from: its changes are against that, and so it is known when another config came meanwhile. */
  readonly base: Running;
}

let kept: Draft | null = null;

/** A text that is the same as what it was made from is none. */
export function keepDraft(draft: Draft): void {
  kept = draft.text === draft.base.text ? null : draft;
}

export function dropDraft(): void {
  kept = null;
}

export const draftOf = (owner: string): Draft | null => (kept?.owner === owner ? kept : null);
