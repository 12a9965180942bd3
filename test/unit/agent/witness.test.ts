import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type WitnessReport, WitnessWatch } from '../../../src/agent/witness.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Runs `rounds` of a watch over two witnesses; `answers(address, round)` says whether one answers. */
async function watch(
  rounds: number,
  answers: (address: string, round: number) => boolean,
  answered: (askedMs: number) => void = () => {},
): Promise<WitnessReport[]> {
  const reports: WitnessReport[] = [];
  const asked = new Map<string, number>();
  const subject = new WitnessWatch({
    addresses: ['10.0.0.1', '10.0.0.2'],
    intervalMs: 500,
    lostAfter: 3,
    ping: async (address) => {
      const round = asked.get(address) ?? 0;
      asked.set(address, round + 1);
      return answers(address, round) ? 1 : null;
    },
    report: (report) => reports.push(report),
    answered,
    nowMs: () => performance.now(),
  });
  subject.start();
  await vi.advanceTimersByTimeAsync(500 * rounds);
  subject.close();
  return reports;
}

describe('witness', () => {
  it('that cannot be asked at all is lost, with the reason, and well again when it can', async () => {
    const missing = 'ICMP echo needs the package raw-socket';
    const reports = await watch(8, (_, round) => {
      if (round < 5) throw new Error(missing);
      return true;
    });
    expect(reports).toEqual([
      { bad: true, detail: `no witness can be asked: ${missing}` },
      { bad: false, detail: 'witness 10.0.0.1 answers' },
    ]);
  });

  it('is well while one of several answers, and says so once', async () => {
    expect(await watch(5, (address) => address === '10.0.0.2')).toEqual([
      { bad: false, detail: 'witness 10.0.0.2 answers' },
    ]);
  });

  it('tells of each round with an answer when it was asked', async () => {
    const rounds: number[] = [];
    const startMs = performance.now();
    await watch(
      5,
      (_, round) => round !== 2,
      (askedMs) => rounds.push(askedMs - startMs),
    );
    expect(rounds).toEqual([0, 500, 1500, 2000, 2500]);
  });

  it('is lost only after three silent rounds, and comes back with the first answer', async () => {
    const reports = await watch(8, (_, round) => round === 0 || round === 2 || round >= 6);
    expect(reports.map(({ bad }) => bad)).toEqual([false, true, false]);
  });

  it('one lost round is nothing', async () => {
    expect(await watch(8, (_, round) => round % 2 === 0)).toHaveLength(1);
  });

  it('reports at once that no witness answers at the start: nothing is known that could excuse it', async () => {
    expect(await watch(1, () => false)).toEqual([{ bad: true, detail: 'no witness answers (10.0.0.1, 10.0.0.2)' }]);
  });
});
