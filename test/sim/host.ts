/** One simulated host: the real core, a shell that obeys it as the real one does, a data plane, a clock that drifts, stalls. */
import type { TableOp } from '../../src/buckets/contract.js';
import type { Core, Directive, Event, Settings } from '../../src/membership/contract.js';
import { createCoreWith } from '../../src/membership/core.js';
import type { Heartbeat, LinkMessage, Obituary } from '../../src/membership/messages.js';
import { RULES, type Rules } from '../../src/membership/rules.js';
import type { Opened } from '../../src/wire/transport.js';
import { PATHS } from './air.js';
import { type Packet, Plane, type PlaneFlaws, SOUND } from './dataplane.js';
import type { Dice } from './random.js';
import type { Way } from './schedule.js';
import { HostSeal, type SealFlaws, SOUND_SEAL } from './seal.js';
import type { Timeline } from './timeline.js';

/** What a host needs of the world around it. */
export interface World {
  readonly timeline: Timeline;
  broadcast(from: Host, heartbeat: Heartbeat): void;
  passOn(from: Host, sealed: readonly Uint8Array[]): void;
  obituary(from: Host, obituary: Obituary): void;
  message(from: Host, to: string, message: LinkMessage): void;
  accepted(host: Host, packet: Packet): void;
  /** A client's packet did not come to this host, whose interface does not work. */
  missed(host: Host, packet: Packet): void;
  relayed(host: Host, packet: Packet, macs: readonly Uint8Array[]): void;
  linksGone(host: Host): void;
  /** A heartbeat came out of the seal. */
  opened(host: Host, opened: Extract<Opened, { kind: 'heartbeat' }>): void;
  /** A host may accept more than before. */
  gained(): void;
  /** Its interface of the VIP works. */
  hasNic(host: Host): boolean;
  /** Something happened that schedules mean to bring about. */
  effect(name: string): void;
  lapsed(host: Host): void;
  note(host: Host, text: () => string): void;
}

export interface Flaws {
  readonly rules: Rules;
  readonly plane: PlaneFlaws;
  /** A shell that ticks after a stall before it has read what waits; the core must cope. */
  readonly ticksFirst: boolean;
  readonly seal: SealFlaws;
}

export const NO_FLAWS: Flaws = { rules: RULES, plane: SOUND, ticksFirst: false, seal: SOUND_SEAL };

const RANDOM_BITS = 2 ** 20;
const ARP_MS = 0.5;
/** Table operations after which a host accepts keys that it did not before. */
const GAINS: ReadonlySet<TableOp['op']> = new Set<TableOp['op']>(['own', 'release', 'drop-keeper', 'forget']);

export class Host {
  readonly index: number;
  readonly name: string;
  readonly plane: Plane;
  readonly #world: World;
  readonly #dice: Dice;
  readonly #flaws: Flaws;
  /** Local ms per true ms, and the local time of true 0. */
  readonly #rate: number;
  readonly #offsetMs: number;
  settings: Settings;
  core: Core | null = null;
  incarnation = 0;
  #persisted = 0;
  /** Raised at each kill: what was under way for an earlier life is void. */
  #life = 0;
  stalledUntilMs = 0;
  /** When the process of its present life began. */
  startedMs = 0;
  /** How late the data plane's results reach the core, in ms; 0: at once, as the real shell does. */
  appliedDelayMs = 0;
  /** How late its timers fire at most, in ms. */
  timersLateMs = 0;
  /** `direct`: to this host's own MAC, from a client. */
  readonly #frames: { readonly packet: Packet; readonly direct: boolean }[] = [];
  readonly #inbox: (() => void)[] = [];
  readonly #queue: Event[] = [];
  #running = false;
  #leaseStarted = false;
  #timer = 0;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #firesAtMs = Number.POSITIVE_INFINITY;
  state = 'stopped';
  reason = '';
  /** Null: what it says and hears travels as objects. */
  readonly seal: HostSeal | null;
  /** Its incarnations so far, with the time when each heartbeat was sent. */
  readonly lives = new Map<number, Map<number, number>>();
  /** Keys that members said they can open. */
  readonly keysOf = new Map<string, readonly number[]>();
  /** Lines at level info or above, state changes among them. */
  lines = 0;

  constructor(
    index: number,
    settings: Settings,
    world: World,
    dice: Dice,
    drift: number,
    flaws: Flaws,
    isSealed: boolean,
  ) {
    this.seal = isSealed ? new HostSeal(settings.node, flaws.seal) : null;
    this.index = index;
    this.name = settings.node;
    this.settings = settings;
    this.#world = world;
    this.#dice = dice;
    this.#flaws = flaws;
    this.#rate = 1 + drift;
    this.#offsetMs = dice.between(1000, 1e6);
    this.plane = new Plane(settings.plans.length, settings.buckets, flaws.plane, (packet) =>
      world.accepted(this, packet),
    );
    this.plane.drain = () => this.#takeFrames();
    this.plane.relay = (packet, macs) => world.relayed(this, packet, macs);
  }

  localMs(): number {
    return this.#offsetMs + this.#world.timeline.nowMs * this.#rate;
  }

  trueMs(localMs: number): number {
    return (localMs - this.#offsetMs) / this.#rate;
  }

  get running(): boolean {
    return this.core !== null;
  }

  get stalled(): boolean {
    return this.#world.timeline.nowMs < this.stalledUntilMs;
  }

  /** True while the data plane may accept. */
  get serving(): boolean {
    return this.core !== null && this.plane.leaseOpen(this.localMs());
  }

  start(): void {
    if (this.core !== null) return;
    const incarnation =
      (Math.floor(this.#persisted / RANDOM_BITS) + 1) * RANDOM_BITS + Math.floor(this.#dice.next() * RANDOM_BITS);
    this.core = createCoreWith(
      this.#flaws.rules,
      this.settings,
      incarnation,
      this.localMs(),
      this.#dice.next,
      this.#persisted,
    );
    this.#persisted = incarnation;
    this.#live(incarnation);
    this.seal?.begin(incarnation);
    this.startedMs = this.#world.timeline.nowMs;
    this.plane.reset();
    this.plane.framesSeen = 0;
    this.#leaseStarted = false;
    this.stalledUntilMs = 0;
    this.feed({ type: 'command', command: { name: 'start' } });
  }

  #live(incarnation: number): void {
    this.incarnation = incarnation;
    if (!this.lives.has(incarnation)) this.lives.set(incarnation, new Map());
  }

  /** Power loss, or kill -9: nothing is said. Gives the incarnation that ended. */
  kill(): number {
    this.core = null;
    this.state = 'stopped';
    this.#life++;
    this.#inbox.length = 0;
    this.#frames.length = 0;
    this.#queue.length = 0;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    this.plane.reset();
    this.plane.reach = null;
    this.seal?.end();
    this.keysOf.clear();
    this.#world.linksGone(this);
    return this.incarnation;
  }

  /** The whole process stops, its packet thread too; the network goes on filling queues. */
  stall(forMs: number): void {
    if (this.core === null || this.stalled) return;
    this.stalledUntilMs = this.#world.timeline.nowMs + forMs;
    const life = this.#life;
    this.#world.timeline.at(this.stalledUntilMs, () => {
      if (life === this.#life) this.#resume();
    });
  }

  /** Which thread runs first after a stall is up to the scheduler. */
  #resume(): void {
    const framesFirst = this.#dice.chance(0.5);
    if (framesFirst) this.#takeFrames();
    if (this.#flaws.ticksFirst) this.#tick();
    for (const read of this.#inbox.splice(0)) read();
    this.#tick();
    if (!framesFirst) this.#takeFrames();
  }

  #takeFrames(): void {
    for (const { packet, direct } of this.#frames.splice(0)) this.plane.receive(this.localMs(), packet, direct);
  }

  receiveFrame(packet: Packet, direct = false): void {
    if (this.core === null) return;
    if (!this.#world.hasNic(this)) return this.#world.missed(this, packet);
    if (this.stalled) this.#frames.push({ packet, direct });
    else this.plane.receive(this.localMs(), packet, direct);
  }

  /** Something from the network for the core. */
  receive(event: Event): void {
    this.#read(() => this.feed(event));
  }

  /** Bytes from the network, or from whoever recorded it. */
  receiveDatagram(datagram: Uint8Array, source: string, way: Way): void {
    if (this.core !== null && way === 'raw') this.plane.framesSeen++;
    this.#read(() => {
      const opened = this.seal!.open(datagram, source, this.localMs());
      if (opened === null) return;
      if (opened.kind === 'obituary') return this.feed({ type: 'obituary', obituary: opened.obituary });
      this.#world.opened(this, opened);
      const { heartbeat, via, sealed } = opened;
      this.keysOf.set(heartbeat.from, heartbeat.keys);
      this.feed({ type: 'heartbeat', heartbeat, path: PATHS[way], via, sealed });
    });
  }

  /** The key file changed, and the process is told so. */
  reloadKeys(): void {
    this.#read(() => this.seal!.reload());
  }

  /** Now, or when a stalled process goes on. */
  #read(read: () => void): void {
    if (this.core === null) return;
    if (this.stalled) this.#inbox.push(read);
    else read();
  }

  feed(event: Event): void {
    this.#queue.push(event);
    if (this.#running || this.core === null) return;
    this.#running = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined && this.core !== null; next = this.#queue.shift()) {
        for (const directive of this.core.step(this.localMs(), next)) this.#obey(directive);
      }
    } finally {
      this.#running = false;
    }
    this.#arm();
  }

  #tick(): void {
    if (this.core === null) return;
    if (this.#leaseStarted && this.plane.hasLapsed(this.localMs())) {
      this.#leaseStarted = false;
      this.feed({ type: 'lapsed' });
    }
    this.feed({
      type: 'dataplane',
      framesSeen: this.plane.framesSeen,
      ingressFrames: this.plane.ingressFrames,
      kept: this.plane.kept(),
      alive: true,
      capture: 'running',
    });
    this.feed({ type: 'tick' });
  }

  #arm(): void {
    if (this.core === null) return;
    const dueMs = this.trueMs(this.core.nextTickMs());
    if (dueMs >= this.#timerAtMs - 0.001 && this.#firesAtMs > this.#world.timeline.nowMs) return;
    this.#timerAtMs = Math.max(dueMs, this.#world.timeline.nowMs);
    const timer = ++this.#timer;
    const life = this.#life;
    const lateMs = this.timersLateMs > 0 ? this.#dice.between(0, this.timersLateMs) : 0;
    this.#firesAtMs = this.#timerAtMs + lateMs;
    this.#world.timeline.at(this.#firesAtMs, () => {
      if (timer !== this.#timer || life !== this.#life) return;
      this.#timerAtMs = Number.POSITIVE_INFINITY;
      // A stalled process ticks when it resumes.
      if (this.stalled) return;
      this.#tick();
      this.#arm();
    });
  }

  #obey(directive: Directive): void {
    switch (directive.type) {
      case 'broadcast':
        return this.#world.broadcast(this, directive.heartbeat);
      case 'pass-on':
        return this.#world.passOn(this, directive.sealed);
      case 'obituary':
        return this.#world.obituary(this, directive.obituary);
      case 'ask-neighbours':
        return this.#askNeighbours();
      case 'link':
        this.#world.note(this, () => `-> ${directive.to} ${brief(directive.message)}`);
        return this.#world.message(this, directive.to, directive.message);
      case 'tables': {
        this.#world.note(this, () => `tables ${directive.ops.map(brief).join(', ')}`);
        const results = this.plane.apply(this.localMs(), directive.ops);
        if (results === null) this.#queue.push({ type: 'lapsed' });
        else this.#applied({ type: 'applied', id: directive.id, results });
        if (directive.ops.some(({ op }) => GAINS.has(op))) this.#world.gained();
        return;
      }
      case 'renew-lease':
        return this.#renewLease(directive.deadlineMs);
      case 'reset':
        this.#leaseStarted = false;
        return this.plane.reset();
      case 'incarnation':
        this.#live(directive.incarnation);
        this.#persisted = directive.incarnation;
        this.seal?.setIncarnation(directive.incarnation);
        return this.#world.linksGone(this);
      case 'state':
        this.state = directive.to;
        this.reason = directive.reason;
        this.lines++;
        if (directive.to === 'waiting') this.#world.effect(`waits: ${directive.reason.replace(/:.*/, '')}`);
        return this.#world.note(this, () => `${directive.from} -> ${directive.to} (${directive.reason})`);
      case 'log':
        if (directive.level !== 'debug') this.lines++;
        if (directive.event === 'lapsed') this.#world.lapsed(this);
        this.#world.effect(
          `${directive.event}${'why' in directive.fields && directive.event === 'grant-refused' ? `: ${directive.fields.why}` : ''}`,
        );
        return this.#world.note(this, () => `${directive.event} ${JSON.stringify(directive.fields)}`);
      case 'stopped':
        return;
    }
  }

  /** A router answers, if it can: what comes back is a frame. */
  #askNeighbours(): void {
    const life = this.#life;
    if (!this.#world.hasNic(this)) return;
    this.#world.timeline.after(ARP_MS, () => {
      if (life === this.#life && this.#world.hasNic(this)) this.plane.framesSeen++;
    });
  }

  #renewLease(deadlineMs: number): void {
    const wasOpen = this.plane.leaseOpen(this.localMs());
    if (!this.plane.renewLease(this.localMs(), deadlineMs)) this.#queue.push({ type: 'lapsed' });
    else {
      this.#leaseStarted = true;
      if (!wasOpen) this.#world.gained();
    }
  }

  #applied(event: Event): void {
    if (this.appliedDelayMs === 0) {
      this.#queue.push(event);
      return;
    }
    const life = this.#life;
    const incarnation = this.incarnation;
    this.#world.timeline.after(this.appliedDelayMs, () => {
      if (life === this.#life && incarnation === this.incarnation) this.receive(event);
    });
  }
}

/** A message or table op in one line. Buckets as hex, keeps as their number. */
function brief(thing: object): string {
  return JSON.stringify(thing, (name, value: unknown) => {
    if (!(value instanceof Uint8Array)) return value;
    return name === 'keeps' ? `${value.length / 24} keeps` : Buffer.from(value).toString('hex');
  });
}
