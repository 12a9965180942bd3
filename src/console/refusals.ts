/**
 * Writes down who was refused at the door. Anybody may knock, and as often as they like: so only so many entries are made of one
 * address and of all, and each says how many went unwritten before it. Otherwise strangers would fill the audit and push the deeds out.
 */
import type { AuditEntry } from './contract.js';
import { network } from './limiter.js';

interface Allowance {
  readonly burst: number;
  readonly everyMs: number;
}

const OF_ONE: Allowance = { burst: 10, everyMs: 60_000 };
const OF_ALL: Allowance = { burst: 60, everyMs: 10_000 };
const MOST_ADDRESSES = 1000;

/** A token bucket. */
class Bucket {
  readonly #allowance: Allowance;
  #left: number;
  #atMs: number;

  constructor(allowance: Allowance, nowMs: number) {
    [this.#allowance, this.#left, this.#atMs] = [allowance, allowance.burst, nowMs];
  }

  has(nowMs: number): boolean {
    const { burst, everyMs } = this.#allowance;
    this.#left = Math.min(burst, this.#left + (nowMs - this.#atMs) / everyMs);
    this.#atMs = nowMs;
    return this.#left >= 1;
  }

  take(): void {
    this.#left -= 1;
  }
}

export interface RefusalsParts {
  readonly audit: { add(entry: AuditEntry): void };
  readonly nowMs: () => number;
  readonly wallMs: () => number;
}

export class Refusals {
  readonly #parts: RefusalsParts;
  readonly #ofOne = new Map<string, Bucket>();
  readonly #ofAll: Bucket;
  #unwritten = 0;

  constructor(parts: RefusalsParts) {
    this.#parts = parts;
    this.#ofAll = new Bucket(OF_ALL, parts.nowMs());
  }

  note(refused: Omit<AuditEntry, 'at'>): void {
    const { audit, nowMs, wallMs } = this.#parts;
    const own = this.#bucketOf(network(refused.from));
    if (!own.has(nowMs()) || !this.#ofAll.has(nowMs())) {
      this.#unwritten += 1;
      return;
    }
    own.take();
    this.#ofAll.take();
    const more =
      this.#unwritten === 0 ? '' : ` (${this.#unwritten} more refusals before this one were not written down)`;
    this.#unwritten = 0;
    audit.add({ ...refused, at: new Date(wallMs()).toISOString(), outcome: `${refused.outcome}${more}` });
  }

  /** The address that was quiet for longest is forgotten first. */
  #bucketOf(address: string): Bucket {
    const bucket = this.#ofOne.get(address) ?? new Bucket(OF_ONE, this.#parts.nowMs());
    this.#ofOne.delete(address);
    this.#ofOne.set(address, bucket);
    if (this.#ofOne.size > MOST_ADDRESSES) this.#ofOne.delete(this.#ofOne.keys().next().value!);
    return bucket;
  }
}
