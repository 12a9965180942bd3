/** Clients: connections on keys that are re-used, their packets delivered to every host, each a little apart in time. */
import type { Packet } from './dataplane.js';
import type { Farm } from './farm.js';
import type { Host } from './host.js';
import type { Dice } from './random.js';

export interface Key {
  readonly key: number;
  readonly plan: number;
  /** Raised with each use of the key. */
  connection: number;
  /** The newest connection whose first packet was accepted. */
  established: number;
  /** The newest one that both sides of a full partition served: it stays with either. */
  contested: number;
  open: boolean;
  packetsLeft: number;
  /** The client rests until then. */
  quietUntilMs: number;
  /** Who accepted this connection's packets. */
  server: Host | null;
  serverIncarnation: number;
}

/** Frames of one packet reach the hosts within this time of each other. */
const SKEW_MS = 0.15;

export class Clients {
  readonly #farm: Farm;
  readonly #dice: Dice;
  readonly keys: readonly Key[];
  #nextPacket = 1;

  constructor(farm: Farm, dice: Dice) {
    this.#farm = farm;
    this.#dice = dice;
    this.keys = Array.from({ length: farm.schedule.keys }, (_, index) => ({
      key: index + 1,
      plan: index % farm.schedule.plans,
      connection: 0,
      established: 0,
      contested: 0,
      open: false,
      packetsLeft: 0,
      quietUntilMs: 0,
      server: null,
      serverIncarnation: 0,
    }));
  }

  begin(): void {
    if (this.#farm.schedule.packetEveryMs === 0) return;
    const next = (): void => {
      this.send(this.#dice.pick(this.keys));
      this.#farm.timeline.after(this.#dice.between(0.5, 1.5) * this.#farm.schedule.packetEveryMs, next);
    };
    this.#farm.timeline.at(800, next);
  }

  /** The next packet of the key's connection, or the first of a new one. */
  send(key: Key): void {
    const { nowMs } = this.#farm.timeline;
    if (nowMs < key.quietUntilMs) return;
    if (!key.open) {
      key.open = true;
      key.connection++;
      key.packetsLeft = this.#dice.whole(2, 30);
      key.server = null;
      return this.sendPacket(key, 'syn');
    }
    // Where frames can be lost on their way, a client goes on only once its first was taken.
    if (this.#farm.losesFrames && key.server === null) return this.sendPacket(key, 'syn');
    key.packetsLeft--;
    if (key.packetsLeft > 0) return this.sendPacket(key, 'data');
    this.finish(key, this.#dice.chance(0.5) ? this.#dice.between(1, 200) : this.#dice.between(200, 2500));
  }

  /** Ends the connection; the key is used again after `quietMs`. */
  finish(key: Key, quietMs: number): void {
    this.sendPacket(key, 'fin');
    key.open = false;
    key.quietUntilMs = this.#farm.timeline.nowMs + quietMs;
    // The last acknowledgement, perhaps said again: still the business of the server that the FIN went to.
    const { connection } = key;
    this.#farm.timeline.after(Math.min(quietMs, 600) * this.#dice.between(0.2, 0.9), () => {
      if (key.connection === connection) this.sendPacket(key, 'data');
    });
  }

  /** As a schedule says. */
  act(key: Key, send: Packet['kind']): void {
    if (send === 'syn') {
      key.connection++;
      key.server = null;
    }
    key.open = send !== 'fin';
    this.sendPacket(key, send);
  }

  sendPacket(key: Key, kind: Packet['kind']): void {
    const { timeline } = this.#farm;
    const packet: Packet = {
      id: this.#nextPacket++,
      key: key.key,
      plan: key.plan,
      kind,
      connection: key.connection,
      sentMs: timeline.nowMs,
    };
    this.#farm.checks.sent(packet);
    this.#farm.carry(packet, () => this.#dice.between(0.05, 0.05 + SKEW_MS));
  }
}
