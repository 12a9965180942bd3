/** `covey bench [SCENARIO...]`: scenarios in labs on this machine, from the checks before to the report after. */
import type { BedOptions, Report, Scenario, ScenarioResult } from './contract.js';
import { currentLoad, describeMachine } from './machine.js';
import { isInstalled, present } from './programs.js';
import { runScenario } from './rounds.js';

export interface LabBenchOptions extends BedOptions {
  readonly scenarios: readonly Scenario[];
  readonly rounds: number;
  /** No measurement begins after so many seconds. */
  readonly limitSeconds: number;
  readonly command: string;
  readonly nowMs: () => number;
  /** ISO 8601, UTC. */
  readonly wallTime: () => string;
}

export async function runLabBench(options: LabBenchOptions): Promise<Report> {
  const { scenarios, rounds, seconds, command, nowMs } = options;
  const begun = options.wallTime();
  const begunMs = nowMs();
  const machine = await describeMachine(programsOf(scenarios));
  const results: ScenarioResult[] = [];
  for (const [index, scenario] of scenarios.entries()) {
    options.say(`${scenario.id}: ${scenario.title}`);
    const { there, absent } = present(scenario.peers);
    for (const one of absent) options.say(`absent: ${one.name}: ${one.reason}`);
    const endMs = begunMs + (options.limitSeconds * 1000 * (index + 1)) / scenarios.length;
    try {
      results.push(await runScenario(scenario, there, absent, { ...options, endMs }));
    } catch (cause) {
      // Interrupted while beds were set up: what scenarios before it have measured is worth showing.
      if (!options.signal.aborted || results.length === 0) throw cause;
    }
    if (options.signal.aborted) break;
  }
  return {
    version: 1,
    kind: 'lab',
    begun,
    tookSeconds: (nowMs() - begunMs) / 1000,
    command,
    rounds,
    secondsPerMeasurement: seconds,
    machine: { ...machine, loadAfter: currentLoad() },
    scenarios: results,
  };
}

function programsOf(scenarios: readonly Scenario[]) {
  const all = scenarios.flatMap(({ peers }) => peers.flatMap(({ needs }) => needs));
  return [...new Set(all)].filter((program) => isInstalled(program));
}
