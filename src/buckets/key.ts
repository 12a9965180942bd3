/** Affinity keys: the 20-byte record of contract.ts, what of it is hashed, and the bucket that follows. */
import { AFFINITY_CODE, type Affinity, KEY_BYTES } from './contract.js';
import { bucketOfHash, hash32 } from './hash.js';

export interface Key {
  readonly plan: number;
  readonly affinity: Affinity;
  /** Client port; 0 unless affinity is `connection`. */
  readonly port: number;
  /** 4 or 16 bytes, network order; `network` with the host part zeroed. */
  readonly address: Uint8Array;
}

const IPV6_FLAG = 0x04;
const AFFINITY_MASK = 0x03;
const ADDRESS_OFFSET = 4;
/** An IPv4 address lies behind the 12 bytes of ::ffff:0:0/96. */
const IPV4_OFFSET = ADDRESS_OFFSET + 12;
const AFFINITIES: readonly Affinity[] = ['client', 'connection', 'network'];

/** Bytes of the address that name a network: /24 for IPv4, /64 for IPv6. */
function networkBytes(isIpv6: boolean): number {
  return isIpv6 ? 8 : 3;
}

/**
 * Writes the record of a client at `offset` of `out`. `address` has 4 or 16 bytes at `addressOffset`; host part and port
 * are left out as the affinity demands, so the caller passes what the packet says.
 */
export function encodeKeyInto(
  out: Uint8Array,
  offset: number,
  plan: number,
  affinity: Affinity,
  isIpv6: boolean,
  address: Uint8Array,
  addressOffset: number,
  port: number,
): void {
  out.fill(0, offset, offset + KEY_BYTES);
  out[offset] = plan;
  out[offset + 1] = AFFINITY_CODE[affinity] | (isIpv6 ? IPV6_FLAG : 0);
  if (affinity === 'connection') {
    out[offset + 2] = port >>> 8;
    out[offset + 3] = port & 0xff;
  }
  const length = affinity === 'network' ? networkBytes(isIpv6) : isIpv6 ? 16 : 4;
  const start = offset + (isIpv6 ? ADDRESS_OFFSET : IPV4_OFFSET);
  if (!isIpv6) out.fill(0xff, start - 2, start);
  for (let i = 0; i < length; i++) out[start + i] = address[addressOffset + i]!;
}

/** The record of a client as a new array. */
export function encodeKey(plan: number, affinity: Affinity, address: Uint8Array, port: number): Uint8Array {
  if (address.length !== 4 && address.length !== 16) {
    throw new RangeError(`an address of ${address.length} bytes is neither IPv4 nor IPv6`);
  }
  const out = new Uint8Array(KEY_BYTES);
  encodeKeyInto(out, 0, plan, affinity, address.length === 16, address, 0, port);
  return out;
}

/** Reads the record at `offset`; null when it is none: too short, or a reserved bit or the IPv4 prefix is wrong. */
export function decodeKey(bytes: Uint8Array, offset = 0): Key | null {
  if (offset + KEY_BYTES > bytes.length) return null;
  const flags = bytes[offset + 1]!;
  const affinity = AFFINITIES[flags & AFFINITY_MASK];
  if (affinity === undefined || (flags & ~(AFFINITY_MASK | IPV6_FLAG)) !== 0) return null;
  const isIpv6 = (flags & IPV6_FLAG) !== 0;
  const start = offset + (isIpv6 ? ADDRESS_OFFSET : IPV4_OFFSET);
  for (let i = offset + ADDRESS_OFFSET; i < start; i++) {
    if (bytes[i] !== (i < start - 2 ? 0 : 0xff)) return null;
  }
  return {
    plan: bytes[offset]!,
    affinity,
    port: (bytes[offset + 2]! << 8) | bytes[offset + 3]!,
    address: bytes.slice(start, offset + KEY_BYTES),
  };
}

const hashInput = new Uint8Array(18);

/** The bytes of the record at `offset` that are hashed: address or prefix, then the port for `connection`. */
export function hashInputOf(record: Uint8Array, offset = 0): Uint8Array {
  return hashInput.slice(0, fillHashInput(record, offset));
}

/** The bucket of the record at `offset`. Plan and protocol play no part in it. Allocates nothing. */
export function bucketOfKey(seed: number, record: Uint8Array, offset: number, buckets: number): number {
  return bucketOfHash(hash32(seed, hashInput, 0, fillHashInput(record, offset)), buckets);
}

function fillHashInput(record: Uint8Array, offset: number): number {
  const flags = record[offset + 1]!;
  const isIpv6 = (flags & IPV6_FLAG) !== 0;
  const affinity = flags & AFFINITY_MASK;
  const start = offset + (isIpv6 ? ADDRESS_OFFSET : IPV4_OFFSET);
  let length = affinity === AFFINITY_CODE.network ? networkBytes(isIpv6) : isIpv6 ? 16 : 4;
  for (let i = 0; i < length; i++) hashInput[i] = record[start + i]!;
  if (affinity === AFFINITY_CODE.connection) {
    hashInput[length++] = record[offset + 2]!;
    hashInput[length++] = record[offset + 3]!;
  }
  return length;
}
