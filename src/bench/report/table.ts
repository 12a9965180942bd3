/** The report as text for a terminal. Pure. */
import type { Figure, FigureResult, PeerResult, Report, ScenarioResult } from '../contract.js';

const NAME_COLUMNS = 19;
const VALUE_COLUMNS = 34;
const RATIO_COLUMNS = 28;

export function reportLines(report: Report): readonly string[] {
  return [...report.scenarios.flatMap((one) => scenarioLines(one, report.rounds)), ...machineLines(report)];
}

export function machineLines({
  machine,
  rounds,
  secondsPerMeasurement,
  tookSeconds,
  command,
}: Report): readonly string[] {
  const programs = Object.entries(machine.programs).map(([name, version]) => `${name} ${version}`);
  return [
    `${machine.cores} cores (${machine.processor}), ${machine.memoryMiB} MiB, Linux ${machine.kernel}, Node ${machine.node}, Covey ${machine.covey}${machine.commit === null ? '' : ` (${machine.commit})`}`,
    `${programs.join(', ')}; load average before ${machine.loadBefore}, after ${machine.loadAfter}; client, switch and nodes share these cores`,
    `${rounds === 1 ? '1 round' : `${rounds} rounds`}, peers in turn; ${secondsPerMeasurement} s a measurement; medians, (smallest..largest); ratios of the same round; ${Math.round(tookSeconds)} s in all`,
    `command: ${command}`,
  ];
}

function scenarioLines(scenario: ScenarioResult, rounds: number): readonly string[] {
  const lines = [`${scenario.id}: ${scenario.title}`, ''];
  for (const figure of scenario.figures) lines.push(...figureLines(figure, scenario, rounds), '');
  for (const { name, reason, install } of scenario.absent)
    lines.push(`absent: ${name}: ${reason}${install === null ? '' : `; to have it: ${install}`}`);
  for (const { name, notes } of scenario.peers) lines.push(...notes.map((note) => `${name}: ${note}`));
  if (scenario.isCut) lines.push('Not all rounds were done: the time was over, or it was interrupted.');
  return [...lines, ''];
}

function figureLines(figure: Figure, { peers, base }: ScenarioResult, rounds: number): readonly string[] {
  const arrow = figure.better === 'more' ? 'more is better' : 'less is better';
  const rows = peers.map((peer) => row(figure, peer, base, rounds));
  return [`  ${figure.name}, ${figure.unit} (${arrow})`, ...rows];
}

function row({ id, digits }: Figure, peer: PeerResult, base: string, rounds: number): string {
  const result = peer.figures[id];
  const name = `    ${peer.name.padEnd(NAME_COLUMNS)}`;
  if (result === undefined) return `${name}not measured`;
  const value = `${number(result.median, digits)}  (${number(result.min, digits)}..${number(result.max, digits)})`;
  const fewer = result.n === rounds ? '' : `of ${result.n} rounds`;
  return `${name}${value.padEnd(VALUE_COLUMNS)}${ratioText(result, base).padEnd(RATIO_COLUMNS)}${fewer}`.trimEnd();
}

/** `0.92 x direct (0.88..0.95)`. */
export function ratioText({ ratio }: FigureResult, base: string): string {
  if (ratio === null) return '';
  return `${number(ratio.median, 2)} x ${base} (${number(ratio.min, 2)}..${number(ratio.max, 2)})`;
}

export function number(value: number, digits: number): string {
  return value.toFixed(digits);
}
