import { describe, expect, it } from 'vitest';
import type { EventsQuery, EventsReport } from '../../../src/control/contract.js';
import { AgentNotRunningError } from '../../../src/control/errors.js';
import { covey } from './fake-parts.js';

const event = (seq: number) => ({ seq, at: '2026-11-28T12:00:00.000Z', node: 'n1', event: 'state', fields: { seq } });
const report = (...seqs: number[]): EventsReport => ({
  version: 1,
  events: seqs.map(event),
  lastSeq: seqs.at(-1) ?? 0,
});

/** Follows through these answers, one a turn. */
async function follow(answers: readonly (EventsReport | Error)[], words = 'events --follow --json') {
  const asked: EventsQuery[] = [];
  let turn = 0;
  const events = async (query: EventsQuery) => {
    asked.push(query);
    const answer = answers[turn]!;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const pause = async () => ++turn < answers.length;
  const outcome = await covey(words, { control: { events }, parts: { pause } });
  const shown = outcome.out
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [(JSON.parse(line) as { seq: number }).seq]));
  return { ...outcome, shown, asked };
}

describe('events --follow', () => {
  it('shows each event once, one JSON object a line with its version', async () => {
    const { shown, asked, out, exitCode } = await follow([
      report(1, 2),
      { version: 1, events: [], lastSeq: 2 },
      report(3),
      report(4, 5),
    ]);
    expect(shown).toEqual([1, 2, 3, 4, 5]);
    expect(asked.map(({ after }) => after)).toEqual([undefined, 2, 2, 3]);
    for (const line of out.trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ version: 1, event: 'state' });
    expect(exitCode).toBe(0);
  });

  it('waits for an agent that is gone, says so once, and goes on where it was', async () => {
    const gone = new AgentNotRunningError('/run/covey');
    const { shown, err, asked } = await follow([report(1), gone, gone, report(2)]);
    expect(shown).toEqual([1, 2]);
    expect(err.match(/waiting for it/g)).toHaveLength(1);
    expect(asked.at(-1)!.after).toBe(1);
  });

  it('begins anew when the run directory was emptied', async () => {
    const { shown, asked } = await follow([report(7, 8), { version: 1, events: [], lastSeq: 1 }, report(1, 2)]);
    expect(shown).toEqual([7, 8, 1, 2]);
    expect(asked.map(({ after }) => after)).toEqual([undefined, 8, 0]);
  });

  it('ends with what else goes wrong', async () => {
    const { exitCode, err } = await follow([report(1), new Error('broken')]);
    expect(exitCode).toBe(1);
    expect(err).toMatch(/broken/);
  });
});
