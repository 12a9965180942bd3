/**
 * Shapes, table commands and their results as bytes, for the addon: the twin of addons/dataplane/src/io/codec.cc. Little
 * endian; every message starts with the ABI number.
 */
import {
  AFFINITY_CODE,
  type Bitmap,
  BUCKETS,
  KEEP_BYTES,
  type KeeperKeeps,
  type KeptState,
  MAX_PLANS,
  MAX_REACH_MEMBERS,
  REACH_MODES,
  type TableOp,
  type TableResult,
} from '../buckets/contract.js';
import { DATAPLANE_ABI, type Protocol, type RuleEntry, type Shape, type Vip } from './contract.js';

const BITMAP_BYTES = BUCKETS / 8;
const UINT32_MAX = 0xffff_ffff;
/** The slot of a rule that is not counted: kUncounted of addons/dataplane/src/filter/shape.h. */
const UNCOUNTED = 0xffff;

/** Numbers of `TableOpKind` in addons/dataplane/src/filter/table_ops.h. */
const OP_CODE: Readonly<Record<TableOp['op'], number>> = {
  own: 0,
  hold: 1,
  unhold: 2,
  offer: 3,
  withdraw: 4,
  cut: 5,
  honour: 6,
  'hold-keys': 7,
  release: 8,
  'unhold-keys': 9,
  'drop-keeper': 10,
  forget: 11,
  'drop-keeps': 12,
  'list-ended': 13,
  reach: 14,
};

/** IANA numbers. */
const PROTOCOL_CODE: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17 };

class Writer {
  readonly #parts: Uint8Array[] = [Uint8Array.of(DATAPLANE_ABI)];

  u8(value: number): this {
    return this.#integer(value, 1, 0xff);
  }
  u16(value: number): this {
    return this.#integer(value, 2, 0xffff);
  }
  u32(value: number): this {
    return this.#integer(value, 4, UINT32_MAX);
  }
  blob(bytes: Uint8Array, length: number, what: string): this {
    if (bytes.length !== length) throw new RangeError(`${what} has ${bytes.length} bytes instead of ${length}`);
    this.#parts.push(bytes);
    return this;
  }
  take(): Uint8Array {
    return Buffer.concat(this.#parts);
  }

  #integer(value: number, width: number, max: number): this {
    if (!Number.isInteger(value) || value < 0 || value > max) throw new RangeError(`${value} is not within 0..${max}`);
    const bytes = Buffer.alloc(width);
    bytes.writeUIntLE(value, 0, width);
    this.#parts.push(bytes);
    return this;
  }
}

class Reader {
  #offset = 1;
  readonly #bytes: Buffer;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#bytes[0] !== DATAPLANE_ABI) throw new Error(`the addon answered in ABI ${this.#bytes[0]}`);
  }

  number(width: number): number {
    this.#offset += width;
    return this.#bytes.readUIntLE(this.#offset - width, width);
  }
  blob(length: number): Uint8Array {
    if (this.#offset + length > this.#bytes.length) throw new RangeError('the answer of the addon is cut off');
    this.#offset += length;
    return new Uint8Array(this.#bytes.subarray(this.#offset - length, this.#offset));
  }
}

function writeBuckets(to: Writer, plan: number, buckets: Bitmap): void {
  if (plan >= MAX_PLANS) throw new RangeError(`plan ${plan} is not within 0..${MAX_PLANS - 1}`);
  to.u8(plan).blob(buckets, BITMAP_BYTES, 'a bucket bitmap');
}

function writeKeeps(to: Writer, keeps: Uint8Array): void {
  if (keeps.length % KEEP_BYTES !== 0) throw new RangeError(`${keeps.length} bytes are not whole keeps`);
  to.u32(keeps.length / KEEP_BYTES).blob(keeps, keeps.length, 'keeps');
}

function writeGroups(to: Writer, groups: readonly KeeperKeeps[]): void {
  to.u32(groups.length);
  for (const { keeper, keeps } of groups) {
    to.u16(keeper);
    writeKeeps(to, keeps);
  }
}

const ALL_BUCKETS: Bitmap = new Uint8Array(BITMAP_BYTES).fill(0xff);

/** Without a plan: all plans. A plan alone: all its buckets. */
function writeOptionalBuckets(to: Writer, op: { readonly plan?: number; readonly buckets?: Bitmap }): void {
  if (op.plan === undefined && op.buckets !== undefined) throw new RangeError('buckets without their plan');
  to.u8(op.plan === undefined ? 0 : 1);
  if (op.plan !== undefined) writeBuckets(to, op.plan, op.buckets ?? ALL_BUCKETS);
}

function writeReach(to: Writer, { mode, members, self, plans }: Extract<TableOp, { op: 'reach' }>): void {
  if (members.length > MAX_REACH_MEMBERS)
    throw new RangeError(`${members.length} members, at most ${MAX_REACH_MEMBERS}`);
  if (plans.length > MAX_PLANS) throw new RangeError(`${plans.length} plans, at most ${MAX_PLANS}`);
  to.u8(REACH_MODES.indexOf(mode)).u8(self).u8(members.length);
  for (const { mac, answers } of members) to.blob(mac, 6, 'the MAC of a member').u8(answers ? 1 : 0);
  to.u8(plans.length);
  for (const { targets, last } of plans) {
    to.blob(littleEndian(targets), BUCKETS * 8, 'relay targets').blob(last, BUCKETS, 'the last of the relay targets');
  }
}

const IS_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

function littleEndian(words: Uint32Array): Uint8Array {
  if (IS_LITTLE_ENDIAN) return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  const bytes = Buffer.alloc(words.length * 4);
  for (const [index, word] of words.entries()) bytes.writeUInt32LE(word, index * 4);
  return bytes;
}

function writeOp(to: Writer, op: TableOp): void {
  to.u8(OP_CODE[op.op]);
  switch (op.op) {
    case 'offer':
    case 'cut':
      writeBuckets(to, op.plan, op.buckets);
      to.u32(op.serial);
      return;
    case 'honour':
    case 'hold-keys':
    case 'release':
    case 'unhold-keys':
      writeGroups(to, op.groups);
      return;
    case 'drop-keeper':
      writeOptionalBuckets(to.u16(op.keeper), op);
      return;
    case 'drop-keeps':
      writeKeeps(to, op.keeps);
      return;
    case 'list-ended':
      writeOptionalBuckets(to.u32(op.limit).u8(op.all ? 1 : 0), op);
      return;
    case 'reach':
      writeReach(to, op);
      return;
    default:
      writeBuckets(to, op.plan, op.buckets);
  }
}

/** @throws RangeError for a bitmap, keep list or number of the wrong size. */
export function encodeOps(ops: readonly TableOp[]): Uint8Array {
  const to = new Writer().u32(ops.length);
  for (const op of ops) writeOp(to, op);
  return to.take();
}

function writeVip(to: Writer, vip: Vip): void {
  const isIpv6 = vip.address.length === 16;
  to.u8(isIpv6 ? 1 : 0);
  const mapped = isIpv6 ? vip.address : Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...vip.address);
  to.blob(mapped, 16, 'the address of a VIP');
}

function writeRule(to: Writer, entry: RuleEntry): void {
  to.u32(entry.rule).u8(PROTOCOL_CODE[entry.protocol]).u16(entry.firstPort).u16(entry.lastPort);
  to.u8(AFFINITY_CODE[entry.affinity])
    .u8(entry.deny ? 0 : entry.plan)
    .u8(entry.deny ? 1 : 0);
  // A hold of more than 49 days is as good as one of 49.
  to.u32(Math.min(Math.round(entry.holdMs), UINT32_MAX)).u16(entry.slot ?? UNCOUNTED);
}

/** @throws RangeError for a number or address out of range. */
export function encodeShape(shape: Shape): Uint8Array {
  const to = new Writer().u32(shape.hashSeed).blob(shape.vmac, 6, 'the vMAC');
  to.u32(shape.vlan ?? UINT32_MAX).u32(shape.vips.length);
  for (const vip of shape.vips) writeVip(to, vip);
  to.u32(shape.rules.length);
  for (const entry of shape.rules) writeRule(to, entry);
  return to.take();
}

export function decodeResults(bytes: Uint8Array): TableResult[] {
  const from = new Reader(bytes);
  const readGroup = (): KeeperKeeps => ({ keeper: from.number(2), keeps: from.blob(from.number(4) * KEEP_BYTES) });
  const readResult = (): TableResult => ({ groups: Array.from({ length: from.number(4) }, readGroup) });
  return Array.from({ length: from.number(4) }, readResult);
}

export function decodeKept(bytes: Uint8Array): KeptState {
  const from = new Reader(bytes);
  const count = from.number(4);
  return { count, kept: Array.from({ length: MAX_PLANS }, () => from.blob(BITMAP_BYTES)) };
}
