/** Randomness of the operating system, as the pure rooms take it. */
import { randomBytes } from 'node:crypto';

const TWO_53 = 2 ** 53;

/** A number in [0, 1) with 53 random bits. */
export function random(): number {
  const bytes = randomBytes(8);
  return ((bytes.readUInt32BE(0) & 0x1fffff) * 2 ** 32 + bytes.readUInt32BE(4)) / TWO_53;
}
