import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReplayGuard } from '../../../src/wire/replay.js';

const WINDOW = 2048;

/** The stupid twin: remembers everything, and in a list which incarnations of a name it listens to, the one longest without news first. */
class Memory {
  readonly #seen = new Set<string>();
  readonly #highest = new Map<string, number>();
  readonly #heard = new Map<string, number[]>();

  accept(name: string, incarnation: number, counter: number): string {
    const heard = this.#heard.get(name) ?? [];
    const newest = Math.max(-1, ...heard);
    if (!heard.includes(incarnation) && incarnation < newest && heard.length >= 3) return 'olderIncarnation';
    const window = `${name} ${incarnation}`;
    const highest = this.#highest.get(window) ?? -1;
    if (counter <= highest - WINDOW) return 'tooOld';
    this.#highest.set(window, Math.max(highest, counter));
    const id = `${window} ${counter}`;
    if (this.#seen.has(id)) return 'replayed';
    this.#seen.add(id);
    const rest = heard.filter((other) => other !== incarnation);
    if (rest.length >= 3) rest.splice(rest[0] === Math.max(newest, incarnation) ? 1 : 0, 1);
    this.#heard.set(name, [...rest, incarnation]);
    return 'new';
  }
}

describe('the replay guard', () => {
  it('says the same as one that remembers everything', () => {
    const counter = fc.oneof(
      fc.nat({ max: 50 }),
      fc.nat({ max: 5000 }),
      fc.integer({ min: 2 ** 33, max: 2 ** 33 + 3000 }),
    );
    const datagram = fc.tuple(fc.constantFrom('a', 'b'), fc.nat({ max: 5 }), counter);
    fc.assert(
      fc.property(fc.array(datagram, { maxLength: 200 }), (datagrams) => {
        const [guard, memory] = [new ReplayGuard(), new Memory()];
        for (const [name, incarnation, counter] of datagrams) {
          expect(guard.accept(name, incarnation, counter, null)).toBe(memory.accept(name, incarnation, counter));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('takes each counter once, in any order within 1024', () => {
    const guard = new ReplayGuard();
    const counters = Array.from({ length: 1024 }, (_, i) => (i * 389) % 1024);
    for (const counter of counters) expect(guard.accept('a', 1, counter, null)).toBe('new');
    for (const counter of counters) expect(guard.accept('a', 1, counter, null)).toBe('replayed');
  });

  it('names what is below the window too old, and what is in it replayed', () => {
    const guard = new ReplayGuard();
    guard.accept('a', 1, WINDOW, null);
    expect(guard.accept('a', 1, 0, null)).toBe('tooOld');
    expect(guard.accept('a', 1, 1, null)).toBe('new');
    expect(guard.accept('a', 1, 1, null)).toBe('replayed');
  });

  it('a capture of an older incarnation neither passes nor moves the window', () => {
    const guard = new ReplayGuard();
    for (const incarnation of [6, 7, 9]) guard.accept('a', incarnation, 100, 'x');
    for (let counter = 0; counter < 5000; counter++)
      expect(guard.accept('a', 8, counter, 'x')).toBe('olderIncarnation');
    expect(guard.accept('a', 9, 99, 'x')).toBe('new');
    expect(guard.accept('a', 9, 100, 'x')).toBe('replayed');
  });

  it('an old capture that a new guard takes for news is put right by the living incarnation', () => {
    const guard = new ReplayGuard();
    expect(guard.accept('a', 5, 1_000_000, null)).toBe('new');
    expect(guard.accept('a', 9, 0, null)).toBe('new');
    expect(guard.accept('a', 9, 1, null)).toBe('new');
    expect(guard.accept('a', 5, 1_000_000, null)).toBe('replayed');
  });

  it('hears both of two hosts with one name, and takes each counter of each once', () => {
    const guard = new ReplayGuard();
    for (let counter = 0; counter < 100; counter++) {
      expect(guard.accept('a', 9, counter, 'x')).toBe('new');
      expect(guard.accept('a', 4, counter, 'y')).toBe('new');
      expect(guard.accept('a', 4, counter, 'y')).toBe('replayed');
    }
  });

  it('what was heard is never news again, however many lives come after', () => {
    const guard = new ReplayGuard();
    for (let incarnation = 1; incarnation <= 8; incarnation++) {
      for (let counter = 0; counter < 10; counter++) expect(guard.accept('a', incarnation, counter, 'x')).toBe('new');
      for (let old = 1; old <= incarnation; old++) {
        for (let counter = 0; counter < 10; counter++) expect(guard.accept('a', old, counter, 'x')).not.toBe('new');
      }
    }
  });

  it('tells a copy by another path, once per path and for no more than 8 paths', () => {
    const guard = new ReplayGuard();
    expect(guard.accept('a', 1, 0, 'raw')).toBe('new');
    expect(guard.accept('a', 1, 0, 'raw')).toBe('replayed');
    const copies = Array.from({ length: 20 }, (_, i) => guard.accept('a', 1, 0, `udp${i}`));
    expect(copies.filter((novelty) => novelty === 'copy')).toHaveLength(7);
    expect(guard.accept('a', 1, 0, 'udp0')).toBe('replayed');
  });

  it('remembers no more than 256 senders', () => {
    const guard = new ReplayGuard();
    for (let i = 0; i < 256; i++) expect(guard.accept(`n${i}`, 1, 0, null)).toBe('new');
    expect(guard.accept('one-more', 1, 0, null)).toBe('tooManySenders');
    expect(guard.accept('n5', 1, 1, null)).toBe('new');
  });

  it('obituaries move no window, and an older incarnation has none to give', () => {
    const guard = new ReplayGuard();
    for (const incarnation of [2, 3, 5]) guard.accept('a', incarnation, 10, null);
    expect(guard.allowsObituary('a', 4)).toBe('olderIncarnation');
    expect(guard.allowsObituary('a', 6)).toBe('new');
    expect(guard.isNewObituary('a', 5)).toBe(true);
    expect(guard.isNewObituary('a', 5)).toBe(false);
    expect(guard.accept('a', 5, 11, null)).toBe('new');
  });
});
