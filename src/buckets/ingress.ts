/**
 * Which member answers an asker with reach `relay`: rendezvous hashing of (asker, VIP) among the members that answer, so that all
 * nodes agree without a word, and a member that leaves moves nobody but its own askers. Part of the wire protocol (version 1): the
 * C++ twin is ingress.h, test/vectors/ingress.txt binds both.
 */
import { NOBODY, type ReachMember } from './contract.js';
import { hash32 } from './hash.js';

const ADDRESS_BYTES = 16;
const MAC_BYTES = 6;

/**
 * Index of the answering member, {@link NOBODY}: none answers. Score of a member is the hash of asker, VIP and its MAC; the highest
 * wins, of equal ones the lowest MAC.
 * @param asker IP address of who asks, 4 or 16 bytes; zeros in a probe (RFC 5227, RFC 4862).
 * @param vip the address asked for, 4 or 16 bytes.
 * @param seed Shape.hashSeed.
 */
export function chooseIngress(
  asker: Uint8Array,
  vip: Uint8Array,
  members: readonly ReachMember[],
  seed: number,
): number {
  const input = new Uint8Array(2 * ADDRESS_BYTES + MAC_BYTES);
  input.set(mapped(asker), 0);
  input.set(mapped(vip), ADDRESS_BYTES);
  let chosen = NOBODY;
  let best = -1;
  members.forEach(({ mac, answers }, index) => {
    if (!answers) return;
    input.set(mac, 2 * ADDRESS_BYTES);
    const score = hash32(seed, input);
    if (score < best || (score === best && compareMacs(mac, members[chosen]!.mac) >= 0)) return;
    best = score;
    chosen = index;
  });
  return chosen;
}

/** An IPv4 address as ::ffff:a.b.c.d; an IPv6 address as it is. */
export function mapped(address: Uint8Array): Uint8Array {
  if (address.length === ADDRESS_BYTES) return address;
  return Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...address);
}

function compareMacs(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < MAC_BYTES; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return 0;
}
