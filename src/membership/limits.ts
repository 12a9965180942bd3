/**
 * What a core remembers and says is bounded here, below the bounds of the wire format (src/wire/bounds.ts), so that nothing that members
 * or a crowd of strangers do makes a heartbeat that cannot be encoded. `test/unit/wire/greatest.test.ts` holds the two together.
 */

/** Members of a farm, this node among them. */
export const MOST_MEMBERS = 64;
/** Unproved speakers remembered; only holders of the farm key get this far. */
export const MOST_CANDIDATES = 128;
/** Names remembered of members that are gone. */
export const MOST_TOMBSTONES = 128;
/** Of these so many, the newest, are named in heartbeats. */
export const MOST_REMEMBERED = 64;
/** Keepers named in one message of the link. */
export const MOST_KEEPERS_PER_MESSAGE = 64;
/** Nobody's incarnation comes near 2^52 in truth: what is said above this is not believed, or the next one could not be said. */
export const HIGHEST_INCARNATION = 2 ** 52 - 2 ** 32;
