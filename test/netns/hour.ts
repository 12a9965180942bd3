/** An hour's heartbeats of an earlier life of a node, as whoever was on the network then has recorded them: sealed under the farm's own key. */
import { chaChaAead } from '../../src/platform/crypto.js';
import { identityOf, keyringOf, loadKeyFile } from '../../src/platform/keys.js';
import { Transport } from '../../src/wire/transport.js';
import { QUIET } from '../unit/wire/arbitraries.js';

/** At ten in a second. */
export const HEARTBEATS_OF_AN_HOUR = 36_000;
/** What a grown farm of 4096 buckets says of a third of them. */
const HELD = new Uint8Array(512).fill(0b1001_0010);
const NONE = new Uint8Array(512);

/** The datagrams, in order. They say that `node` serves, hears all of `others` and knows no other lives of them than those given. */
export function heartbeatsOfAnHour(
  keyFile: string,
  farm: string,
  node: string,
  incarnation: number,
  others: readonly { readonly name: string; readonly incarnation: number }[],
): readonly Uint8Array[] {
  const keys = loadKeyFile(keyFile);
  const { farmId } = identityOf(keys, farm);
  const transport = new Transport({ aead: chaChaAead, keyring: keyringOf(keys), farmId, name: node, incarnation });
  const view = [{ name: node, incarnation }, ...others];
  const plans = [{ held: HELD, granting: NONE, kept: NONE }];
  return Array.from({ length: HEARTBEATS_OF_AN_HOUR }, (_, index) => {
    const sequence = index + 1;
    const heard = others.map((other) => ({ ...other, sequence, viewDigest: QUIET.viewDigest, gained: 0 }));
    return transport.sealHeartbeat({ ...QUIET, from: node, incarnation, sequence, state: 'up', view, plans, heard });
  }).flat();
}
