/**
 * What the conformance suite needs around a data plane, so that one suite runs against the in-memory twin and against the
 * native one with real packets.
 *
 * An implementation gives a {@link RigFactory}. Only counters must be readable; where packets can be read too, the suite
 * looks at their bytes.
 */
import { afterEach, beforeEach, test } from 'vitest';
import { bitmapOf } from '../../src/buckets/bitmap.js';
import { type Affinity, type Bitmap, KEEP_BYTES, type KeeperKeeps, type TableOp } from '../../src/buckets/contract.js';
import { bucketOfKey, encodeKey } from '../../src/buckets/key.js';
import type { DataPlane, RuleEntry, Shape } from '../../src/dataplane/contract.js';
import { type CounterName, RULE_OUTCOMES, ruleWord } from '../../src/dataplane/counters.js';
import { VIP4, VIP6 } from './frames.js';

export interface RigOptions {
  readonly holdFrames: number;
  readonly holdBytes: number;
  readonly maxKeys: number;
}

/** A data plane on a wire of its own. */
export interface Rig {
  readonly plane: DataPlane;
  /**
   * Puts a frame on the wire and resolves when the data plane has handled it. The suite delivers only frames that a pre-filter for the
   * VIPs of {@link SHAPE} lets through: to a VIP, ARP or ND for it, or of EtherType 0x88B5.
   */
  deliver(frame: Uint8Array): Promise<void>;
  counters(): Readonly<Record<CounterName, number>>;
  /** What is counted by rule, in the form of {@link ruleCountsOf}. */
  ruleCounts(): Readonly<Record<string, number>>;
  /** IP packets injected since the last call, in order; null where this rig cannot read them. */
  injected(): readonly Uint8Array[] | null;
  /** Ethernet frames that the data plane sent since the last call, in order; null where this rig cannot read them. */
  transmitted(): readonly Uint8Array[] | null;
  /** Lets time pass: resolves when `plane.nowMs()` has grown by at least `ms`. */
  advance(ms: number): Promise<void>;
  close(): Promise<void>;
}

export interface RigFactory {
  open(options: RigOptions): Promise<Rig>;
  /** The names of the counters in shared memory, as the implementation itself lists them; and of the outcomes by rule. */
  readonly counterNames: readonly string[];
  readonly ruleOutcomes: readonly string[];
  /** True for the implementation that the others are compared with, on random frames. */
  readonly isReference?: boolean;
  /** Case name -> why this implementation cannot run it. */
  readonly skipped?: Readonly<Record<string, string>>;
}

/** Rules that a rig's shared memory counts: those of {@link SHAPE}. */
export const RULE_SLOTS = 6;

/** `SLOT OUTCOME` -> packets, zeros left out. */
export function ruleCountsOf(words: BigUint64Array): Readonly<Record<string, number>> {
  const all = Array.from({ length: RULE_SLOTS }, (_, slot) =>
    RULE_OUTCOMES.map((outcome) => [`${slot} ${outcome}`, Number(words[ruleWord(slot, outcome)])] as const),
  );
  return Object.fromEntries(all.flat().filter(([, packets]) => packets > 0));
}

export const RIG_DEFAULTS: RigOptions = { holdFrames: 64, holdBytes: 1 << 20, maxKeys: 1024 };
/** Long enough that no case meets the end of its lease by accident. */
export const LONG_LEASE_MS = 600_000;
export const SEED = 0x12345678;
export const VMAC = Uint8Array.of(2, 0xc0, 0xff, 0xee, 0, 1);

function rule(
  rule: number,
  protocol: 'tcp' | 'udp',
  port: number,
  affinity: Affinity,
  rest: Partial<RuleEntry> = {},
): RuleEntry {
  const ports = { firstPort: port, lastPort: port };
  return { rule, protocol, ...ports, affinity, plan: 0, deny: false, holdMs: 0, slot: rule, ...rest };
}

/** The ports that cases use, by what their rule does. */
export const PORTS = { web: 80, client: 8000, held: 8001, denied: 23, dns: 53, otherPlan: 5432 } as const;
/** `hold` of the rule of port `held`. */
export const HOLD_MS = 2500;

export const SHAPE: Shape = {
  vips: [
    { address: VIP4, prefixLength: 24 },
    { address: VIP6, prefixLength: 64 },
  ],
  rules: [
    rule(0, 'tcp', PORTS.web, 'connection'),
    rule(1, 'tcp', PORTS.client, 'client', { plan: 1 }),
    rule(2, 'tcp', PORTS.held, 'connection', { plan: 2, holdMs: HOLD_MS }),
    rule(3, 'tcp', PORTS.denied, 'connection', { deny: true }),
    rule(4, 'udp', PORTS.dns, 'connection'),
    rule(5, 'tcp', PORTS.otherPlan, 'connection', { plan: 3 }),
  ],
  hashSeed: SEED,
  vmac: VMAC,
  vlan: null,
};

export function keyOf(plan: number, affinity: Affinity, address: Uint8Array, port = 0): Uint8Array {
  return encodeKey(plan, affinity, address, port);
}

export function bucketOf(key: Uint8Array): number {
  return bucketOfKey(SEED, key, 0, 4096);
}

export function only(...keys: readonly Uint8Array[]): Bitmap {
  return bitmapOf(keys.map(bucketOf));
}

export function keep(key: Uint8Array, serial: number): Uint8Array {
  const bytes = new Uint8Array(KEEP_BYTES);
  bytes.set(key);
  new DataView(bytes.buffer).setUint32(key.length, serial);
  return bytes;
}

export function groupOf(keeper: number, ...keeps: readonly Uint8Array[]): KeeperKeeps {
  return { keeper, keeps: Uint8Array.from(keeps.flatMap((each) => [...each])) };
}

/** Groups in a form that compares whatever the order: `keeper:keep in hex`, sorted. */
export function listed(groups: readonly KeeperKeeps[]): string[] {
  return groups
    .flatMap(({ keeper, keeps }) =>
      Array.from({ length: keeps.length / KEEP_BYTES }, (_, i) => {
        const bytes = keeps.subarray(i * KEEP_BYTES, (i + 1) * KEEP_BYTES);
        return `${keeper}:${Buffer.from(bytes).toString('hex')}`;
      }),
    )
    .sort();
}

/** The rig of the running case, with the shape set and a long lease open, and shorthands for what cases do most. */
export class Bench {
  private current: Rig | undefined;
  private before: Readonly<Record<CounterName, number>> | undefined;

  get rig(): Rig {
    if (this.current === undefined) throw new Error('no rig is open outside of a case');
    return this.current;
  }

  get plane(): DataPlane {
    return this.rig.plane;
  }

  async open(factory: RigFactory, options: Partial<RigOptions> = {}): Promise<void> {
    await this.close();
    this.current = await factory.open({ ...RIG_DEFAULTS, ...options });
    this.plane.setShape(SHAPE);
  }

  async close(): Promise<void> {
    const closing = this.current;
    this.current = undefined;
    await closing?.close();
  }

  startLease(ms = LONG_LEASE_MS): boolean {
    return this.plane.renewLease(this.plane.nowMs() + ms);
  }

  /** Applies one op and gives its result in comparable form. */
  apply(op: TableOp): string[] {
    return listed(this.plane.apply([op])[0]!.groups);
  }

  /** How much each named counter grew since the last `mark`. */
  mark(): void {
    this.before = this.rig.counters();
  }

  grown(...names: readonly CounterName[]): number[] {
    const now = this.rig.counters();
    return names.map((name) => now[name] - this.before![name]);
  }

  async deliver(...frames: readonly Uint8Array[]): Promise<void> {
    for (const frame of frames) await this.rig.deliver(frame);
  }

  reason(frame: Uint8Array): string {
    return this.plane.classify(frame).reason;
  }
}

/** Cases of one group: each on a fresh rig. */
export class Cases {
  readonly bench = new Bench();

  constructor(
    private readonly factory: RigFactory,
    isLeaseStarted = true,
  ) {
    beforeEach(async () => {
      await this.bench.open(factory);
      if (isLeaseStarted) this.bench.startLease();
      this.bench.mark();
    });
    afterEach(() => this.bench.close());
  }

  case(name: string, body: (bench: Bench) => Promise<void> | void): void {
    const why = this.factory.skipped?.[name];
    if (why !== undefined) test.skip(`${name} (skipped: ${why})`);
    else test(name, async () => body(this.bench), 20_000);
  }
}
