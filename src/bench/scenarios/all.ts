/** Every scenario, in the order in which they run. */
import { BenchError, type Scenario } from '../contract.js';
import { accepted, rejected } from './datagrams.js';
import { faults } from './faults.js';
import { growth } from './growth.js';
import { http } from './http.js';
import { micro } from './micro.js';
import { latency } from './round-trips.js';
import { streams } from './streams.js';

export const SCENARIOS: readonly Scenario[] = [http, streams, accepted, rejected, latency, faults, growth, micro];

/** Those with these ids, all for none. Throws where there is no such scenario. */
export function chosenScenarios(ids: readonly string[], all = SCENARIOS): readonly Scenario[] {
  const known = all.map(({ id }) => id);
  const unknown = ids.find((id) => !known.includes(id));
  if (unknown !== undefined) throw new BenchError(`there is no scenario "${unknown}"; there are: ${known.join(', ')}`);
  return ids.length === 0 ? all : all.filter(({ id }) => ids.includes(id));
}

/** The scenario with only these peers, all for none, and its base always. Throws where none of the scenarios has a peer of a name. */
export function withPeers(scenarios: readonly Scenario[], names: readonly string[]): readonly Scenario[] {
  if (names.length === 0) return scenarios;
  const known = new Set(scenarios.flatMap(({ peers }) => peers.map(({ name }) => name)));
  const unknown = names.find((name) => !known.has(name));
  if (unknown !== undefined)
    throw new BenchError(`there is no peer "${unknown}" in these scenarios; there are: ${[...known].join(', ')}`);
  return scenarios.map((scenario) => {
    const peers = scenario.peers.filter(({ name }) => name === scenario.base || names.includes(name));
    return { ...scenario, peers };
  });
}
