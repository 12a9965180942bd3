/**
 * The rate limit before the cipher: what strangers can make us compute is bounded.
 *
 * Three token buckets. Each source has one; all sources that have not yet sent anything authentic share one, so that a flood
 * from made-up sources starves only newcomers; and one bounds the whole. An attacker who forges a member's address can still use up
 * that member's bucket: without a cipher nothing tells the two apart, so the bucket is generous, and there is more than one path.
 */

/** Tokens flow in at `perSecond`, at most `burst` are saved. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #atMs = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number, burst: number) {
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Whether a token is there at `nowMs`; `take` uses it. */
  ready(nowMs: number): boolean {
    if (nowMs > this.#atMs) {
      this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#atMs) * this.#perMs);
      this.#atMs = nowMs;
    }
    return this.#tokens >= 1;
  }

  take(): void {
    this.#tokens -= 1;
  }
}

export interface RateLimits {
  /** Datagrams per second; bursts are half of it. A member of 64 that passes on all others' heartbeats in 2 parts sends 1,300. */
  readonly perSource: number;
  readonly strangers: number;
  readonly total: number;
}

export const DEFAULT_LIMITS: RateLimits = { perSource: 3000, strangers: 2000, total: 20_000 };

/** Sources remembered; the one unheard for longest is forgotten. Those that sent something authentic go last. */
const MAX_SOURCES = 512;

interface Source {
  readonly bucket: TokenBucket;
  isKnown: boolean;
}

export type Limited = 'limitedSource' | 'limitedStrangers' | 'limitedTotal';

export class RateLimiter {
  readonly #limits: RateLimits;
  /** Apart, so that made-up sources push out only each other. In order of last use. */
  readonly #known = new Map<string, Source>();
  readonly #unknown = new Map<string, Source>();
  readonly #strangers: TokenBucket;
  readonly #total: TokenBucket;

  constructor(limits: RateLimits = DEFAULT_LIMITS) {
    this.#limits = limits;
    this.#strangers = new TokenBucket(limits.strangers, limits.strangers / 2);
    this.#total = new TokenBucket(limits.total, limits.total / 2);
  }

  /** Null: go on. Else which limit says no; a rejected datagram uses up nothing of the other limits. */
  check(source: string, nowMs: number): Limited | null {
    const entry = this.#entry(source);
    if (!entry.bucket.ready(nowMs)) return 'limitedSource';
    if (!entry.isKnown && !this.#strangers.ready(nowMs)) return 'limitedStrangers';
    if (!this.#total.ready(nowMs)) return 'limitedTotal';
    entry.bucket.take();
    if (!entry.isKnown) this.#strangers.take();
    this.#total.take();
    return null;
  }

  /** `source` sent something authentic and new. */
  trust(source: string): void {
    const entry = this.#unknown.get(source);
    if (entry === undefined) return;
    this.#unknown.delete(source);
    entry.isKnown = true;
    remember(this.#known, source, entry);
  }

  /** Sources remembered now: bounded, whatever comes. */
  get sources(): number {
    return this.#known.size + this.#unknown.size;
  }

  #entry(source: string): Source {
    const table = this.#known.has(source) ? this.#known : this.#unknown;
    const entry = table.get(source) ?? {
      bucket: new TokenBucket(this.#limits.perSource, this.#limits.perSource / 2),
      isKnown: false,
    };
    remember(table, source, entry);
    return entry;
  }
}

function remember(table: Map<string, Source>, source: string, entry: Source): void {
  table.delete(source);
  table.set(source, entry);
  if (table.size > MAX_SOURCES) table.delete(table.keys().next().value!);
}
