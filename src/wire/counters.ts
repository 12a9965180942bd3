/** Counters of the seal, one for each way a datagram can end, in the order of the checks. */
export const WIRE_COUNTERS = [
  'received',
  // Rejected before any cipher ran.
  'tooShort',
  'tooLong',
  'badMagic',
  'badVersion',
  'otherFarm',
  'limitedSource',
  'limitedStrangers',
  'limitedTotal',
  'badHeader',
  'own',
  'unknownKey',
  // Rejected by the cipher.
  'badSeal',
  // Authentic, but not news.
  'olderIncarnation',
  'replayed',
  'tooOld',
  'tooManySenders',
  'copies',
  'obituaryRepeated',
  // Authentic, and still not what it should be.
  'malformed',
  'otherSender',
  'partsAbandoned',
  // Taken.
  'parts',
  'heartbeats',
  'obituaries',
  'passedOn',
  // Sent.
  'sealed',
] as const;

export type WireCounter = (typeof WIRE_COUNTERS)[number];

export class WireCounters {
  readonly #values = new Map<WireCounter, number>(WIRE_COUNTERS.map((name) => [name, 0]));

  add(name: WireCounter): void {
    this.#values.set(name, this.#values.get(name)! + 1);
  }

  get(name: WireCounter): number {
    return this.#values.get(name)!;
  }

  snapshot(): Readonly<Record<WireCounter, number>> {
    return Object.fromEntries(this.#values) as Record<WireCounter, number>;
  }
}
