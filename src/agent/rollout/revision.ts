/**
 * Which of two configs is the newer one. Each apply gives the farm's config the next number, and with the number goes a list of the
 * configs that it came to replace, by the hashes of their texts. So a node that was away is known by what it has, even when it has lost
 * every other memory; and a text that was never the farm's is somebody's own work, which is not overwritten. Pure but for the hash.
 */
import { createHash } from 'node:crypto';

export interface Stamp {
  /** 0: a text that no apply has brought. */
  readonly revision: number;
  /** 16 hex digits over the text as it stands in the file. */
  readonly hash: string;
  /** Hashes of texts that this one replaced, newest first, at most {@link MAX_SUPERSEDED}; its own is never among them. */
  readonly supersedes: readonly string[];
}

/** One config of the farm's history. */
export interface ConfigEntry extends Stamp {
  readonly text: string;
  /** Wall clock, ISO 8601. */
  readonly at: string;
  /** Who applied it, as that command said. */
  readonly by: string;
  /** On which node. */
  readonly node: string;
}

/** A node that was away for more applies than this waits, and is told what to type. */
export const MAX_SUPERSEDED = 200;

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** The stamp of `text`, if it comes after `before` and all that `known` holds. */
export function nextStamp(text: string, revision: number, before: Stamp, known: readonly Stamp[]): Stamp {
  const hash = hashOf(text);
  const older = [before.hash, ...before.supersedes, ...[...known].reverse().map((stamp) => stamp.hash)];
  const supersedes = [...new Set(older)].filter((other) => other !== hash).slice(0, MAX_SUPERSEDED);
  return { revision, hash, supersedes };
}

/** True when a member's config is to take the place of ours: it is a later one of the farm's, and ours is an earlier one. */
export function isNewer(theirs: Stamp, ours: Stamp): boolean {
  return theirs.revision > ours.revision && theirs.supersedes.includes(ours.hash);
}

/** True when it is the text that we have, under a later number: then only the number is news. */
export function isRenumbered(theirs: Stamp, ours: Stamp): boolean {
  return theirs.revision > ours.revision && theirs.hash === ours.hash;
}
