/**
 * Whole farms of the real core under random faults: COVEY_SIM_FARMS of them (10,000 unless set), spread over the processors. A failure
 * prints its seed, its shortest schedule, and the command that replays it.
 */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { EXPECTED } from './census.js';
import { Farm } from './farm.js';
import { generate } from './generate.js';

const run = promisify(execFile);
const FARMS = Number(process.env.COVEY_SIM_FARMS ?? 10_000);
const MINUTES = 60_000;

async function simulate(firstSeed: number, farms: number): Promise<string> {
  const command = ['build/sim/test/sim/run.js', '--seeds', String(farms), '--seed', String(firstSeed), '--census'];
  try {
    return (await run(process.execPath, command)).stdout;
  } catch (error) {
    // The run's own words say what was violated.
    return (error as { readonly stdout?: string }).stdout ?? String(error);
  }
}

describe('random farms', () => {
  beforeAll(async () => {
    await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'test/sim/tsconfig.json']);
  }, 2 * MINUTES);

  it(`${FARMS} farms keep the invariants`, { timeout: 20 * MINUTES }, async () => {
    const parts = availableParallelism();
    const each = Math.ceil(FARMS / parts);
    const outputs = await Promise.all(Array.from({ length: parts }, (_, part) => simulate(1 + part * each, each)));
    for (const output of outputs) expect(output).toMatch(new RegExp(`^${each} farms, 0 violations`, 'm'));
    // Each kind of fault did occur, at least once in a thousand farms.
    const counts = outputs.map((output) => JSON.parse(/^census (.*)$/m.exec(output)![1]!) as Record<string, number>);
    const rare = EXPECTED.filter((name) => {
      const times = counts.reduce((sum, census) => sum + (census[name] ?? 0), 0);
      return times < FARMS / 1000;
    });
    expect(rare).toEqual([]);
  });
});

describe('one seed', () => {
  it('gives the same run every time', () => {
    const runs = [1, 2].map(() => {
      const farm = new Farm(generate(7));
      farm.noting = true;
      farm.run();
      return farm.notes.join('\n');
    });
    expect(runs[0]!.length).toBeGreaterThan(1000);
    expect(runs[1]).toBe(runs[0]);
  });
});
