/** `covey status` for people. Pure: a report in, lines out. */
import type { StatusReport } from '../control/contract.js';
import type { MemberStatus } from '../membership/contract.js';
import { operationsView } from './operations-view.js';
import { bar, type Cell, type Colour, elapsed, grouped, type Paint, percent, table } from './style.js';
import { whyNotWhole } from './wholeness.js';

const BAR_WIDTH = 16;
const TOP_REASONS = 4;
const TOP_RULES = 4;

export interface StatusViewOptions {
  readonly paint: Paint;
  /** For `--watch`: an earlier report of the same agent and the time between, for rates. */
  readonly earlier?: { readonly report: StatusReport; readonly elapsedMs: number };
}

export function statusView(report: StatusReport, options: StatusViewOptions): readonly string[] {
  const { paint } = options;
  const sections = [
    headline(report, paint),
    nodeTable(report, paint),
    operationsView(report, paint),
    report.warnings.map((line) => `${paint('yellow', '!')} ${line}`),
    traffic(report, options),
  ];
  return sections.filter((lines) => lines.length > 0).flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]));
}

const label = (paint: Paint, name: string) => paint('dim', name.padEnd(8));

function headline(report: StatusReport, paint: Paint): string[] {
  const up = report.members.filter((member) => member.state === 'up').length;
  const reasons = whyNotWhole(report);
  const count = `${up} of ${report.members.length} nodes up`;
  const verdict = reasons.length === 0 ? paint('green', `whole, ${count}`) : paint('red', `degraded, ${count}`);
  const { mode, reason } = report.reach;
  return [
    `${label(paint, 'farm')} ${paint('bold', report.farm)}  ${verdict}`,
    ...reasons.map((line) => `${label(paint, '')} - ${line}`),
    `${label(paint, 'vips')} ${report.vips.join(', ')} on ${report.interface}`,
    `${label(paint, 'reach')} ${mode}${reason === '' ? '' : ` (${reason})`}`,
    `${label(paint, 'view')} ${report.view.digest.slice(0, 8)} ${viewWords(report, paint)}`,
    `${label(paint, 'here')} ${hereWords(report)}`,
    ...drainWords(report).map((line) => `${label(paint, 'drain')} ${line}`),
  ];
}

function viewWords(report: StatusReport, paint: Paint): string {
  const words = report.view.agreed ? 'agreed' : paint('yellow', 'not agreed');
  return report.grants === 0
    ? words
    : `${words}, ${report.grants} ${report.grants === 1 ? 'grant' : 'grants'} under way`;
}

function hereWords(report: StatusReport): string {
  const { remainingMs } = report.lease;
  const lease = remainingMs === null ? 'accepts nothing: no lease' : `lease ${Math.round(remainingMs)} ms`;
  const why = report.state === 'up' || report.reason === '' ? '' : ` (${report.reason})`;
  return `${report.node} is ${report.state}${why}, ${lease}, running ${elapsed(report.uptimeMs)}`;
}

function drainWords({ drain }: StatusReport): string[] {
  if (drain === null) return [];
  const time = drain.remainingMs === null ? 'no deadline' : `${elapsed(drain.remainingMs)} left`;
  const connections = drain.connections === null ? '' : `${counted(drain.connections, 'connection')}, `;
  return [`${connections}${counted(drain.left, 'kept key')} still served, ${time}`];
}

const counted = (count: number, noun: string) => `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;

function nodeTable(report: StatusReport, paint: Paint): string[] {
  const titles = ['NODE', 'STATE', 'SHARE', '', 'WEIGHT', 'KEEPS', 'HEARD', 'WHY'];
  const header = titles.map((text, column): Cell => ({ text, colour: 'dim', alignRight: isNumber(column) }));
  const members = [...report.members].sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  return table([header, ...members.map((member) => memberRow(member, report.node))], paint);
}

/** Columns of numbers are aligned right: share, weight, keeps, heard. */
const isNumber = (column: number) => [2, 4, 5, 6].includes(column);

function memberRow(member: MemberStatus, self: string): Cell[] {
  const isSelf = member.name === self;
  const heard = member.lastHeardMs === null ? 'never' : elapsed(member.lastHeardMs);
  const cells: Cell[] = [
    { text: isSelf ? `${member.name} *` : member.name },
    { text: member.state, colour: stateColour(member.state) },
    { text: percent(member.share) },
    { text: bar(member.share, BAR_WIDTH), colour: 'cyan' },
    { text: weightText(member) },
    { text: grouped(member.keeps) },
    { text: isSelf ? '-' : heard },
    // Nobody asks why a node is up.
    { text: member.state === 'up' ? '' : member.reason },
  ];
  return cells.map((cell, column) => ({ ...cell, alignRight: isNumber(column) }));
}

function weightText({ weight, weightPercent }: MemberStatus): string {
  return weightPercent === 100 ? String(weight) : `${weight} x ${weightPercent}%`;
}

function stateColour(state: MemberStatus['state']): Colour {
  if (state === 'up') return 'green';
  return state === 'dead' || state === 'stopped' ? 'red' : 'yellow';
}

/** What goes well in one line; what does not, only when it happened. */
function traffic(report: StatusReport, { paint, earlier }: StatusViewOptions): string[] {
  const count = (name: string) => counterOf(report, name);
  const rate = (name: string) => rateText(count(name), earlier && counterOf(earlier.report, name), earlier);
  const rejected = sumOf(report.counters.rejected);
  const rejectedRate = rateText(rejected, earlier && sumOf(earlier.report.counters.rejected), earlier);
  const main = [
    'accepted',
    'injected',
    'acceptedInKernel',
    'filteredInKernel',
    'relayed',
    'held',
    'replayed',
    'arpAnswered',
  ] as const;
  const words = main
    .filter((name, i) => i < 2 || count(name) > 0)
    .map((name) => `${name} ${grouped(count(name))}${rate(name)}`);
  return [
    `${label(paint, 'packets')} ${words.join(', ')}`,
    `${label(paint, 'rejected')} ${grouped(rejected)}${rejectedRate}${topReasons(report.counters.rejected, earlier)}`,
    ...ruleLine(report, paint, earlier),
    ...lossLine(report, paint),
    ...pathLine(report, paint),
    ...restartLine(report, paint),
    `${label(paint, 'software')} covey ${report.software.version}, capture by ${report.software.engine} (${report.software.engineReason})`,
  ];
}

function counterOf(report: StatusReport, name: string): number {
  const value = report.counters[name];
  return typeof value === 'number' ? value : 0;
}

type Earlier = StatusViewOptions['earlier'];

const sumOf = (counts: Readonly<Record<string, number>>) =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

/** ` (1,204/s)`; empty without an earlier count, and where the agent has begun anew in between. */
function rateText(now: number, before: number | undefined, earlier: Earlier): string {
  if (before === undefined || earlier === undefined || earlier.elapsedMs <= 0) return '';
  const perSecond = ((now - before) * 1000) / earlier.elapsedMs;
  return perSecond >= 0 ? ` (${grouped(perSecond)}/s)` : '';
}

function topReasons(rejected: Readonly<Record<string, number>>, earlier: Earlier): string {
  const reasons = Object.entries(rejected).filter(([, frames]) => frames > 0);
  const top = reasons.sort(([, a], [, b]) => b - a).slice(0, TOP_REASONS);
  const more = reasons.length > top.length ? `, ${reasons.length - top.length} more` : '';
  const rate = (name: string, frames: number) =>
    rateText(frames, earlier && (earlier.report.counters.rejected[name] ?? 0), earlier);
  const words = top.map(([name, frames]) => `${name} ${grouped(frames)}${rate(name, frames)}`);
  return top.length === 0 ? '' : `: ${words.join(', ')}${more}`;
}

/** Packets accepted by rule, the busiest first. */
function ruleLine({ rules }: StatusReport, paint: Paint, earlier: Earlier): string[] {
  const busy = rules.filter(({ packets }) => (packets?.accepted ?? 0) > 0);
  const top = busy.sort((a, b) => b.packets!.accepted - a.packets!.accepted).slice(0, TOP_RULES);
  const more = busy.length > top.length ? `, ${busy.length - top.length} more` : '';
  const before = (name: string) => earlier?.report.rules.find((rule) => rule.name === name)?.packets?.accepted;
  const words = top.map(({ name, packets }) => {
    const accepted = packets!.accepted;
    return `${name} ${grouped(accepted)}${rateText(accepted, before(name), earlier)}`;
  });
  return top.length === 0 ? [] : [`${label(paint, 'by rule')} accepted: ${words.join(', ')}${more}`];
}

const LOSSES = [
  'captureDrops',
  'injectErrors',
  'heldOverflow',
  'heldLapsed',
  'answerErrors',
  'controlOverflow',
  'tableFull',
  'vmacAsSource',
];

function lossLine(report: StatusReport, paint: Paint): string[] {
  const happened = LOSSES.filter((name) => counterOf(report, name) > 0);
  if (happened.length === 0) return [];
  const words = happened.map((name) => `${name} ${grouped(counterOf(report, name))}`).join(', ');
  return [`${label(paint, 'losses')} ${paint('yellow', words)}`];
}

function pathLine(report: StatusReport, paint: Paint): string[] {
  const words = report.paths.map(({ path, ok, detail }) => {
    const silent = silentOn(report, path);
    const state = ok ? 'ok' : paint('red', 'failed');
    const missing = silent.length === 0 ? '' : paint('yellow', `, silent: ${silent.join(', ')}`);
    return `${path} ${state}${detail === '' ? '' : ` (${detail})`}${missing}`;
  });
  return words.length === 0 ? [] : [`${label(paint, 'paths')} ${words.join('; ')}`];
}

/** Members that live by another path only: not heard on this one for longer than a lease. */
function silentOn(report: StatusReport, path: string): string[] {
  return report.members
    .filter(({ name, state }) => name !== report.node && state !== 'dead' && state !== 'stopped')
    .filter(({ paths }) => (paths[path] ?? Number.POSITIVE_INFINITY) > report.lease.durationMs)
    .map(({ name, paths }) => (paths[path] === undefined ? name : `${name} for ${elapsed(paths[path])}`));
}

function restartLine({ supervisor }: StatusReport, paint: Paint): string[] {
  if (supervisor.restarts === 0) return [];
  const times = `${supervisor.restarts} ${supervisor.restarts === 1 ? 'time' : 'times'}`;
  const last = supervisor.lastAt === null ? '' : `, last ${supervisor.lastAt}`;
  const backoff = supervisor.backoffMs > 0 ? `, ${supervisor.backoffMs} ms of back-off before it` : '';
  return [`${label(paint, 'restarts')} ${paint('yellow', times)}${last}: ${supervisor.lastReason}${backoff}`];
}
