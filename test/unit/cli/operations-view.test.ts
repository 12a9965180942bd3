import { describe, expect, it } from 'vitest';
import { operationsView } from '../../../src/cli/operations-view.js';
import { statusView } from '../../../src/cli/status-view.js';
import { plain } from '../../../src/cli/style.js';
import type { CheckerReport, ServiceReport } from '../../../src/control/contract.js';
import { healthy, member } from './reports.js';

const nginx: ServiceReport = {
  name: 'nginx',
  state: 'spent',
  reason: 'restarted 3 times within 24 h, and failed again: exit code 1',
  restarts: 3,
  maxRestarts: 3,
  windowMs: 86_400_000,
  forMs: 61_000,
  holdsNode: true,
};
const web: CheckerReport = {
  name: 'web',
  type: 'http',
  state: 'failed',
  detail: 'status 503',
  onFail: 'restart nginx',
  failures: 4,
  successes: 0,
  lastMs: 300,
  tookMs: 12,
  isAwaited: false,
};

describe('services and checkers in status', () => {
  it('are tables of their own', () => {
    expect(operationsView(healthy({ services: [nginx], checkers: [web] }), plain)).toEqual([
      'SERVICE  STATE  FOR   RESTARTS  WHY',
      'nginx    spent  61 s  3 of 3    restarted 3 times within 24 h, and failed again: exit code 1',
      '',
      'CHECKER  STATE   TOOK   IF IT FAILS    LAST',
      'web      failed  12 ms  restart nginx  status 503 (4 times)',
    ]);
  });

  it('are not there where none are configured', () => {
    expect(operationsView(healthy(), plain)).toEqual([]);
    expect(statusView(healthy(), { paint: plain }).join('\n')).not.toMatch(/SERVICE|CHECKER/);
  });

  it('a weight that counts in part shows', () => {
    const text = statusView(healthy({ members: [member('n1', { weight: 2, weightPercent: 50 })] }), {
      paint: plain,
    }).join('\n');
    expect(text).toContain('2 x 50%');
  });
});
