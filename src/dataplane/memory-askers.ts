/**
 * Askers of the in-memory data plane: who asked for which VIP, from which MAC; and steering, which tells those of them who become ours
 * where the VIP is now. Bounded; the one heard least recently goes.
 */
import { mapped } from '../buckets/ingress.js';
import { ASKER_BYTES } from './contract.js';

/** When an asker that becomes ours is told so, in ms since then, until its reply. */
export const STEERING_AT_MS: readonly number[] = [0, 100, 300, 1000];
const MOST_ASKERS = 4096;
/** Frames sent in one go: a farm's askers may all become ours at once. */
const STEERED_AT_ONCE = 32;
/** An asker without a reply counts as one that does not listen so long after the last try. */
const LAST_WAIT_MS = 1000;
const LONGEST_AGE_S = 0xffff;

export interface Asker {
  /** 16 bytes each, IPv4 as ::ffff:a.b.c.d. */
  readonly address: Uint8Array;
  readonly vip: Uint8Array;
  mac: Uint8Array;
  seenMs: number;
  /** Seen by ourselves since the last `take`. */
  isNew: boolean;
  /** Tries so far; null: not being steered. */
  tries: number | null;
  steeredSinceMs: number;
}

export interface SteeringCounters {
  bump(name: 'askersEvicted' | 'steeringSent' | 'steeringConfirmed' | 'steeringUnanswered'): void;
}

export class AskerTable {
  /** In order of last sight. */
  private readonly askers = new Map<string, Asker>();

  constructor(private readonly counters: SteeringCounters) {}

  get size(): number {
    return this.askers.size;
  }

  [Symbol.iterator](): IterableIterator<Asker> {
    return this.askers.values();
  }

  /** We saw the question ourselves. */
  saw(address: Uint8Array, vip: Uint8Array, mac: Uint8Array, nowMs: number): void {
    const asker = this.enter(mapped(address), mapped(vip), mac, nowMs);
    asker.isNew = true;
  }

  /** Gives those that we did not know. */
  learn(records: Uint8Array, nowMs: number): Asker[] {
    const fresh: Asker[] = [];
    for (let at = 0; at + ASKER_BYTES <= records.length; at += ASKER_BYTES) {
      const record = records.slice(at, at + ASKER_BYTES);
      const [address, vip, mac] = [record.subarray(0, 16), record.subarray(16, 32), record.subarray(32, 38)];
      const seenMs = nowMs - ((record[38]! << 8) | record[39]!) * 1000;
      const known = this.askers.get(keyOf(address, vip));
      if (known !== undefined && known.seenMs >= seenMs) continue;
      const asker = this.enter(address, vip, mac, seenMs);
      if (known === undefined) fresh.push(asker);
    }
    return fresh;
  }

  take(all: boolean, nowMs: number): Uint8Array {
    const taken = [...this.askers.values()].filter(({ isNew }) => all || isNew);
    const records = new Uint8Array(taken.length * ASKER_BYTES);
    taken.forEach((asker, index) => {
      const at = index * ASKER_BYTES;
      const ageS = Math.max(0, Math.min(LONGEST_AGE_S, Math.floor((nowMs - asker.seenMs) / 1000)));
      records.set(asker.address, at);
      records.set(asker.vip, at + 16);
      records.set(asker.mac, at + 32);
      records.set([ageS >>> 8, ageS & 0xff], at + 38);
    });
    for (const asker of this.askers.values()) asker.isNew = false;
    return records;
  }

  /** It is to be told from now on. */
  steer(asker: Asker, nowMs: number): void {
    asker.tries = 0;
    asker.steeredSinceMs = nowMs;
  }

  stop(asker: Asker): void {
    asker.tries = null;
  }

  /** It replied to us: it has understood. */
  confirm(address: Uint8Array, vip: Uint8Array): void {
    const asker = this.askers.get(keyOf(mapped(address), mapped(vip)));
    if (asker === undefined || asker.tries === null) return;
    asker.tries = null;
    this.counters.bump('steeringConfirmed');
  }

  /** Those that are to be told now. */
  due(nowMs: number): Asker[] {
    const due: Asker[] = [];
    for (const asker of this.askers.values()) {
      if (asker.tries === null) continue;
      const sinceMs = nowMs - asker.steeredSinceMs;
      const atMs = STEERING_AT_MS[asker.tries] ?? STEERING_AT_MS[STEERING_AT_MS.length - 1]! + LAST_WAIT_MS;
      if (sinceMs < atMs) continue;
      if (asker.tries === STEERING_AT_MS.length) {
        asker.tries = null;
        this.counters.bump('steeringUnanswered');
      } else if (due.length < STEERED_AT_ONCE) {
        asker.tries++;
        due.push(asker);
        this.counters.bump('steeringSent');
      }
    }
    return due;
  }

  private enter(address: Uint8Array, vip: Uint8Array, mac: Uint8Array, seenMs: number): Asker {
    const key = keyOf(address, vip);
    const known = this.askers.get(key);
    this.askers.delete(key);
    const asker = known ?? {
      address: address.slice(),
      vip: vip.slice(),
      mac: mac.slice(),
      seenMs,
      isNew: false,
      tries: null,
      steeredSinceMs: 0,
    };
    asker.mac = mac.slice();
    asker.seenMs = Math.max(asker.seenMs, seenMs);
    this.askers.set(key, asker);
    if (this.askers.size > MOST_ASKERS) {
      this.askers.delete(this.askers.keys().next().value!);
      this.counters.bump('askersEvicted');
    }
    return asker;
  }
}

function keyOf(address: Uint8Array, vip: Uint8Array): string {
  return String.fromCharCode(...address, ...vip);
}
