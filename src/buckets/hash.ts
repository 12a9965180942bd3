/**
 * The bucket hash: FNV-1a 32 with a seeded offset basis, finished by murmur3's fmix32, low bits taken.
 *
 * It is part of the wire protocol. Its twin is addons/dataplane/src/filter/hash.h; both must match test/vectors/hash.txt.
 * Without the finish, the low bits of FNV-1a depend only on the low bits of each byte, so two clients that share a bucket
 * would share it for every port. Without the seed, outsiders could aim at one node.
 */

/** Raised when any key would fall into another bucket than before. */
export const HASH_VERSION = 1;

const FNV_OFFSET_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** murmur3's 32-bit finisher (MurmurHash3.cpp, fmix32): every input bit changes each output bit with probability 1/2. */
export function fmix32(value: number): number {
  let h = value | 0;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  return h >>> 0;
}

/** The hash of `bytes[start..end)` as uint32. `seed` is a uint32; it is XORed into the FNV offset basis. */
export function hash32(seed: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
  let h = FNV_OFFSET_BASIS ^ seed;
  for (let i = start; i < end; i++) h = Math.imul(h ^ bytes[i]!, FNV_PRIME);
  return fmix32(h);
}

/** The bucket of a hash. `buckets` is a power of two: 4096 in farms, fewer in simulations. */
export function bucketOfHash(hash: number, buckets: number): number {
  return hash & (buckets - 1);
}
