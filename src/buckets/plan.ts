/**
 * The plan: bucket -> node, as a pure function of the living members ("rendezvous with quotas").
 *
 * Each node has a quota, its weight's exact part of all buckets. All (bucket, node) pairs are taken by descending score; a pair
 * gives its bucket to its node when the bucket is still free and the node has quota left. The score of a pair depends
 * on nothing but the pair, so a node that comes or goes disturbs few pairs of others, and nodes that agree on the
 * members agree on the plan. There is no history and no floating point: every engine computes the same plan.
 *
 * The score is the rank of the bucket in a permutation of the node's own, then a hash of the pair where two nodes rank one
 * bucket equally. Against an independent hash per pair, each node then has exactly one pair of every rank, which takes a third
 * off the spread of first choices, and so off the surplus of moves (8 nodes: 1.056 x ideal on average instead of
 * 1.069), and it needs no sorting: one sweep over the ranks, linear in buckets x nodes.
 */
import { emptyBitmap, setBit } from './bitmap.js';
import { type Bitmap, BUCKETS } from './contract.js';
import { fmix32, hash32 } from './hash.js';

export interface PlanMember {
  readonly name: string;
  /** General weight, an integer >= 0; 0 holds nothing. */
  readonly weight: number;
  /** Part of its weights that counts, in every plan, an integer 0..100. Absent: 100. */
  readonly weightPercent?: number;
}

/** The same shape as membership's PlanSpec; this room imports none of the others. */
export interface PlanRule {
  readonly mode: 'balance' | 'failover';
  /** `failover`: the first of these that lives, and has weight, holds everything. */
  readonly order: readonly string[];
  /** Weights of this plan's own; a member not in here has its general weight. */
  readonly weights: Readonly<Record<string, number>>;
}

/** A plan with the names that its indices mean. */
export interface NamedPlan {
  /** Ascending, see {@link planNames}. */
  readonly names: readonly string[];
  readonly owners: Int16Array;
}

/** Buckets that go from one node to another; null: nobody. */
export interface Move {
  readonly from: string | null;
  readonly to: string | null;
  readonly buckets: Bitmap;
}

/** Seeds of the two name hashes: any two fixed numbers do; changing one moves every bucket of every farm. */
const FIRST_NAME_SEED = 0x436f7665;
const SECOND_NAME_SEED = 0x79706c6e;
const GOLDEN_RATIO_32 = 0x9e3779b9;
const PERMUTATION_ROUNDS = 4;

/** The names of `members` in the order that plan indices follow: by UTF-16 code unit, whatever the locale. */
export function planNames(members: readonly PlanMember[]): string[] {
  return members.map((member) => member.name).sort();
}

/**
 * Gives for each bucket the index of its node in {@link planNames}, -1 where no node may hold it.
 *
 * The order of `members` does not matter. `buckets` is a power of two up to 4096. Throws {@link RangeError} for two members of one name,
 * a weight that is not an integer >= 0, and a bad number of buckets. Cost: linear in buckets x members; memoise by view.
 */
export function computePlan(members: readonly PlanMember[], rule: PlanRule, buckets: number = BUCKETS): Int16Array {
  if (!(buckets >= 1 && buckets <= BUCKETS && (buckets & (buckets - 1)) === 0)) {
    throw new RangeError(`${buckets} buckets: a power of two up to ${BUCKETS} is needed`);
  }
  const names = planNames(members);
  const weights = weightsByName(members, rule, names);
  const owners = planByWeights(names, lightened(members, names, weights), rule, buckets);
  // Where nothing is left of any weight the percents say nothing, and the weights count as they are: someone has to serve.
  return owners[0] === -1 ? planByWeights(names, weights, rule, buckets) : owners;
}

function planByWeights(
  names: readonly string[],
  weights: readonly number[],
  rule: PlanRule,
  buckets: number,
): Int16Array {
  if (rule.mode === 'failover') return new Int16Array(buckets).fill(firstOfOrder(rule.order, names, weights));
  return assign(names, quotas(weights, buckets), buckets);
}

/** Weights by their percent, in whole numbers: quotas are proportions, so that all at 100 is the same as the weights themselves. */
function lightened(members: readonly PlanMember[], names: readonly string[], weights: readonly number[]): number[] {
  const percents = new Map(members.map(({ name, weightPercent = 100 }) => [name, weightPercent]));
  return names.map((name, index) => weights[index]! * percents.get(name)!);
}

/**
 * Splits `buckets` in proportion to `weights` by the largest remainder, the lower index first among equal remainders.
 * The quotas sum to `buckets`, or to 0 when all weights are 0. The products stay below 2^53 for weights up to 2^32.
 */
export function quotas(weights: readonly number[], buckets: number): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total === 0) return weights.map(() => 0);
  const parts = weights.map((weight, index) => {
    const remainder = (weight * buckets) % total;
    return { index, remainder, quota: (weight * buckets - remainder) / total };
  });
  const result = parts.map((part) => part.quota);
  const left = buckets - result.reduce((sum, quota) => sum + quota, 0);
  parts.sort((a, b) => b.remainder - a.remainder || a.index - b.index);
  for (const part of parts.slice(0, left)) result[part.index]! += 1;
  return result;
}

/** What a node brings into the plan, from nothing but its name. */
export interface Preference {
  /** Bucket at each rank, best first: a permutation of all buckets. */
  readonly byRank: Uint16Array;
  /** Decides between two nodes that rank one bucket equally, see {@link tieScore}. */
  readonly tieHash: number;
}

/**
 * The preference of the node `name`. Each round is a bijection on k-bit numbers (an odd multiple plus a constant, then a
 * shifted XOR), so their chain is one: no bucket comes twice. Four rounds reach the figures of a truly random order.
 */
export function preferenceOf(name: string, buckets: number): Preference {
  const bytes = codeUnitBytes(name);
  const first = hash32(FIRST_NAME_SEED, bytes);
  const second = hash32(SECOND_NAME_SEED, bytes);
  const shift = Math.max(1, (32 - Math.clz32(buckets - 1)) >> 1);
  const byRank = new Uint16Array(buckets);
  for (let rank = 0; rank < buckets; rank++) byRank[rank] = rank;
  for (let round = 1; round <= PERMUTATION_ROUNDS; round++) {
    const factor = fmix32(first + Math.imul(round, GOLDEN_RATIO_32)) | 1;
    const addend = fmix32(second ^ Math.imul(round, GOLDEN_RATIO_32));
    for (let rank = 0; rank < buckets; rank++) {
      const mixed = (Math.imul(byRank[rank]!, factor) + addend) & (buckets - 1);
      byRank[rank] = mixed ^ (mixed >>> shift);
    }
  }
  return { byRank, tieHash: fmix32(first ^ second) };
}

/** The greater one wins; among equal ones the lower name. uint32. */
export function tieScore(bucket: number, tieHash: number): number {
  return fmix32(tieHash ^ Math.imul(bucket + 1, GOLDEN_RATIO_32));
}

/** What must move to get from one plan to another, ordered by (from, to); empty when nothing moves. */
export function planMoves(before: NamedPlan, after: NamedPlan): Move[] {
  if (before.owners.length !== after.owners.length) {
    throw new RangeError(`plans of ${before.owners.length} and ${after.owners.length} buckets do not match`);
  }
  const moves = new Map<string, Move>();
  for (let bucket = 0; bucket < after.owners.length; bucket++) {
    const from = before.names[before.owners[bucket]!] ?? null;
    const to = after.names[after.owners[bucket]!] ?? null;
    if (from === to) continue;
    const id = JSON.stringify([from, to]);
    const move = moves.get(id) ?? { from, to, buckets: emptyBitmap(after.owners.length) };
    moves.set(id, move);
    setBit(move.buckets, bucket);
  }
  return [...moves.keys()].sort().map((id) => moves.get(id)!);
}

function weightsByName(members: readonly PlanMember[], rule: PlanRule, names: readonly string[]): number[] {
  const byName = new Map<string, number>();
  for (const { name, weight: general } of members) {
    if (byName.has(name)) throw new RangeError(`two members are named ${name}`);
    const weight = Object.hasOwn(rule.weights, name) ? rule.weights[name]! : general;
    if (!(Number.isInteger(weight) && weight >= 0))
      throw new RangeError(`weight ${weight} of ${name} is not an integer >= 0`);
    byName.set(name, weight);
  }
  return names.map((name) => byName.get(name)!);
}

function firstOfOrder(order: readonly string[], names: readonly string[], weights: readonly number[]): number {
  const first = order.find((name) => (weights[names.indexOf(name)] ?? 0) > 0);
  return first === undefined ? -1 : names.indexOf(first);
}

/**
 * Greedy assignment, rank by rank. At one rank each node wants one bucket, so quotas cannot interfere within a rank, and
 * only nodes that want the same free bucket need comparing.
 */
function assign(names: readonly string[], quota: number[], buckets: number): Int16Array {
  const owners = new Int16Array(buckets).fill(-1);
  const nodes = names.flatMap((name, index) =>
    quota[index]! > 0 ? [{ index, left: quota[index]!, ...preferenceOf(name, buckets) }] : [],
  );
  // The rank at which a bucket was given, and the claim that won it.
  const givenAt = new Int16Array(buckets).fill(-1);
  const winners: (typeof nodes)[number][] = new Array(buckets);
  for (let rank = 0; rank < buckets; rank++) {
    for (const node of nodes) {
      if (node.left === 0) continue;
      const bucket = node.byRank[rank]!;
      if (owners[bucket] !== -1) {
        const rival = winners[bucket]!;
        if (givenAt[bucket] !== rank || tieScore(bucket, rival.tieHash) >= tieScore(bucket, node.tieHash)) continue;
        rival.left += 1;
      }
      owners[bucket] = node.index;
      givenAt[bucket] = rank;
      winners[bucket] = node;
      node.left -= 1;
    }
  }
  return owners;
}

/** Names are ASCII by config; two bytes per code unit keep any other string unambiguous too. */
function codeUnitBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 2);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    bytes[2 * i] = unit >>> 8;
    bytes[2 * i + 1] = unit & 0xff;
  }
  return bytes;
}
