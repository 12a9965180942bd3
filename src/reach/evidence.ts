/**
 * What is heard of the other nodes' probes. Pure; rounds are counted, not time, so that a sender's own pace does not matter.
 *
 * A kind is missing in a round when the round's carrier was heard and the kind was not: a sender that is silent altogether, stalled
 * say, proves nothing. Rounds travel in order, and the carrier goes last.
 */
import type { NodeName } from '../membership/messages.js';
import { type Delivered, PROBE_KINDS, PROBES, type ProbeKind, type SenderRow } from './contract.js';
import { macText } from './packets.js';
import type { Carrier, Probe, ProbePeer } from './probe-frame.js';

/**
 * Rounds without a kind until it counts as not delivered. With 2 % of frames lost, six in a row are one chance in 10^10; at the live
 * pace they are 4 s.
 */
export const MISSED_ROUNDS = 6;
/** Of one name, so many lives that have ended are remembered: their recorded probes count no more. */
const MAX_ENDED_RUNS = 1024;
/** A sender that was not heard for this long says nothing about the network any more. */
export const STALE_MS = 10_000;

interface KindRecord {
  lastRound: number;
  missed: number;
}

export interface Sender {
  readonly name: NodeName;
  readonly run: number;
  /** Ethernet source of its newest carrier. */
  mac: Uint8Array;
  carrier: Carrier;
  /** Newest round whose carrier was heard. */
  round: number;
  carriers: number;
  heardMs: number;
  /** A carrier of it named our run, which is new in each life of ours: so it is no recording of an earlier one. */
  isProven: boolean;
  largestBytes: number;
  readonly kinds: Map<ProbeKind, KindRecord>;
}

export class Evidence {
  readonly #ownRun: number;
  readonly #senders = new Map<number, Sender>();
  /** Kinds that came before the first carrier of their sender: which it is, only that one tells. */
  readonly #early = new Map<string, number>();
  readonly #ended = new Set<number>();

  constructor(ownRun: number) {
    this.#ownRun = ownRun;
  }

  /** Takes one probe. @returns the sender when it was not known before. */
  take(probe: Probe, nowMs: number): Sender | null {
    if (probe.run === this.#ownRun || this.#ended.has(probe.run)) return null;
    const known = this.#senders.get(probe.run) ?? null;
    if (probe.carrier !== null) return this.#takeCarrier(probe, probe.carrier, known, nowMs);
    if (known === null) this.#early.set(`${probe.run} ${probe.kind}`, probe.round);
    else note(known, probe.kind, probe.round);
    if (known !== null && probe.kind === 'size') known.largestBytes = Math.max(known.largestBytes, probe.bytes);
    return null;
  }

  /** All that are heard now, by name. */
  senders(nowMs: number): readonly Sender[] {
    for (const [run, { heardMs }] of this.#senders) if (nowMs - heardMs > STALE_MS) this.#senders.delete(run);
    return [...this.#senders.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** To whom probes go, proven or not. */
  peers(nowMs: number): readonly ProbePeer[] {
    return this.senders(nowMs).map(({ run, mac, carrier }) => ({ run, mac, address: carrier.address }));
  }

  /** What counts: of proven senders, and of one name the life that was heard last. */
  rows(nowMs: number): readonly SenderRow[] {
    return this.senders(nowMs)
      .filter(({ isProven }) => isProven)
      .map(rowOf);
  }

  /** Forgets what sizes were heard, before they are sent again. */
  forgetSizes(): void {
    for (const sender of this.#senders.values()) sender.largestBytes = 0;
  }

  #takeCarrier(probe: Probe, carrier: Carrier, known: Sender | null, nowMs: number): Sender | null {
    if (known !== null && probe.round <= known.round) return null;
    const sender = known ?? this.#newSender(probe, carrier);
    sender.mac = probe.mac.slice();
    sender.carrier = carrier;
    sender.heardMs = nowMs;
    sender.carriers += 1;
    sender.round = probe.round;
    for (const kind of carrier.kinds) {
      if (PROBES[kind].to === 'peer' && !carrier.to.includes(this.#ownRun)) continue;
      const record = recordOf(sender, kind);
      if (record.lastRound < probe.round) record.missed += 1;
    }
    if (!sender.isProven && carrier.to.includes(this.#ownRun)) this.#prove(sender);
    return known === null ? sender : null;
  }

  /** Earlier lives of the name are over. */
  #prove(sender: Sender): void {
    sender.isProven = true;
    for (const { name, run } of this.#senders.values()) {
      if (name !== sender.name || run === sender.run) continue;
      this.#senders.delete(run);
      this.#ended.add(run);
    }
    if (this.#ended.size > MAX_ENDED_RUNS) this.#ended.delete(this.#ended.values().next().value!);
  }

  #newSender(probe: Probe, carrier: Carrier): Sender {
    const sender: Sender = {
      name: probe.name!,
      run: probe.run,
      mac: probe.mac.slice(),
      carrier,
      round: 0,
      carriers: 0,
      heardMs: 0,
      isProven: false,
      largestBytes: 0,
      kinds: new Map(),
    };
    for (const kind of PROBE_KINDS) {
      const round = this.#early.get(`${probe.run} ${kind}`);
      if (round !== undefined) note(sender, kind, round);
    }
    this.#early.clear();
    this.#senders.set(probe.run, sender);
    return sender;
  }
}

function recordOf(sender: Sender, kind: ProbeKind): KindRecord {
  const known = sender.kinds.get(kind);
  if (known !== undefined) return known;
  const record = { lastRound: 0, missed: 0 };
  sender.kinds.set(kind, record);
  return record;
}

function note(sender: Sender, kind: ProbeKind, round: number): void {
  const record = recordOf(sender, kind);
  // A replayed frame is of an old round, and proves nothing.
  if (round <= record.lastRound) return;
  record.lastRound = round;
  record.missed = 0;
}

function rowOf(sender: Sender): SenderRow {
  const kinds: Partial<Record<ProbeKind, Delivered>> = {};
  const missed: Partial<Record<ProbeKind, number>> = {};
  for (const [kind, record] of sender.kinds) {
    kinds[kind] = deliveredOf(record);
    if (record.missed > 0) missed[kind] = record.missed;
  }
  return { from: sender.name, mac: macText(sender.mac), kinds, missed, largestBytes: sender.largestBytes };
}

function deliveredOf({ lastRound, missed }: KindRecord): Delivered {
  if (missed >= MISSED_ROUNDS) return 'no';
  return lastRound > 0 ? 'yes' : 'unknown';
}
