import { describe, expect, it } from 'vitest';
import { DecodeError, EncodeError } from '../../../src/wire/errors.js';
import { decodePart, PartJoiner, splitIntoParts } from '../../../src/wire/parts.js';

const bytes = (length: number, fill = 1) => new Uint8Array(length).fill(fill);
const DATAGRAM = bytes(1);

function joiner() {
  const abandoned = { count: 0 };
  return { abandoned, joiner: new PartJoiner(() => void abandoned.count++) };
}

describe('parts', () => {
  it.each([
    [0, 1],
    [90, 1],
    [91, 2],
    [64 * 90, 64],
  ])('%i bytes go into %i', (length, count) => {
    const parts = splitIntoParts(1, bytes(length), 100);
    expect(parts).toHaveLength(count);
    for (const part of parts) expect(part.length).toBeLessThanOrEqual(100);
    const { joiner: join } = joiner();
    expect(parts.map((part) => join.add(decodePart(part), DATAGRAM)).at(-1)?.bytes).toEqual(bytes(length));
  });

  it('are at most 64', () => {
    expect(() => splitIntoParts(1, bytes(64 * 90 + 1), 100)).toThrow(EncodeError);
  });

  it('of a message older than one that was joined give nothing', () => {
    const { joiner: join, abandoned } = joiner();
    const [older, newer] = [splitIntoParts(4, bytes(150), 100), splitIntoParts(5, bytes(150), 100)];
    for (const part of newer) join.add(decodePart(part), DATAGRAM);
    for (const part of older) expect(join.add(decodePart(part), DATAGRAM)).toBeNull();
    expect(abandoned.count).toBe(0);
  });

  it('of two messages may come mixed; the older one is not waited for once the newer is whole', () => {
    const { joiner: join, abandoned } = joiner();
    const [older, newer] = [splitIntoParts(4, bytes(150, 4), 100), splitIntoParts(5, bytes(150, 5), 100)];
    expect(join.add(decodePart(older[0]!), DATAGRAM)).toBeNull();
    expect(join.add(decodePart(newer[1]!), DATAGRAM)).toBeNull();
    expect(join.add(decodePart(newer[0]!), DATAGRAM)?.bytes).toEqual(bytes(150, 5));
    expect(abandoned.count).toBe(1);
    expect(join.add(decodePart(older[1]!), DATAGRAM)).toBeNull();
  });

  it('that contradict each other are refused', () => {
    const { joiner: join } = joiner();
    join.add({ message: 1, index: 0, count: 3, bytes: bytes(1) }, DATAGRAM);
    expect(() => join.add({ message: 1, index: 1, count: 2, bytes: bytes(1) }, DATAGRAM)).toThrow(DecodeError);
    expect(() => join.add({ message: 1, index: 0, count: 3, bytes: bytes(1) }, DATAGRAM)).toThrow(DecodeError);
  });

  it.each([
    ['of no parts', [1, 0, 0]],
    ['of 65 parts', [1, 0, 65]],
    ['beyond the last', [1, 2, 2]],
    ['cut short', [1, 0]],
  ])('%s are refused', (_, plain) => {
    expect(() => decodePart(Uint8Array.from(plain))).toThrow(DecodeError);
  });
});
