/**
 * The invariants, judged by what the data planes accept, never by what a core believes.
 *
 * Two hosts "can hear each other" unless both directions between them were silent at once for three intervals: only then may a
 * full partition have been decided (I1's one exception), and only until shortly after its end.
 */
import type { Heartbeat } from '../../src/membership/messages.js';
import type { Packet } from './dataplane.js';
import { type Farm, stamp } from './farm.js';
import type { Host } from './host.js';
import { INTERVAL_MS, LEASE_MS, MARGIN_MS } from './schedule.js';

export class Violation extends Error {
  override readonly name = 'Violation';
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}

interface Sent {
  readonly packet: Packet;
  /** Who accepted it, and whom they could not hear then: a host that stalled may accept an old packet late. */
  readonly by: { readonly host: Host; readonly apart: readonly Host[] }[];
}

/** Both directions silent for so long: a partition, as far as hosts can know. A little less than they wait, for their clocks drift. */
const SILENT_MS = 2.9 * INTERVAL_MS;
/** Together again once both were heard within the time of one heartbeat: not one before the other fell silent. */
const FRESH_MS = 1.2 * INTERVAL_MS;
/**
 * After a partition the overlap ends with the first heartbeats: the side that gives way lapses as soon as it hears one, and an owner asks
 * for the keeps of a keeper of the other side. Each says something within an interval; where much is lost, within two or three.
 */
const HEAL_MS = 1.5 * INTERVAL_MS;
const LOSSY_HEAL_MS = 2.5 * INTERVAL_MS;
/** After a fault, this long until all must be well again: lease, margin, listening anew, agreement. */
export const RECOVERY_MS = 3000;
/** A lease that hangs on the witness ends two intervals early; the others begin after lease and margin. */
const DECIDED_MS = LEASE_MS - 0.5 * INTERVAL_MS;
const LISTEN_MS = 0.97 * (LEASE_MS + MARGIN_MS);
const LOOK_EVERY_MS = 50;

function missedId(host: Host, { key, connection }: Packet): string {
  return `${host.index} ${key} ${connection}`;
}

export class Checks {
  readonly #farm: Farm;
  violation: Violation | null = null;
  readonly #sent = new Map<number, Sent>();
  /** Time of the last heartbeat of one host that reached another, and when a pair was last apart. */
  readonly #heardMs: Float64Array;
  readonly #newest: { readonly incarnation: number; readonly sequence: number }[] = [];
  readonly #apartMs: Float64Array;
  readonly #apart: Uint8Array;
  readonly #blindMs: Float64Array;
  /** Connections of which packets did not come to a host. */
  readonly #missed = new Set<string>();
  readonly #taken = new WeakMap<object, Set<string>>();
  #faultMs = 0;
  #faults = 0;
  packets = 0;
  acceptedCount = 0;
  lostCount = 0;
  /** In farms without faults nothing may be lost from the moment the first node is up. */
  readonly #calmLoss: boolean;
  readonly #healMs: number;

  constructor(farm: Farm) {
    this.#farm = farm;
    const { nodes, loss } = farm.schedule;
    this.#heardMs = new Float64Array(nodes * nodes).fill(Number.NEGATIVE_INFINITY);
    this.#apartMs = new Float64Array(nodes * nodes).fill(Number.NEGATIVE_INFINITY);
    this.#apart = new Uint8Array(nodes * nodes).fill(1);
    this.#blindMs = new Float64Array(nodes);
    this.#healMs = loss.random > 0 || loss.bursts > 0 ? LOSSY_HEAL_MS : HEAL_MS;
    this.#calmLoss = loss.random <= 0.05 && loss.bursts === 0;
  }

  begin(): void {
    let looks = 0;
    const look = (): void => {
      if (looks++ % 10 === 0) this.#samePlans();
      this.oneOwner();
      this.#noOrphan();
      this.#farm.timeline.after(LOOK_EVERY_MS, look);
    };
    this.#farm.timeline.after(LOOK_EVERY_MS, look);
  }

  fail(invariant: string, message: string): never {
    this.violation = new Violation(invariant, `${stamp(this.#farm.timeline.nowMs).trim()} ms: ${message}`);
    throw this.violation;
  }

  /** A fault happens, and lasts for `forMs`. */
  disturbed(forMs = 0): void {
    this.#faults++;
    this.#faultMs = Math.max(this.#faultMs, this.#farm.timeline.nowMs + forMs);
  }

  /** True when the last fault is long past. */
  calmAt(atMs: number): boolean {
    return this.#calmLoss && atMs - this.#faultMs > RECOVERY_MS;
  }

  /** A heartbeat of `from` reached the host `to`: whether its process runs does not matter, the network does. */
  heard(from: Host, to: Host, { incarnation, sequence }: Heartbeat, sentMs: number): void {
    // One that waited in a stalled node until that passed it on does not say that a way is open now.
    if (this.#farm.timeline.nowMs - sentMs > FRESH_MS) return;
    const pair = from.index * this.#farm.hosts.length + to.index;
    // What is passed on may be old.
    const newest = this.#newest[pair];
    if (newest !== undefined && newest.incarnation === incarnation && newest.sequence >= sequence) return;
    if (newest !== undefined && newest.incarnation > incarnation) return;
    this.#newest[pair] = { incarnation, sequence };
    this.#noteApart(from, to);
    this.#heardMs[pair] = this.#farm.timeline.nowMs;
  }

  /** The witness answers this host no more. */
  blinded(host: Host): void {
    this.#blindMs[host.index] = this.#farm.timeline.nowMs;
  }

  /** I7: a host takes what was broadcast once, in each life of its process. */
  taken(host: Host, { from, incarnation, sequence }: Heartbeat): void {
    const { transport } = host.seal!;
    const taken = this.#taken.get(transport!) ?? new Set<string>();
    this.#taken.set(transport!, taken);
    const id = `${from} ${incarnation} ${sequence}`;
    if (taken.has(id)) this.fail('I7', `${host.name} took heartbeat ${id} a second time`);
    taken.add(id);
  }

  /** One direction is cut for longer than a node listens, or since the receiver began: it cannot know of the other. */
  #neverHears(from: Host, to: Host): boolean {
    const { nowMs } = this.#farm.timeline;
    const heardMs = this.#heardMs[from.index * this.#farm.hosts.length + to.index]!;
    return heardMs < to.startedMs ? nowMs - to.startedMs > LISTEN_MS : nowMs - heardMs > 2 * LISTEN_MS;
  }

  /** A pair is apart from when both directions are silent until both are heard again. */
  #noteApart(a: Host, b: Host): void {
    const n = this.#farm.hosts.length;
    const { nowMs } = this.#farm.timeline;
    const thereMs = nowMs - this.#heardMs[a.index * n + b.index]!;
    const backMs = nowMs - this.#heardMs[b.index * n + a.index]!;
    const pair = Math.min(a.index, b.index) * n + Math.max(a.index, b.index);
    const silent = thereMs > SILENT_MS && backMs > SILENT_MS;
    if (silent || this.#neverHears(a, b) || this.#neverHears(b, a)) this.#apart[pair] = 1;
    else if (thereMs < FRESH_MS && backMs < FRESH_MS) this.#apart[pair] = 0;
    if (this.#apart[pair] === 1) this.#apartMs[pair] = nowMs;
  }

  /** True unless a full partition between the two lasts, or has just ended, which neither quorum nor witness decided. */
  canHear(a: Host, b: Host): boolean {
    if (this.#farm.schedule.quorum === 'majority') return true;
    this.#noteApart(a, b);
    if (this.#isDecided(a) || this.#isDecided(b)) return true;
    const { nowMs } = this.#farm.timeline;
    const pair = Math.min(a.index, b.index) * this.#farm.hosts.length + Math.max(a.index, b.index);
    return nowMs - this.#apartMs[pair]! > this.#healMs;
  }

  /** The witness has not answered this host for so long that it must have stopped, if it misses anyone. */
  #isDecided(host: Host): boolean {
    if (!this.#farm.schedule.witness || !this.#farm.isBlind(host)) return false;
    const { nowMs } = this.#farm.timeline;
    if (nowMs - this.#blindMs[host.index]! < DECIDED_MS) return false;
    const n = this.#farm.hosts.length;
    return this.#farm.hosts.some(
      (other) => other !== host && nowMs - this.#heardMs[other.index * n + host.index]! > DECIDED_MS,
    );
  }

  sent(packet: Packet): void {
    this.packets++;
    this.#sent.set(packet.id, { packet, by: [] });
    const calm = this.calmAt(packet.sentMs);
    this.#farm.timeline.after(1000, () => {
      const sent = this.#sent.get(packet.id)!;
      this.#sent.delete(packet.id);
      if (sent.by.length > 0) return;
      this.lostCount++;
      if (calm && this.calmAt(packet.sentMs) && this.#someoneCan())
        this.fail('I3', `packet lost: ${this.#explain(packet)}`);
    });
  }

  accepted(host: Host, packet: Packet): void {
    this.acceptedCount++;
    if (!host.serving) this.fail('I6', `${host.name} accepted past its lease: ${this.#explain(packet)}`);
    const sent = this.#sent.get(packet.id);
    if (sent === undefined) return;
    for (const { host: other, apart } of sent.by) {
      if (other === host) this.fail('I1', `${host.name} accepted twice: ${this.#explain(packet)}`);
      // A node that has died since took its keeps with it: a frame that was held for them is the owner's now.
      if (!other.serving) continue;
      if (apart.includes(host) || !this.canHear(host, other)) continue;
      this.fail(
        'I1',
        `${other.name} and ${host.name} accepted: ${this.#explain(packet)}; ${this.#silence(host, other)}`,
      );
    }
    sent.by.push({ host, apart: this.#farm.hosts.filter((other) => other !== host && !this.canHear(host, other)) });
    this.#sameServer(host, packet);
  }

  missed(host: Host, packet: Packet): void {
    this.#missed.add(missedId(host, packet));
  }

  /** A connection stays with its server as long as that one lives. */
  #sameServer(host: Host, packet: Packet): void {
    const key = this.#farm.clients.keys[packet.key - 1]!;
    if (packet.kind === 'syn') key.established = packet.connection;
    // One whose beginning nobody took is none: servers take its packets for the rest of an older one.
    if (key.connection !== packet.connection || key.established !== packet.connection) return;
    // Alone, without an interface that works, a node keeps what it knew of a key before; it was never asked to keep this connection.
    if (this.#missed.has(missedId(host, packet))) key.contested = packet.connection;
    const { server } = key;
    if (server !== null && server !== host && server.serving && server.incarnation === key.serverIncarnation) {
      if (!this.canHear(host, server)) key.contested = packet.connection;
      else if (key.contested !== packet.connection) {
        this.fail('I3', `${host.name} took a connection of ${server.name}: ${this.#explain(packet)}`);
      }
    }
    key.server = host;
    key.serverIncarnation = host.incarnation;
  }

  /** No key that two hosts would accept now. */
  oneOwner(): void {
    const serving = this.#farm.hosts.filter((host) => host.serving && !host.stalled);
    if (serving.length < 2) return;
    for (const { plan, key } of this.#farm.clients.keys) {
      let first: Host | null = null;
      for (const host of serving) {
        if (host.plane.wouldDo(host.localMs(), plan, key) !== 'accept') continue;
        if (first !== null && this.canHear(first, host)) {
          this.fail('I1', `${first.name} and ${host.name} would accept key ${key}: ${this.#where(plan, key)}`);
        }
        first = host;
      }
    }
  }

  /** When all is calm, each key has someone. */
  #noOrphan(): void {
    const { nowMs } = this.#farm.timeline;
    if (!this.calmAt(nowMs) || !this.#someoneCan()) return;
    // With a full table rather no owner than one that forgets keys: after a crash nobody may have room for the keeps of the living.
    if (this.#farm.schedule.tableRoom > 0 && this.#faults > 0) return;
    for (const { plan, key } of this.#farm.clients.keys) {
      const someone = this.#farm.hosts.some(
        (host) => this.#farm.hasNic(host) && host.plane.wouldDo(host.localMs(), plan, key) !== 'reject',
      );
      if (!someone) this.fail('I2', `nobody would accept key ${key}: ${this.#where(plan, key)}`);
    }
  }

  /** A node that has just started is still listening, one of weight 0 takes nothing, and a majority may be asked for. */
  #someoneCan(): boolean {
    const { hosts, schedule, timeline } = this.#farm;
    const running = hosts.filter((host) => host.running);
    // One that starts without hearing anybody can prove to nobody that it is there.
    const provable = running.filter((host) => !this.#farm.network.deafNics.has(host.index));
    if (schedule.quorum === 'majority' && provable.length * 2 <= hosts.length) return false;
    return running.some(
      (host) => this.#farm.hasNic(host) && host.settings.weight > 0 && timeline.nowMs - host.startedMs > RECOVERY_MS,
    );
  }

  /** Within `budgetMs` from now each key has someone who accepts it, unless another fault happens meanwhile. */
  expectService(budgetMs: number): void {
    const { nowMs } = this.#farm.timeline;
    this.#faultMs = Math.max(this.#faultMs, nowMs);
    const faults = ++this.#faults;
    this.#farm.timeline.after(budgetMs, () => {
      if (this.#faults !== faults || !this.#farm.hosts.some(({ state }) => state === 'up')) return;
      for (const { plan, key } of this.#farm.clients.keys) {
        const someone = this.#farm.hosts.some((host) => host.plane.wouldDo(host.localMs(), plan, key) === 'accept');
        if (!someone) this.fail('I2', `nobody accepts key ${key} in time after an obituary: ${this.#where(plan, key)}`);
      }
    });
  }

  /** Equal views give equal plans. */
  #samePlans(): void {
    const { plans, buckets } = this.#farm.schedule;
    const byDigest = new Map<string, string>();
    for (const host of this.#farm.hosts) {
      if (host.core === null || host.stalled) continue;
      const status = host.core.status(host.localMs());
      let text = '';
      for (let plan = 0; plan < plans; plan++) {
        for (let bucket = 0; bucket < buckets; bucket++) text += `${status.planned(plan, bucket)} `;
      }
      const known = byDigest.get(status.view.digest);
      if (known !== undefined && known !== text) this.fail('I4', `two plans from view ${status.view.digest}`);
      byDigest.set(status.view.digest, text);
    }
  }

  /** At the end: everyone up, every bucket where the plan wants it. */
  atRest(): void {
    for (const host of this.#farm.hosts) {
      if (host.state === 'up' || this.#givesWay(host)) continue;
      this.fail('I2', `${host.name} is ${host.state} (${host.reason}) long after the last fault`);
    }
    const { plans, buckets } = this.#farm.schedule;
    for (let plan = 0; plan < plans; plan++) {
      for (let bucket = 0; bucket < buckets; bucket++) {
        const owners = this.#farm.hosts.filter((host) => (host.plane.owned[plan]![bucket >> 3]! >> (bucket & 7)) & 1);
        const planned = this.#farm.hosts
          .find(({ state }) => state === 'up')!
          .core!.status(0)
          .planned(plan, bucket);
        // What there is no room for stays where it is.
        const isRight = this.#farm.schedule.tableRoom > 0 ? owners.length < 2 : owners[0]?.name === planned;
        if (owners.length > 1 || !isRight) {
          const names = owners.map(({ name }) => name).join(', ');
          this.fail('I2', `bucket ${bucket} of plan ${plan} is with [${names}], planned ${planned}`);
        }
      }
    }
  }

  /** Of two hosts with one name the other one is up. */
  #givesWay(host: Host): boolean {
    const isUp = this.#farm.hosts.some((other) => other !== host && other.name === host.name && other.state === 'up');
    return isUp && host.state === 'waiting' && host.reason.startsWith('twin');
  }

  #where(plan: number, key: number): string {
    return this.#farm.hosts
      .filter((host) => host.running)
      .map(
        (host) => `${host.name} ${host.state}${host.serving ? '' : ' (no lease)'}: ${host.plane.describe(plan, key)}`,
      )
      .join('; ');
  }

  #silence(a: Host, b: Host): string {
    const n = this.#farm.hosts.length;
    const since = (from: Host, to: Host): string => {
      const silentMs = this.#farm.timeline.nowMs - this.#heardMs[from.index * n + to.index]!;
      return `${to.name} heard ${from.name} ${silentMs.toFixed(1)} ms ago`;
    };
    return `${since(a, b)}, ${since(b, a)}`;
  }

  #explain(packet: Packet): string {
    const { id, kind, key, plan, connection, sentMs } = packet;
    return `packet ${id} ${kind} of key ${key}, connection ${connection}, sent ${sentMs.toFixed(3)}; ${this.#where(plan, key)}`;
  }
}
