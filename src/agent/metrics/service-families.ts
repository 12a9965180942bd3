/** Metrics of services and checkers; a `custom` checker is there as what a script said last. Pure. */
import type { CheckState } from '../../checkers/contract.js';
import type { StatusReport } from '../../control/contract.js';
import type { ServiceState } from '../../services/contract.js';
import { type Family, flag, gauge, type Sample, seconds, stateSet } from './family.js';

const SERVICE_STATES: Readonly<Record<ServiceState, true>> = {
  stopped: true,
  looking: true,
  starting: true,
  ready: true,
  pausing: true,
  restarting: true,
  spent: true,
  stopping: true,
};
const CHECK_STATES: Readonly<Record<CheckState, true>> = {
  idle: true,
  starting: true,
  well: true,
  failed: true,
  unable: true,
};

export function serviceFamilies({ services, checkers }: Pick<StatusReport, 'services' | 'checkers'>): Family[] {
  const ofService = (value: (service: (typeof services)[number]) => number): readonly Sample[] =>
    services.map((service) => ({ labels: { service: service.name }, value: value(service) }));
  const ofChecker = (value: (checker: (typeof checkers)[number]) => number | null): readonly Sample[] =>
    checkers.flatMap((checker) => {
      const sample = value(checker);
      return sample === null ? [] : [{ labels: { checker: checker.name, type: checker.type }, value: sample }];
    });
  return [
    gauge(
      'covey_service_state',
      'State of the service: 1 for the present one; spent: given up.',
      services.flatMap(({ name, state }) => states({ service: name }, SERVICE_STATES, state)),
    ),
    gauge(
      'covey_service_restarts',
      'Restarts of the service within its window.',
      ofService(({ restarts }) => restarts),
    ),
    gauge(
      'covey_service_restarts_limit',
      'Restarts within its window after which the service is given up.',
      ofService(({ maxRestarts }) => maxRestarts),
    ),
    gauge(
      'covey_service_holds_node',
      '1 while the node takes no client because of the service.',
      ofService(({ holdsNode }) => flag(holdsNode)),
    ),
    gauge(
      'covey_checker_state',
      'State of the checker: 1 for the present one.',
      checkers.flatMap(({ name, type, state }) => states({ checker: name, type }, CHECK_STATES, state)),
    ),
    gauge(
      'covey_checker_failures',
      'Failures in a row.',
      ofChecker(({ failures }) => failures),
    ),
    gauge(
      'covey_checker_duration_seconds',
      'How long the last check took.',
      ofChecker(({ tookMs }) => (tookMs === null ? null : seconds(tookMs))),
    ),
  ];
}

function states<State extends string>(
  labels: Readonly<Record<string, string>>,
  all: Readonly<Record<State, true>>,
  present: State,
): readonly Sample[] {
  return stateSet('state', Object.keys(all), present).map(({ labels: own, value }) => ({
    labels: { ...labels, ...own },
    value,
  }));
}
