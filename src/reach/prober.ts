/**
 * Sends probes in rounds: frames to groups in each, frames to peers in some, the carrier last. A burst is many rounds at once: at the start,
 * when somebody new is heard, and when people ask. It sends, and decides nothing.
 */
import type { ProbeKind } from './contract.js';
import { PROBES } from './contract.js';
import type { Evidence } from './evidence.js';
import { carrierFrame, type ProbePeer, type ProbeSender, probeFrame, sizeFrame } from './probe-frame.js';

/** Rounds while all is calm. {@link MISSED_ROUNDS} of them pass until something counts as missing. */
const CALM_ROUND_MS = 600;
const BURST_ROUND_MS = 60;
/** What each further peer adds: every node hears the rounds of all others, so in large farms they come more slowly. */
const CALM_PER_PEER_MS = 20;
const BURST_PER_PEER_MS = 4;
/** Twice what a kind may miss, for those who begin to hear us a little later. */
export const BURST_ROUNDS = 12;
/** So many peers get frames of their own in a round; in larger farms they take turns. */
const CALM_PEERS = 8;
const BURST_PEERS = 16;

export interface ProberParts {
  readonly sender: ProbeSender;
  readonly kinds: readonly ProbeKind[];
  readonly evidence: Evidence;
  readonly send: (frame: Uint8Array) => void;
  readonly nowMs: () => number;
  readonly framesSeen: () => number;
  readonly mode: () => string;
}

export class Prober {
  readonly #parts: ProberParts;
  /** Without it, only bursts are sent. */
  readonly #isContinuous: boolean;
  #round = 0;
  #turn = 0;
  #burst = 0;
  /** Payload sizes to try in the burst. */
  #sizes: readonly number[] = [];
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(parts: ProberParts, isContinuous: boolean) {
    this.#parts = parts;
    this.#isContinuous = isContinuous;
  }

  /** Rounds in quick succession, from now on. */
  burst(rounds = BURST_ROUNDS, sizes: readonly number[] = []): void {
    this.#burst = Math.max(this.#burst, rounds);
    if (sizes.length > 0) this.#sizes = sizes;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#next(0);
  }

  /** How long so many rounds in quick succession take, with at least so many peers. */
  burstMs(rounds: number, peers = 0): number {
    return rounds * Math.max(this.#roundMs(BURST_ROUND_MS, BURST_PER_PEER_MS), peers * BURST_PER_PEER_MS);
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #next(waitMs: number): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#sendRound();
      if (this.#burst > 0) this.#burst -= 1;
      if (this.#burst > 0) this.#next(this.burstMs(1));
      else if (this.#isContinuous) this.#next(this.#roundMs(CALM_ROUND_MS, CALM_PER_PEER_MS));
      else this.#timer = null;
    }, waitMs);
  }

  #sendRound(): void {
    const { sender, kinds, evidence, send, nowMs, framesSeen, mode } = this.#parts;
    this.#round += 1;
    const peers = this.#whoseTurn(evidence.peers(nowMs()), this.#burst > 0 ? BURST_PEERS : CALM_PEERS);
    for (const kind of kinds) {
      if (PROBES[kind].to !== 'peer') send(probeFrame(sender, kind, this.#round, null));
      else for (const peer of peers) send(probeFrame(sender, kind, this.#round, peer));
    }
    // At the beginning of a burst peers may not be known yet, and at its end replies are no longer waited for.
    const first = 4 + Math.floor(evidence.peers(nowMs()).length / BURST_PEERS);
    const sizes = this.#burst > 1 && this.#burst <= first ? this.#sizes : [];
    for (const bytes of sizes) for (const peer of peers) send(sizeFrame(sender, this.#round, peer, bytes));
    const to = peers.map(({ run }) => run);
    send(
      carrierFrame(sender, this.#round, { address: sender.address, framesSeen: framesSeen(), mode: mode(), kinds, to }),
    );
  }

  #roundMs(leastMs: number, perPeerMs: number): number {
    const { evidence, nowMs } = this.#parts;
    return Math.max(leastMs, evidence.peers(nowMs()).length * perPeerMs);
  }

  #whoseTurn(peers: readonly ProbePeer[], most: number): readonly ProbePeer[] {
    if (peers.length <= most) return peers;
    const start = (this.#turn * most) % peers.length;
    this.#turn += 1;
    return [...peers, ...peers].slice(start, start + most);
  }
}
