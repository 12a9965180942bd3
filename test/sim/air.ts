/**
 * What is broadcast in a farm: heartbeats, those passed on, obituaries. As objects, or, in sealed farms, as the datagrams that each
 * host's real transport seals and opens. All of it is recorded where a schedule will replay it.
 */
import type { Heartbeat, Obituary } from '../../src/membership/messages.js';
import type { Opened } from '../../src/wire/transport.js';
import type { Checks } from './checks.js';
import type { Host } from './host.js';
import type { Network } from './network.js';
import type { Way } from './schedule.js';
import type { Timeline } from './timeline.js';

const OBITUARY_REPEATS = 3;
const OBITUARY_EVERY_MS = 10;
const MOST_RECORDED = 400;

export const PATHS: Readonly<Record<Way, string>> = { raw: 'raw', udp: 'udp:10.9.0.0/24' };

interface Spoken {
  readonly origin: Host;
  readonly heartbeat: Heartbeat;
  readonly atMs: number;
}

/** A way to bring something to a host. */
type Deliver = (to: Host, way: Way) => void;

export class Air {
  readonly #timeline: Timeline;
  readonly #network: Network;
  readonly #checks: Checks;
  readonly #hosts: readonly Host[];
  readonly #records: boolean;
  readonly #recorded: { readonly atMs: number; readonly deliver: Deliver }[] = [];
  /** By the first of the bytes that stand for it. */
  readonly #spoken = new WeakMap<Uint8Array, Spoken>();

  constructor(timeline: Timeline, network: Network, checks: Checks, hosts: readonly Host[], records: boolean) {
    this.#timeline = timeline;
    this.#network = network;
    this.#checks = checks;
    this.#hosts = hosts;
    this.#records = records;
  }

  broadcast(from: Host, heartbeat: Heartbeat): void {
    const atMs = this.#timeline.nowMs;
    from.lives.get(heartbeat.incarnation)!.set(heartbeat.sequence, atMs);
    const spoken = { origin: from, heartbeat, atMs };
    if (from.seal !== null) return this.#sendDatagrams(from, from.seal.heartbeat(heartbeat), spoken);
    const mark = new Uint8Array(0);
    this.#spoken.set(mark, spoken);
    this.#sendHeartbeat(from, spoken, null, [mark]);
  }

  passOn(from: Host, sealed: readonly Uint8Array[]): void {
    const spoken = sealed[0] === undefined ? undefined : this.#spoken.get(sealed[0]);
    if (spoken === undefined) return;
    if (from.seal !== null) this.#sendDatagrams(from, from.seal.passOn(sealed), spoken);
    else this.#sendHeartbeat(from, spoken, from.name, sealed);
  }

  obituary(from: Host, obituary: Obituary): void {
    if (from.seal !== null) return this.#sendDatagrams(from, from.seal.obituary(obituary), null);
    this.#spread(from, null, (to) => to.receive({ type: 'obituary', obituary }));
  }

  /** What the supervisor of a dead agent says. */
  testament(from: Host, obituary: Obituary, sealed: readonly Uint8Array[]): void {
    for (let repeat = 0; repeat < OBITUARY_REPEATS; repeat++) {
      this.#timeline.after(repeat * OBITUARY_EVERY_MS, () => {
        if (from.seal !== null) this.#sendDatagrams(from, sealed, null);
        else this.#spread(from, null, (to) => to.receive({ type: 'obituary', obituary }));
      });
    }
  }

  /** A host has opened a heartbeat: what it may pass on. */
  opened({ heartbeat, sealed }: Extract<Opened, { kind: 'heartbeat' }>): void {
    const origin = this.#hosts.find((host) => host.name === heartbeat.from && host.lives.has(heartbeat.incarnation));
    if (origin === undefined || sealed[0] === undefined) return;
    const atMs = origin.lives.get(heartbeat.incarnation)!.get(heartbeat.sequence) ?? 0;
    this.#spoken.set(sealed[0], { origin, heartbeat, atMs });
  }

  /** What was broadcast since comes again, once, at the pace of old. */
  replay(to: Host, sinceMs: number): void {
    for (const { atMs, deliver } of this.#recorded) {
      if (atMs >= sinceMs) this.#timeline.after(atMs - sinceMs, () => deliver(to, 'raw'));
    }
  }

  #sendHeartbeat(
    from: Host,
    { origin, heartbeat, atMs }: Spoken,
    via: string | null,
    sealed: readonly Uint8Array[],
  ): void {
    this.#record((to, way) => to.receive({ type: 'heartbeat', heartbeat, path: PATHS[way], via, sealed }));
    this.#spread(from, origin, (to, way) => {
      if (way === 'raw') to.plane.framesSeen++;
      to.receive({ type: 'heartbeat', heartbeat, path: PATHS[way], via, sealed });
      this.#checks.heard(origin, to, heartbeat, atMs);
    });
  }

  #sendDatagrams(from: Host, datagrams: readonly Uint8Array[], spoken: Spoken | null): void {
    const arrived = new Map<Host, number>();
    for (const datagram of datagrams) {
      // Whoever records it can send it in anyone's name.
      this.#record((to, way) => to.receiveDatagram(datagram, from.name, way));
      this.#spread(from, spoken?.origin ?? null, (to, way) => {
        to.receiveDatagram(datagram, from.name, way);
        const parts = (arrived.get(to) ?? 0) + 1;
        arrived.set(to, parts);
        if (spoken === null || parts !== datagrams.length) return;
        this.#checks.heard(spoken.origin, to, spoken.heartbeat, spoken.atMs);
      });
    }
  }

  #record(deliver: Deliver): void {
    if (!this.#records || this.#recorded.length >= MOST_RECORDED) return;
    this.#recorded.push({ atMs: this.#timeline.nowMs, deliver });
  }

  #spread(from: Host, except: Host | null, deliver: Deliver): void {
    for (const to of this.#hosts) {
      if (to === from || to === except) continue;
      for (const way of this.#network.ways) this.#network.send(from.index, to.index, () => deliver(to, way), way);
    }
  }
}
