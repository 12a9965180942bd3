/** What the key table takes of memory; the layout is that of FlowTable and ConnectionTable in addons/dataplane/src/filter. */

/** A key's entry, in a table that is at most 2/3 full. */
const ENTRY_BYTES = 64 * 1.5;
/** A record of one of several connections of a key, and a place in the index to it. */
const CONNECTION_BYTES = 32;
const INDEX_PLACE_BYTES = 8;

/** Bytes that a node takes at its start for a table of `keys` keys, for good: 36 MiB by default, 576 MiB at the most. */
export function tableBytes(keys: number): number {
  const places = 2 ** Math.ceil(Math.log2(2 * keys));
  return keys * (ENTRY_BYTES + CONNECTION_BYTES) + places * INDEX_PLACE_BYTES;
}
