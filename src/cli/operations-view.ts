/** Services and checkers of `covey status`, for people. Pure. */
import type { CheckerReport, ServiceReport, StatusReport } from '../control/contract.js';
import { type Cell, type Colour, elapsed, type Paint, table } from './style.js';

export function operationsView({ services, checkers }: StatusReport, paint: Paint): string[] {
  return [
    ...(services.length === 0
      ? []
      : rows(['SERVICE', 'STATE', 'FOR', 'RESTARTS', 'WHY'], services.map(serviceRow), paint)),
    ...(services.length > 0 && checkers.length > 0 ? [''] : []),
    ...(checkers.length === 0
      ? []
      : rows(['CHECKER', 'STATE', 'TOOK', 'IF IT FAILS', 'LAST'], checkers.map(checkerRow), paint)),
  ];
}

function rows(titles: readonly string[], cells: readonly Cell[][], paint: Paint): string[] {
  return table([titles.map((text): Cell => ({ text, colour: 'dim' })), ...cells], paint);
}

function serviceRow({ name, state, forMs, restarts, maxRestarts, reason }: ServiceReport): Cell[] {
  const colour: Colour = state === 'ready' ? 'green' : state === 'spent' || state === 'stopped' ? 'red' : 'yellow';
  return [
    { text: name },
    { text: state, colour },
    { text: elapsed(forMs) },
    { text: `${restarts} of ${maxRestarts}` },
    { text: reason },
  ];
}

function checkerRow({ name, state, tookMs, onFail, detail, failures }: CheckerReport): Cell[] {
  const colour: Colour = state === 'well' ? 'green' : state === 'failed' ? 'red' : 'yellow';
  const took = tookMs === null ? '-' : elapsed(tookMs);
  const times = failures > 1 ? `${detail} (${failures} times)` : detail;
  return [{ text: name }, { text: state, colour }, { text: took }, { text: onFail }, { text: times }];
}
