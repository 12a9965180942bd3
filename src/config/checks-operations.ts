/** What the fields of services and checkers must be to each other. */
import type { CrossFault } from './checks.js';
import { parseDuration } from './duration.js';
import { isMap, Problem, shown } from './problem.js';
import { parseAction } from './schema-operations.js';
import type { Path } from './source.js';
import { didYouMean } from './suggest.js';

type RawMap = Readonly<Record<string, unknown>>;

export function serviceFaults(path: Path, service: RawMap): CrossFault[] {
  const commands = ['start', 'stop', 'restart'].filter((key) => service[key] !== undefined);
  if (service.systemd === undefined) {
    if (service.start !== undefined) return [];
    return [{ path, message: 'the service cannot be started: write systemd: UNIT, or start: with a shell command' }];
  }
  return commands.map((key) => ({
    path: [...path, key],
    message: `systemd knows how to ${key} its unit: remove ${key}, or remove systemd`,
    atKey: true,
  }));
}

export function checkerFaults(path: Path, checker: RawMap, services: unknown): CrossFault[] {
  return [...actionFaults(path, checker, services), ...timeoutFaults(path, checker), ...processFaults(path, checker)];
}

function actionFaults(path: Path, checker: RawMap, services: unknown): CrossFault[] {
  const action = typeof checker['on-fail'] === 'string' ? parseAction(checker['on-fail']) : null;
  if (action === null || action instanceof Problem || action.action !== 'restart') return [];
  const names = (Array.isArray(services) ? services : []).flatMap((service: unknown) =>
    isMap(service) && typeof service.name === 'string' ? [service.name] : [],
  );
  if (names.includes(action.service)) return [];
  const guess = didYouMean(action.service, names) || '; write the name of one that stands under services';
  const message = `there is no service ${shown(action.service)}${guess}`;
  return [{ path: [...path, 'on-fail'], message }];
}

function timeoutFaults(path: Path, checker: RawMap): CrossFault[] {
  const ms = (key: string) => (typeof checker[key] === 'string' ? parseDuration(checker[key]) : null);
  const [interval, timeout] = [ms('interval'), ms('timeout')];
  if (typeof interval !== 'number' || typeof timeout !== 'number' || timeout <= interval) return [];
  const message = `a check may not outlast its interval: write ${checker.interval} or less, or a longer interval`;
  return [{ path: [...path, 'timeout'], message }];
}

function processFaults(path: Path, checker: RawMap): CrossFault[] {
  if (checker.type !== 'process') return [];
  const given = ['process', 'pid-file'].filter((key) => checker[key] !== undefined);
  if (given.length === 1) return [];
  const message = given.length === 0 ? 'write process: NAME or pid-file: PATH' : 'write process or pid-file, not both';
  return [{ path, message }];
}
