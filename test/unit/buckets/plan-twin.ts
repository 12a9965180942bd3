/** The stupid twin of the plan: really makes all pairs, really sorts them. Slow, and too simple to be wrong. */
import { type PlanMember, preferenceOf, tieScore } from '../../../src/buckets/plan.js';

interface Pair {
  readonly bucket: number;
  readonly node: number;
  readonly rank: number;
  readonly tie: number;
}

/** `order` and own weights play no part: the caller passes the weights that count. */
export function stupidPlan(members: readonly PlanMember[], buckets: number): Int16Array {
  const sorted = [...members].sort((a, b) => (a.name < b.name ? -1 : 1));
  const left = stupidQuotas(
    sorted.map(({ weight }) => weight),
    buckets,
  );
  const pairs: Pair[] = sorted.flatMap(({ name }, node) => {
    const { byRank, tieHash } = preferenceOf(name, buckets);
    return Array.from(byRank, (bucket, rank) => ({ bucket, node, rank, tie: tieScore(bucket, tieHash) }));
  });
  pairs.sort((a, b) => a.rank - b.rank || b.tie - a.tie || a.node - b.node);
  const owners = new Int16Array(buckets).fill(-1);
  for (const { bucket, node } of pairs) {
    if (owners[bucket] !== -1 || left[node] === 0) continue;
    owners[bucket] = node;
    left[node]! -= 1;
  }
  return owners;
}

/** Hands out one bucket after the other to the node that is furthest below its exact part; big integers, no division. */
export function stupidQuotas(weights: readonly number[], buckets: number): number[] {
  const total = weights.reduce((sum, weight) => sum + BigInt(weight), 0n);
  const quota = weights.map((weight) => (total === 0n ? 0 : Number((BigInt(weight) * BigInt(buckets)) / total)));
  const rest = weights.map((weight, i) => BigInt(weight) * BigInt(buckets) - BigInt(quota[i]!) * total);
  let missing = total === 0n ? 0 : buckets - quota.reduce((sum, part) => sum + part, 0);
  while (missing-- > 0) {
    let best = 0;
    for (let i = 1; i < rest.length; i++) if (rest[i]! > rest[best]!) best = i;
    quota[best]! += 1;
    rest[best] = -1n;
  }
  return quota;
}
