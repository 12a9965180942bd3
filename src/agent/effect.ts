/** What the services and checkers of a node, taken together, mean for its place in the farm. Pure. */
import type { CheckerReport } from '../checkers/contract.js';
import type { Checker } from '../config/contract.js';
import type { ServiceReport } from '../services/contract.js';

export interface Effect {
  /** Why the node waits for its services; null: it need not. */
  readonly services: string | null;
  /** Why it waits for a checker; null: it need not. */
  readonly checker: string | null;
  /** What counts of its weights, 0..100. */
  readonly percent: number;
}

export const NO_EFFECT: Effect = { services: null, checker: null, percent: 100 };

/** @param config the checkers that count: nothing hangs on others. */
export function effectOf(
  services: readonly ServiceReport[],
  checkers: readonly CheckerReport[],
  config: readonly Checker[],
): Effect {
  const actions = new Map(config.map(({ name, onFail }) => [name, onFail]));
  const unready = services.filter(({ holdsNode }) => holdsNode);
  const isUnready = (name: string) => unready.some((service) => service.name === name);
  const holding = checkers.flatMap((report) => {
    const action = actions.get(report.name);
    if (action === undefined || action.action === 'weight' || action.action === 'notify') return [];
    // Its service says more of why, and what is being done.
    if (action.action === 'restart' && isUnready(action.service)) return [];
    if (report.state === 'failed') return [`${report.name}: ${report.detail}`];
    return report.isAwaited ? [`${report.name} has not been well yet${report.detail && `: ${report.detail}`}`] : [];
  });
  const percents = checkers.flatMap(({ name, state }) => {
    const action = actions.get(name);
    return state === 'failed' && action?.action === 'weight' ? [action.percent] : [];
  });
  return { services: joined(unready.map(serviceText)), checker: joined(holding), percent: Math.min(100, ...percents) };
}

const joined = (reasons: readonly string[]) => (reasons.length === 0 ? null : reasons.join('; '));

const WORDS: Readonly<Record<ServiceReport['state'], string>> = {
  stopped: 'is stopped',
  looking: 'is being looked at',
  starting: 'is starting',
  ready: 'is ready',
  pausing: 'failed, and will be restarted',
  restarting: 'is being restarted',
  spent: 'is given up',
  stopping: 'is stopping',
};

function serviceText({ name, state, reason }: ServiceReport): string {
  return `${name} ${WORDS[state]}${reason === '' ? '' : ` (${reason})`}`;
}
