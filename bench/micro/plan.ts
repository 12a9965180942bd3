/**
 * Figures of the plan: its cost, and what joins and leaves move, as a table.
 * Run: npx tsc -p bench/micro/tsconfig.json && node bench/micro/build/ts/bench/micro/plan.js
 */
import { countBits } from '../../src/buckets/bitmap.js';
import { BUCKETS } from '../../src/buckets/contract.js';
import { computePlan, type PlanMember, type PlanRule, planMoves, planNames } from '../../src/buckets/plan.js';

const BALANCE: PlanRule = { mode: 'balance', order: [], weights: {} };
const RUNS = 50;

function nodes(count: number): PlanMember[] {
  return Array.from({ length: count }, (_, i) => ({ name: `n${i + 1}`, weight: 1 }));
}

function medianMs(members: readonly PlanMember[]): number {
  const times = Array.from({ length: RUNS }, () => {
    const start = performance.now();
    computePlan(members, BALANCE);
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[RUNS >> 1]!;
}

/** The most crowded node against its exact part, in percent. */
function overload(owners: Int16Array, count: number): number {
  const shares = new Array<number>(count).fill(0);
  for (const owner of owners) shares[owner]! += 1;
  return (Math.max(...shares) / Math.ceil(BUCKETS / count) - 1) * 100;
}

/** Buckets that move when each node leaves in turn, against the ideal: mean and worst. */
function leaveFactors(members: readonly PlanMember[]): readonly [number, number] {
  const before = { names: planNames(members), owners: computePlan(members, BALANCE) };
  const factors = members.map((leaver) => {
    const rest = members.filter((member) => member !== leaver);
    const moves = planMoves(before, { names: planNames(rest), owners: computePlan(rest, BALANCE) });
    return moves.reduce((sum, { buckets }) => sum + countBits(buckets), 0) / (BUCKETS / members.length);
  });
  return [factors.reduce((sum, factor) => sum + factor, 0) / factors.length, Math.max(...factors)];
}

const table = [2, 3, 4, 5, 6, 7, 8, 16, 32, 64].map((count) => {
  const members = nodes(count);
  const [mean, worst] = leaveFactors(members);
  return {
    nodes: count,
    'median ms': Number(medianMs(members).toFixed(2)),
    'overload %': Number(overload(computePlan(members, BALANCE), count).toFixed(2)),
    'moves on leave, mean x ideal': Number(mean.toFixed(3)),
    worst: Number(worst.toFixed(3)),
  };
});
console.log(`Node ${process.version}, ${BUCKETS} buckets, median of ${RUNS} runs`);
console.table(table);
