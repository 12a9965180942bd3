import { expect, it } from 'vitest';
import { checkSummaries, LONGEST_CHECK_TEXT, MOST_CHECKS } from '../../../src/agent/check-summaries.js';
import type { CheckerReport } from '../../../src/checkers/contract.js';
import { MAX_SHARED_BYTES } from '../../../src/control/console-contract.js';
import type { ServiceReport } from '../../../src/services/contract.js';

const checker = (name: string, detail: string): CheckerReport => ({
  name,
  type: 'http',
  state: 'failed',
  detail,
  onFail: 'restart app',
  failures: 3,
  successes: 0,
  lastMs: 10,
  tookMs: 1,
  isAwaited: false,
});
const service: ServiceReport = {
  name: 'app',
  state: 'pausing',
  reason: 'exit code 1',
  restarts: 2,
  maxRestarts: 3,
  windowMs: 1000,
  forMs: 5,
  holdsNode: true,
};

it('says what was seen, and what follows from it', () => {
  expect(checkSummaries([checker('web', 'status 500')], [service])).toEqual([
    { kind: 'checker', name: 'web', state: 'failed', detail: 'status 500', note: 'http; when it fails: restart app' },
    {
      kind: 'service',
      name: 'app',
      state: 'pausing',
      detail: 'exit code 1',
      note: '2 of 3 restarts; the node waits for it',
    },
  ]);
});

it('stays small enough for a message between agents, however much there is to say', () => {
  const many = Array.from({ length: 500 }, (_, n) => checker(`${n}`.padStart(63, 'x'), 'é'.repeat(5000)));
  const summaries = checkSummaries(many, [service]);
  expect(summaries.length).toBe(MOST_CHECKS);
  expect(summaries[0]?.detail.length).toBe(LONGEST_CHECK_TEXT);
  expect(Buffer.byteLength(JSON.stringify(summaries))).toBeLessThan(MAX_SHARED_BYTES * 0.8);
});
