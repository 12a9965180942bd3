/**
 * `npm run ejections`: nodes that lose their lease although nobody failed, by loss of heartbeats. Two tables of one run: years of the
 * lease alone (pair.ts, every pair of a farm of three on its own: an upper bound), and hours of whole farms of the real core.
 */
import { Farm } from './farm.js';
import { countEjections, countEjectionsPlainly, type IsLost } from './pair.js';
import { Dice } from './random.js';
import { PLAIN, type Schedule } from './schedule.js';

const YEAR_S = 365 * 86_400;
const PAIRS = 3;

/** Bursts as in network.ts: all is lost for `burstMs` on average, `part` of the time; besides, `random` at all times. */
function bursty(random: number, part: number, burstMs: number, dice: Dice): IsLost {
  const until = [0, 0];
  const calm = [0, 0];
  return (side, atMs) => {
    while (atMs >= calm[side]!) {
      until[side] = calm[side]! - Math.log(1 - dice.next()) * burstMs;
      calm[side] = until[side]! - Math.log(1 - dice.next()) * burstMs * ((1 - part) / part);
    }
    return atMs < until[side]! || dice.chance(random);
  };
}

function perYear(ejections: number, farmYears: number): string {
  return ejections === 0
    ? `none (< ${(3 / farmYears).toPrecision(2)} at 95 %)`
    : (ejections / farmYears).toPrecision(3);
}

function years(): void {
  console.log('heartbeats lost | farm-years | ejections | per farm-year');
  for (const [loss, farmYears] of [
    [0.001, 24],
    [0.01, 24],
    [0.02, 6],
    [0.05, 1],
  ] as const) {
    const ejections = countEjections(loss, PAIRS * farmYears * YEAR_S, new Dice(1));
    console.log(`${loss * 100} % random | ${farmYears} | ${ejections} | ${perYear(ejections, farmYears)}`);
  }
  const days = 20;
  const farmYears = days / 365;
  for (const loss of [0.1, 0.2, 0.3]) {
    const dice = new Dice(1);
    const ejections = countEjectionsPlainly(() => dice.chance(loss), PAIRS * days * 86_400);
    console.log(`${loss * 100} % random | ${farmYears.toFixed(3)} | ${ejections} | ${perYear(ejections, farmYears)}`);
  }
  for (const [part, burstMs] of [
    [0.01, 50],
    [0.01, 100],
    [0.01, 200],
    [0.05, 100],
    [0.1, 100],
  ] as const) {
    const ejections = countEjectionsPlainly(bursty(0.01, part, burstMs, new Dice(1)), PAIRS * days * 86_400);
    console.log(
      `${part * 100} % in bursts of ${burstMs} ms, 1 % random | ${farmYears.toFixed(3)} | ${ejections} | ${perYear(ejections, farmYears)}`,
    );
  }
}

function restingFarm(nodes: number, random: number, bursts: number, burstMs: number, hours: number): Schedule {
  const endMs = hours * 3_600_000;
  return {
    ...PLAIN,
    seed: 1,
    nodes,
    keys: 0,
    packetEveryMs: 0,
    drift: 0.01,
    loss: { random, bursts, burstMs },
    actions: Array.from({ length: nodes }, (_, node) => ({ atMs: node, kind: 'start' as const, node })),
    healMs: endMs,
    endMs: endMs + 5000,
  };
}

function farms(hours: number): void {
  console.log('\nreal core | nodes | heartbeats lost | farm-hours | ejections | per farm-hour');
  for (const nodes of [2, 3, 8]) {
    for (const [random, bursts, burstMs] of [
      [0, 0, 0],
      [0.01, 0, 0],
      [0.05, 0, 0],
      [0.1, 0, 0],
      [0.2, 0, 0],
      [0.3, 0, 0],
      [0.01, 0.01, 100],
      [0.01, 0.05, 100],
      [0.01, 0.05, 300],
      [0.01, 0.1, 100],
    ] as const) {
      const part = nodes === 8 ? hours / 8 : hours;
      const farm = new Farm(restingFarm(nodes, random, bursts, burstMs, part));
      const violation = farm.run();
      const label =
        bursts > 0 ? `${bursts * 100} % in bursts of ${burstMs} ms, 1 % random` : `${random * 100} % random`;
      const each = (farm.lapses / part).toPrecision(3);
      console.log(
        `core | ${nodes} | ${label} | ${part} | ${farm.lapses} | ${each}${violation === null ? '' : ` ${violation.message}`}`,
      );
    }
  }
}

years();
farms(Number(process.argv[2] ?? 1));
