/** Reads test/vectors/classify.txt; its header defines the format. */
import { readFileSync } from 'node:fs';
import { bitmapOf, emptyBitmap, fullBitmap, hasBit } from '../../src/buckets/bitmap.js';
import {
  type Affinity,
  type Bitmap,
  BUCKETS,
  type KeeperKeeps,
  NOBODY,
  type ReachMember,
  type ReachMode,
  type ReachPlan,
  type TableOp,
} from '../../src/buckets/contract.js';
import type { RuleEntry, Shape, Verdict, VerdictKind, Vip } from '../../src/dataplane/contract.js';

/** One step before the frame that is judged. */
export type Step =
  | { readonly type: 'apply'; readonly op: TableOp }
  | { readonly type: 'deliver'; readonly frame: Uint8Array };

export interface NamedPacket {
  readonly name: string;
  readonly shape: Shape;
  /** Our own MAC. */
  readonly mac: Uint8Array;
  readonly isLeaseOpen: boolean;
  readonly steps: readonly Step[];
  readonly frame: Uint8Array;
  /** IP packets that go to the stack, and Ethernet frames that go out, when the frame is handled. */
  readonly injected: readonly Uint8Array[];
  readonly answers: readonly Uint8Array[];
  readonly expected: Verdict;
}

export function fromHex(hex: string): Uint8Array {
  if (!/^([0-9a-f]{2})*$/i.test(hex)) throw new Error(`not hex: ${hex}`);
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

/** A foreign or own keep as packed bytes. */
export function packKeep(key: Uint8Array, serial: number): Uint8Array {
  const keep = new Uint8Array(key.length + 4);
  keep.set(key);
  new DataView(keep.buffer).setUint32(key.length, serial);
  return keep;
}

/** `all`, or numbers and ranges joined by commas. */
export function bucketsOf(text: string): Bitmap {
  if (text === 'all') return fullBitmap();
  if (text === 'none') return emptyBitmap();
  const members = text.split(',').flatMap((part) => {
    const [first, last = first] = part.split('-').map(Number) as [number, number?];
    return Array.from({ length: last! - first + 1 }, (_, i) => first + i);
  });
  return bitmapOf(members, BUCKETS);
}

export function readNamedPackets(file = new URL('../vectors/classify.txt', import.meta.url)): NamedPacket[] {
  const records: NamedPacket[] = [];
  let shape: { shape: Shape; vips: Vip[]; rules: RuleEntry[]; mac: Uint8Array } | undefined;
  let record = emptyRecord('');
  for (const [index, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    const words = line.trim().split(' ');
    const [verb, ...rest] = words as [string, ...string[]];
    if (verb === '' || verb.startsWith('#')) continue;
    if (verb === 'shape') shape = readShape(rest);
    else if (shape === undefined) throw new Error(`line ${index + 1}: ${verb} before the first shape`);
    else if (verb === 'vip') shape.vips.push({ address: fromHex(rest[0]!), prefixLength: Number(rest[1]) });
    else if (verb === 'rule') shape.rules.push(readRule(rest));
    else if (verb === 'record') record = emptyRecord(rest[0]!);
    else if (verb === 'lease') record.isLeaseOpen = false;
    else if (verb === 'frame') record.frame = rest[0] === '-' ? new Uint8Array(0) : fromHex(rest[0]!);
    else if (verb === 'output') {
      if (rest[0] === 'inject') record.injected.push(fromHex(rest[1]!));
      if (rest[0] === 'answer' || rest[0] === 'relay') record.answers.push(fromHex(rest[1]!));
    } else if (verb === 'expect') {
      records.push({ ...record, shape: shape.shape, mac: shape.mac, expected: readVerdict(rest) });
    } else record.steps.push(readStep(verb, rest));
  }
  return records;
}

function emptyRecord(name: string) {
  return {
    name,
    isLeaseOpen: true,
    steps: [] as Step[],
    frame: new Uint8Array(0) as Uint8Array,
    injected: [] as Uint8Array[],
    answers: [] as Uint8Array[],
  };
}

function readShape(words: readonly string[]) {
  const fields = Object.fromEntries(words.map((word) => word.split('=') as [string, string]));
  const vips: Vip[] = [];
  const rules: RuleEntry[] = [];
  const vlan = fields.vlan === 'none' ? null : Number(fields.vlan);
  const shape: Shape = { vips, rules, hashSeed: Number.parseInt(fields.seed!, 16), vmac: fromHex(fields.vmac!), vlan };
  return { shape, vips, rules, mac: fromHex(fields.mac!) };
}

function readRule([rule, protocol, firstPort, lastPort, affinity, plan, policy, holdMs]: readonly string[]): RuleEntry {
  return {
    rule: Number(rule),
    protocol: protocol as RuleEntry['protocol'],
    firstPort: Number(firstPort),
    lastPort: Number(lastPort),
    affinity: affinity as Affinity,
    plan: Number(plan),
    deny: policy === 'deny',
    holdMs: Number(holdMs),
  };
}

function readVerdict([kind, reason, rule, plan, bucket]: readonly string[]): Verdict {
  return { kind: kind as VerdictKind, reason: reason!, rule: Number(rule), plan: Number(plan), bucket: Number(bucket) };
}

function readStep(verb: string, rest: readonly string[]): Step {
  if (verb === 'deliver') return { type: 'deliver', frame: fromHex(rest[0]!) };
  return { type: 'apply', op: readOp(verb, rest) };
}

function readOp(verb: string, rest: readonly string[]): TableOp {
  const buckets = () => ({ plan: Number(rest[0]), buckets: bucketsOf(rest[1]!) });
  const groups = (): readonly KeeperKeeps[] => [
    { keeper: Number(rest[0]), keeps: packKeep(fromHex(rest[1]!), Number(rest[2])) },
  ];
  switch (verb) {
    case 'own':
    case 'hold':
    case 'unhold':
    case 'forget':
      return { op: verb, ...buckets() };
    case 'cut':
      return { op: verb, ...buckets(), serial: Number(rest[2]) };
    case 'honour':
    case 'hold-keys':
    case 'release':
    case 'unhold-keys':
      return { op: verb, groups: groups() };
    case 'drop-keeper':
      return { op: verb, keeper: Number(rest[0]) };
    case 'reach':
      return readReach(rest);
    default:
      throw new Error(`unknown line: ${verb} ${rest.join(' ')}`);
  }
}

/** MACs in hex, each followed by + (it answers) or -, joined by commas; `none`: no member. */
export function readMembers(text: string): ReachMember[] {
  const words = text === 'none' ? [] : text.split(',');
  return words.map((word) => ({ mac: fromHex(word.slice(0, 12)), answers: word.endsWith('+') }));
}

function readReach([mode, self, members, plan, buckets, indexes, last]: readonly string[]): TableOp {
  const meant = bucketsOf(buckets!);
  const word = indexes!.split(',').reduce((sum, index) => sum | (1 << Number(index)), 0);
  const targets = Uint32Array.from({ length: 2 * BUCKETS }, (_, i) =>
    (i & 1) === 0 && hasBit(meant, i / 2) ? word : 0,
  );
  const nothing: ReachPlan = { targets: new Uint32Array(2 * BUCKETS), last: new Uint8Array(BUCKETS).fill(NOBODY) };
  const plans = Array.from({ length: Number(plan) + 1 }, () => nothing);
  plans[Number(plan)] = { targets, last: new Uint8Array(BUCKETS).fill(Number(last)) };
  return { op: 'reach', mode: mode as ReachMode, members: readMembers(members!), self: Number(self), plans };
}
