/** What a node tells other nodes' consoles of its checkers and services: bounded, for a message between agents must stay small. */
import type { CheckerReport } from '../checkers/contract.js';
import type { CheckSummary } from '../control/console-contract.js';
import type { ServiceReport } from '../services/contract.js';

export const MOST_CHECKS = 64;
export const LONGEST_CHECK_TEXT = 160;

const cut = (text: string) => (text.length > LONGEST_CHECK_TEXT ? `${text.slice(0, LONGEST_CHECK_TEXT - 1)}…` : text);

export function checkSummaries(
  checkers: readonly CheckerReport[],
  services: readonly ServiceReport[],
): readonly CheckSummary[] {
  const all: CheckSummary[] = [
    ...checkers.map(({ name, state, detail, type, onFail }) => ({
      kind: 'checker' as const,
      name,
      state,
      detail: cut(detail),
      note: `${type}; when it fails: ${onFail}`,
    })),
    ...services.map(({ name, state, reason, restarts, maxRestarts, holdsNode }) => ({
      kind: 'service' as const,
      name,
      state,
      detail: cut(reason),
      note: `${restarts} of ${maxRestarts} restarts${holdsNode ? '; the node waits for it' : ''}`,
    })),
  ];
  return all.slice(0, MOST_CHECKS);
}
