import { describe, expect, it } from 'vitest';
import { CALM_MS, Life, type LifeEvent, pauseMs } from '../../../src/services/life.js';

const WELL = { type: 'ended', outcome: { ok: true, detail: '' } } as const;
const BAD = { type: 'ended', outcome: { ok: false, detail: 'exit code 1' } } as const;
const WANTED = { type: 'wanted', isWanted: true } as const;
const UNWANTED = { type: 'wanted', isWanted: false } as const;
const FAILED = { type: 'failed', why: 'no answer' } as const;
const DUE = { type: 'due' } as const;

/** A life, its clock, and what it ordered last. */
function life(maxRestarts = 3, windowMs = 3_600_000) {
  const subject = new Life({ maxRestarts, windowMs }, 0);
  let nowMs = 0;
  const step = (...events: LifeEvent[]) => events.map((event) => subject.step(nowMs, event)).at(-1)!;
  return { subject, step, pass: (ms: number) => (nowMs += ms) };
}

/** Looked at, not running, started. */
const READY = [WANTED, BAD, WELL];

describe('a service`s life', () => {
  it('looks first, starts what does not run, and is ready when the start has succeeded', () => {
    const { subject, step } = life();
    expect(step(WANTED)).toEqual([{ type: 'run', what: 'look' }]);
    expect(step(BAD)).toEqual([{ type: 'run', what: 'start' }]);
    expect(subject.state).toBe('starting');
    expect(step(WELL)).toEqual([]);
    expect([subject.state, subject.restartsWithin(0)]).toEqual(['ready', 0]);
  });

  it('starts nothing that runs already', () => {
    const { subject, step } = life();
    step(WANTED, WELL);
    expect([subject.state, subject.reason]).toEqual(['ready', 'was running already']);
  });

  it('is restarted at once when it fails for the first time, and counts that', () => {
    const { subject, step, pass } = life();
    step(...READY);
    pass(500);
    expect(step(FAILED)).toEqual([{ type: 'call', atMs: 500 }]);
    expect([subject.state, subject.reason]).toEqual(['pausing', 'no answer']);
    expect(step(DUE)).toEqual([{ type: 'run', what: 'restart' }]);
    step(WELL);
    expect([subject.state, subject.restartsWithin(500)]).toEqual(['ready', 1]);
  });

  it('pauses longer from one failed restart to the next, and begins anew after a calm time', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 7].map(pauseMs)).toEqual([0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    const { step, pass } = life(10);
    step(...READY, FAILED, DUE);
    expect(step(BAD)).toEqual([{ type: 'call', atMs: 1000 }]);
    pass(1000);
    step(DUE, WELL);
    pass(CALM_MS);
    expect(step(FAILED)).toEqual([{ type: 'call', atMs: 1000 + CALM_MS }]);
  });

  it('is given up after maxRestarts within the window, says so, and is tried again when one has left it', () => {
    const { subject, step, pass } = life(2, 60_000);
    step(...READY, FAILED, DUE);
    pass(10_000);
    step(BAD, DUE);
    expect(step(BAD)).toEqual([{ type: 'call', atMs: 60_000 }]);
    expect(subject.state).toBe('spent');
    expect(subject.reason).toBe('restarted 2 times within 1 min, and failed again: restarting failed: exit code 1');
    pass(49_999);
    expect(step(DUE)).toEqual([]);
    pass(1);
    expect(step(DUE)).toEqual([{ type: 'run', what: 'restart' }]);
  });

  it('with maxRestarts 0 is never restarted', () => {
    const { subject, step } = life(0);
    expect(step(...READY, FAILED)).toEqual([]);
    expect([subject.state, subject.reason]).toEqual(['spent', 'may not be restarted, and failed again: no answer']);
  });

  it('given up, it is tried again when an operator says so, with its restarts forgotten; a checker that is well ends it', () => {
    const told = life(1);
    told.step(...READY, FAILED, DUE, BAD);
    expect(told.subject.state).toBe('spent');
    expect(told.step({ type: 'try-again' })).toEqual([{ type: 'call', atMs: 0 }]);
    expect(told.step(DUE)).toEqual([{ type: 'run', what: 'restart' }]);
    const mended = life(0);
    mended.step(...READY, FAILED, { type: 'well' });
    expect(mended.subject.state).toBe('ready');
  });

  it.each([
    ['looking', [WANTED]],
    ['starting', [WANTED, BAD]],
    ['restarting', [...READY, FAILED, DUE]],
  ] as const)('told to stop while %s, it calls the command off, and stops when that has ended', (state, events) => {
    const { subject, step } = life();
    step(...events);
    expect(subject.state).toBe(state);
    expect(step(UNWANTED)).toEqual([{ type: 'abort' }]);
    expect(step(BAD)).toEqual([{ type: 'run', what: 'stop' }]);
    step(WELL);
    expect(subject.state).toBe('stopped');
  });

  it.each([
    ['ready', READY],
    ['pausing', [...READY, FAILED]],
  ] as const)('told to stop while %s, it stops; a stop that fails is told', (state, events) => {
    const { subject, step } = life();
    step(...events);
    expect(subject.state).toBe(state);
    expect(step(UNWANTED)).toEqual([{ type: 'run', what: 'stop' }]);
    step(BAD);
    expect([subject.state, subject.reason]).toEqual(['stopped', 'stop failed: exit code 1']);
  });

  it('wanted again while it stops, it is looked at when it has stopped', () => {
    const { subject, step } = life();
    step(...READY, UNWANTED, WANTED);
    expect(subject.state).toBe('stopping');
    expect(step(WELL)).toEqual([{ type: 'run', what: 'look' }]);
  });

  it('heeds nobody`s complaint while it is not ready, and no late call', () => {
    for (const events of [[], [WANTED], [WANTED, BAD], [...READY, UNWANTED]]) {
      const { subject, step } = life();
      if (events.length > 0) step(...events);
      const { state } = subject;
      expect(step(FAILED)).toEqual([]);
      expect(step(DUE)).toEqual([]);
      expect(subject.state).toBe(state);
    }
  });
});
