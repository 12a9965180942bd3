/** The simulated network: who reaches whom, how late, and how much is lost. Links are reliable and ordered until they break. */
import type { Dice } from './random.js';
import type { Way } from './schedule.js';
import type { Timeline } from './timeline.js';

export interface Loss {
  /** Part of datagrams lost at random. */
  readonly random: number;
  /** Mean part of the time in which everything on a path is lost, in bursts of `burstMs` on average. */
  readonly bursts: number;
  readonly burstMs: number;
}

export const NO_LOSS: Loss = { random: 0, bursts: 0, burstMs: 0 };

interface Path {
  cut: boolean;
  /** Link messages alone do not pass. */
  mute: boolean;
  burstUntilMs: number;
  calmUntilMs: number;
}

interface Link {
  /** Messages not delivered yet; the front one is on its way. */
  readonly queue: { readonly sentMs: number; readonly deliver: () => void }[];
  busy: boolean;
  readonly broken: () => void;
}

const LINK_TIMEOUT_MS = 1000;
const RETRY_MS = 50;

export class Network {
  readonly #timeline: Timeline;
  readonly #dice: Dice;
  readonly #nodes: number;
  readonly #paths: Readonly<Record<Way, readonly Path[]>>;
  readonly #links = new Map<number, Link>();
  /** Hosts whose interface of the VIP is dead. */
  readonly deadNics = new Set<number>();
  /** Hosts to whose interface of the VIP nothing comes. */
  readonly deafNics = new Set<number>();
  readonly ways: readonly Way[];
  loss: Loss = NO_LOSS;
  /** Part of datagrams delivered twice, and part that comes up to `lateMs` late. */
  duplicates = 0;
  late = 0;
  lateMs = 60;
  delayMs = 1;
  /** Says of each datagram in turn whether it is lost, besides what `loss` says. */
  script: (() => boolean) | null = null;

  constructor(timeline: Timeline, dice: Dice, nodes: number, udp: boolean) {
    this.#timeline = timeline;
    this.#dice = dice;
    this.#nodes = nodes;
    this.ways = udp ? ['raw', 'udp'] : ['raw'];
    const paths = (): Path[] =>
      Array.from({ length: nodes * nodes }, () => ({ cut: false, mute: false, burstUntilMs: 0, calmUntilMs: 0 }));
    this.#paths = { raw: paths(), udp: paths() };
  }

  path(from: number, to: number, way: Way = 'raw'): Path {
    return this.#paths[way][from * this.#nodes + to]!;
  }

  heal(): void {
    for (const way of this.ways) for (const path of this.#paths[way]) path.cut = path.mute = false;
    this.deadNics.clear();
    this.deafNics.clear();
  }

  /** One datagram from one node to another. */
  send(from: number, to: number, deliver: () => void, way: Way = 'raw'): void {
    if (this.#isLost(from, to, way) || this.script?.() === true) return;
    this.#timeline.after(this.#delay(), deliver);
    if (this.duplicates > 0 && this.#dice.chance(this.duplicates)) this.#timeline.after(this.#delay() + 1, deliver);
  }

  #delay(): number {
    const ordinary = this.#dice.between(0.1 * this.delayMs, this.delayMs);
    return this.late > 0 && this.#dice.chance(this.late) ? ordinary + this.#dice.between(0, this.lateMs) : ordinary;
  }

  #isCut(from: number, to: number, way: Way): boolean {
    if (this.path(from, to, way).cut) return true;
    return way === 'raw' && (this.deadNics.has(from) || this.deadNics.has(to) || this.deafNics.has(to));
  }

  #isLost(from: number, to: number, way: Way): boolean {
    if (this.#isCut(from, to, way)) return true;
    const path = this.path(from, to, way);
    const { random, bursts, burstMs } = this.loss;
    if (random > 0 && this.#dice.chance(random)) return true;
    if (bursts === 0) return false;
    const nowMs = this.#timeline.nowMs;
    if (nowMs < path.burstUntilMs) return true;
    if (nowMs < path.calmUntilMs) return false;
    const isStart = path.calmUntilMs > 0;
    path.burstUntilMs = isStart ? nowMs - Math.log(1 - this.#dice.next()) * burstMs : nowMs;
    path.calmUntilMs = path.burstUntilMs - Math.log(1 - this.#dice.next()) * burstMs * ((1 - bursts) / bursts);
    return isStart;
  }

  /** One message on the ordered link of two nodes. `broken` is told when it cannot be delivered for a second. */
  message(from: number, to: number, deliver: () => void, broken: () => void): void {
    const id = from * this.#nodes + to;
    const link = this.#links.get(id) ?? { queue: [], busy: false, broken };
    this.#links.set(id, link);
    link.queue.push({ sentMs: this.#timeline.nowMs, deliver });
    if (!link.busy) this.#advance(from, to, id, link);
  }

  #advance(from: number, to: number, id: number, link: Link): void {
    const front = link.queue[0];
    link.busy = front !== undefined;
    if (front === undefined) return;
    if (this.#timeline.nowMs - front.sentMs > LINK_TIMEOUT_MS) return this.#break(id, link);
    // What is lost on the way, or whose acknowledgement is, is sent again; by the other way where the first is dead.
    const passes = (way: Way): boolean => !this.#isLost(from, to, way) && !this.#isCut(to, from, way);
    const lost = this.path(from, to).mute || !this.ways.some(passes);
    this.#timeline.after(lost ? RETRY_MS : this.#delay(), () => {
      if (this.#links.get(id) !== link) return;
      if (lost) return this.#advance(from, to, id, link);
      link.queue.shift();
      front.deliver();
      if (this.#links.get(id) === link) this.#advance(from, to, id, link);
    });
  }

  /** The link of two nodes breaks, both ways; what it carried is lost. */
  breakLink(a: number, b: number): void {
    for (const id of [a * this.#nodes + b, b * this.#nodes + a]) {
      const link = this.#links.get(id);
      if (link !== undefined) this.#break(id, link);
    }
  }

  #break(id: number, link: Link): void {
    this.#links.delete(id);
    link.broken();
  }

  /** All links of a node that died, lapsed or started anew are gone, with what they carried. */
  dropLinks(node: number): void {
    for (const id of [...this.#links.keys()]) {
      if (Math.floor(id / this.#nodes) === node || id % this.#nodes === node) this.#links.delete(id);
    }
  }
}
