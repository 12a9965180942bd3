/**
 * Farms in which frames come by `relay`: a client knows one node's MAC, its frames reach that node alone, and copies go to those whom
 * that node thinks concerned. Which MAC a client knows follows from what the nodes' data planes are told: they answer its questions,
 * and steer it. With `auto` the nodes' evidence changes in the midst of all faults, and clients may know the vMAC or a MAC.
 *
 * The invariants are those of checks.ts, packet by packet.
 */
import type { ReachMode, TableOp } from '../../src/buckets/contract.js';
import { chooseIngress } from '../../src/buckets/ingress.js';
import type { Packet } from './dataplane.js';
import { Farm } from './farm.js';
import { type Flaws, type Host, NO_FLAWS } from './host.js';
import { Dice } from './random.js';
import type { Schedule } from './schedule.js';

type ReachOp = Extract<TableOp, { op: 'reach' }>;

/** What is special in such a life; all of it follows from its seed. */
export interface RelayLife {
  readonly schedule: Schedule;
  readonly reach: 'relay' | 'auto';
  /** Times at which some node's evidence changes; for `auto`. */
  readonly changes: readonly { readonly atMs: number; readonly node: number; readonly best: ReachMode }[];
}

const ASKERS = 6;
const STEER_AT_MS: readonly number[] = [0, 100, 300, 1000];
/** An asker asks again, of its own accord, about so often. */
const ASK_EVERY_MS = 700;
const EVIDENCE_EVERY_MS = 100;
const VIP = Uint8Array.of(10, 77, 0, 50);
const SEED = 7;

/** Where an asker sends its frames: to one host, to all by the vMAC, or nowhere yet. */
type Belief = Host | 'vmac' | null;

interface Asker {
  readonly address: Uint8Array;
  belief: Belief;
  /** Raised with each news, so that older steering does not undo it. */
  news: number;
}

export class RelayFarm extends Farm {
  override readonly losesFrames = true;
  /** Whether what keeps heartbeats from a node keeps copies of frames from it, too. */
  cutsCopies = true;
  readonly #life: RelayLife;
  readonly #dice: Dice;
  readonly #best: ReachMode[];
  readonly #askers: readonly Asker[];

  constructor(life: RelayLife, flaws: Flaws = NO_FLAWS) {
    super(life.schedule, flaws);
    this.#life = life;
    this.#dice = new Dice(life.schedule.seed ^ 0x5eed);
    this.#best = this.hosts.map(() => 'flood');
    this.#askers = Array.from({ length: ASKERS }, (_, index) => ({
      address: Uint8Array.of(10, 77, 1, index),
      belief: null,
      news: 0,
    }));
    for (const host of this.hosts) {
      host.settings = { ...host.settings, reach: life.reach, mac: macOf(host.index) };
      host.plane.reached = (before, now) => this.#reached(host, before, now);
    }
    for (const asker of this.#askers) this.#askNow(asker);
    for (const { atMs, node, best } of life.changes) this.timeline.at(atMs, () => this.#evidence(node, best));
    this.timeline.at(life.schedule.healMs, () => this.#goUp());
    if (life.reach === 'auto') this.#tellEvidence();
  }

  /** A packet of a client goes where its asker believes the VIP to be. */
  override carry(packet: Packet, delayMs: () => number): void {
    const { belief } = this.#askers[packet.key % ASKERS]!;
    if (belief === 'vmac') return super.carry(packet, delayMs);
    if (belief !== null) this.timeline.after(delayMs(), () => belief.receiveFrame(packet, true));
  }

  /** A host that did not see how a connection began knows nothing of it, and resets it: the client begins anew. */
  override accepted(host: Host, packet: Packet): void {
    const key = this.clients.keys[packet.key - 1]!;
    const { server } = key;
    super.accepted(host, packet);
    const isLater = packet.kind !== 'syn' && packet.connection === key.connection;
    if (isLater && server !== null && server !== host) key.open = false;
  }

  override relayed(host: Host, packet: Packet, macs: readonly Uint8Array[]): void {
    let delayMs = this.#dice.between(0.02, 0.1);
    for (const mac of macs) {
      const to = this.hosts[mac[5]! - 1]!;
      if (to === host) throw new Error(`${host.name} relays to itself`);
      const isCut = this.cutsCopies && this.network.path(host.index, to.index).cut;
      if (!isCut) this.timeline.after(delayMs, () => to.receiveFrame(packet));
      // Between two copies the relaying thread may lose its processor.
      delayMs += this.#dice.chance(0.05) ? this.#dice.between(0.5, 8) : 0.01;
    }
  }

  #askNow(asker: Asker): void {
    this.#ask(asker);
    this.timeline.after(this.#dice.between(0.5, 1.5) * ASK_EVERY_MS, () => this.#askNow(asker));
  }

  /**
   * Asks, and whoever answers first is believed. One that knows a host's MAC asks there, and goes on believing it whatever happens: a
   * real one would ask all again after some ten seconds, but here steering alone must do.
   */
  #ask(asker: Asker): void {
    const { belief } = asker;
    const asked = belief === null || belief === 'vmac' ? this.hosts : [belief];
    const answers = asked.flatMap((host): Belief[] => {
      const { reach } = host.plane;
      if (!host.serving || host.stalled || reach === null) return [];
      if (reach.mode !== 'relay') return ['vmac'];
      const isDirect = belief === host && reach.members[reach.self]?.answers === true;
      return isDirect || isChosen(reach, asker.address) ? [host] : [];
    });
    if (answers.length > 0) this.#believe(asker, this.#dice.pick(answers));
  }

  #believe(asker: Asker, belief: Belief): void {
    asker.belief = belief;
    asker.news++;
  }

  /** What a data plane does when it is told anew: it steers those who are its own by now, until they have understood. */
  #reached(host: Host, before: ReachOp | null, now: ReachOp): void {
    for (const asker of this.#askers) {
      if (!isChosen(now, asker.address)) continue;
      const wasOurs = before !== null && before.mode === 'relay' && isChosen(before, asker.address);
      const isNews = now.mode === 'relay' && (!wasOurs || (before !== null && hasLeft(before, now)));
      if ((before?.mode ?? 'flood') === now.mode && !isNews) continue;
      for (const atMs of STEER_AT_MS) {
        const { incarnation } = host;
        this.timeline.after(atMs + this.#dice.between(0.1, 1), () => {
          const stands = host.plane.reach === now || host.plane.reach?.mode === now.mode;
          if (!host.serving || host.stalled || host.incarnation !== incarnation || !stands) return;
          if (!isChosen(host.plane.reach!, asker.address) || this.#dice.chance(0.2)) return;
          this.#believe(asker, now.mode === 'relay' ? host : 'vmac');
        });
      }
    }
  }

  #evidence(node: number, best: ReachMode): void {
    this.#best[node] = best;
    if (this.#life.reach === 'auto') this.hosts[node]!.receive({ type: 'reach', best, why: 'simulated' });
  }

  /** A node that has started waits for its first evidence. */
  #tellEvidence(): void {
    for (const [node, best] of this.#best.entries()) this.#evidence(node, best);
    this.timeline.after(EVIDENCE_EVERY_MS, () => this.#tellEvidence());
  }

  #goUp(): void {
    for (const host of this.hosts) {
      this.#evidence(host.index, 'flood');
      host.receive({ type: 'command', command: { name: 'reach-up' } });
    }
  }
}

function macOf(index: number): Uint8Array {
  return Uint8Array.of(2, 0, 0, 0, 0, index + 1);
}

function isChosen({ members, self }: ReachOp, asker: Uint8Array): boolean {
  return chooseIngress(asker, VIP, members, SEED) === self;
}

/** True when a member that answered does not any more. */
function hasLeft(before: ReachOp, now: ReachOp): boolean {
  const answers = ({ members }: ReachOp) =>
    new Set(members.filter((member) => member.answers).map(({ mac }) => mac[5]));
  const still = answers(now);
  return [...answers(before)].some((mac) => !still.has(mac));
}
