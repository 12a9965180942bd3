/** `covey trace`: frames, live or from a file, and what becomes of each. */
import { electorate } from '../../config/resolve.js';
import type { TraceVerdict } from '../../control/contract.js';
import { AgentNotRunningError } from '../../control/errors.js';
import type { Capture, CapturedFrame } from '../../platform/pcap.js';
import { readConfig } from '../config-file.js';
import { EXIT, UsageError } from '../exit.js';
import type { CliParts } from '../parts.js';
import { coloured, plain } from '../style.js';
import { type Judge, TraceQueue } from '../trace/queue.js';
import { traceLine, traceRecord } from '../trace/view.js';

export interface TraceFlags {
  readonly runDir: string;
  readonly json?: boolean;
  readonly count?: number;
  readonly read?: string;
  readonly config?: string;
  readonly nodes?: readonly string[];
}

/** Live: 64 frames each 100 ms at most, and twice as many may wait. */
const LIVE = { room: 128, pauseMs: 100 };
/** A file is read in one go, and its frames wait in memory, half a kilobyte each. */
const FILE = { room: 200_000, pauseMs: 0 };

/** Who judges, and what there is to know of his farm. */
interface Court {
  readonly judge: Judge;
  /** The node whose verdicts they are; `farm`: of all nodes together. */
  readonly node: string;
  readonly vips: readonly string[];
  readonly interface: string;
}

export async function trace(parts: CliParts, words: readonly string[], flags: TraceFlags): Promise<number> {
  if (flags.read !== undefined) parts.capture.checkFile(flags.read);
  const court = await courtOf(parts, flags);
  const filter = words.length > 0 ? words.join(' ') : filterFor(court.vips);
  const show = shower(parts, flags, court.node);
  const pace = flags.read === undefined ? LIVE : FILE;
  const interruption = parts.interruption();
  const wait = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));
  const queue = new TraceQueue({ judge: court.judge, show, count: flags.count ?? null, wait, ...pace });
  const onFrame = (frame: CapturedFrame) => queue.put(frame);
  let capture: Capture | null = null;
  try {
    capture =
      flags.read === undefined
        ? parts.capture.openLive(court.interface, filter, onFrame)
        : parts.capture.openFile(flags.read, filter, onFrame);
    await Promise.race([queue.done, capture.ended.then(() => queue.drained()), interruption.happened]);
    // A judge that failed with the last batch is not passed over in silence.
    if (!interruption.isInterrupted) await Promise.race([queue.done, Promise.resolve()]);
    tellSkipped(parts, flags, queue.counts, capture.lost());
  } finally {
    interruption.release();
    capture?.close();
  }
  return EXIT.ok;
}

/** `--nodes` asks the code alone, whatever runs here; otherwise the agent judges. Without one, the config may name its nodes. */
async function courtOf(parts: CliParts, flags: TraceFlags): Promise<Court> {
  if (flags.nodes !== undefined) return twinCourt(parts, flags, flags.nodes);
  const control = parts.control(flags.runDir);
  const report = await control.status().catch((error: Error) => {
    if (!(error instanceof AgentNotRunningError) || flags.read === undefined) throw error;
    return error;
  });
  if (report instanceof Error) return courtOfConfig(parts, flags, report);
  if (flags.config !== undefined) {
    parts.terminal.errorLine(`judged by the agent here, ${report.node}; --config counts only with --nodes n1,n2,...`);
  }
  const judge: Judge = async (frames) => {
    const request = frames.map(({ bytes, length }) => ({ data: Buffer.from(bytes).toString('base64'), length }));
    return (await control.trace({ frames: request })).verdicts;
  };
  return { judge, node: report.node, vips: report.vips, interface: report.interface };
}

async function courtOfConfig(parts: CliParts, flags: TraceFlags, noAgent: AgentNotRunningError): Promise<Court> {
  const names = flags.config === undefined ? [] : electorate(await readConfig(parts, flags.config));
  if (names.length === 0) {
    throw new UsageError(
      `${noAgent.message}, so nobody can say what it would do with the frames`,
      'say of which farm: covey trace --read FILE --config covey.yaml --nodes n1,n2,n3',
    );
  }
  parts.terminal.errorLine(
    `no agent runs here: judged by the plan of the nodes that the config names, ${names.join(', ')}`,
  );
  return twinCourt(parts, flags, names);
}

async function twinCourt(parts: CliParts, flags: TraceFlags, nodes: readonly string[]): Promise<Court> {
  if (flags.read === undefined)
    throw new UsageError('--nodes imagines a farm, for captures that are read from a file', 'add --read FILE');
  if (flags.config === undefined)
    throw new UsageError('--nodes needs the config of the farm', 'add --config covey.yaml');
  const { vips, judge, lacks } = await parts.imagineFarm(flags.config, nodes);
  if (lacks !== null) parts.terminal.errorLine(lacks);
  return { judge: async (frames) => judge(frames), node: 'farm', vips, interface: '' };
}

/** Frames for the VIPs; solicitations for them go to a group of their own. */
export function filterFor(vips: readonly string[]): string {
  const hosts = vips.map((vip) => `dst host ${vip.split('/')[0]}`);
  const hasIpv6 = vips.some((vip) => vip.includes(':'));
  return [...hosts, ...(hasIpv6 ? ['(icmp6 and ip6[40] = 135)'] : [])].join(' or ');
}

function shower({ terminal }: CliParts, flags: TraceFlags, node: string) {
  const paint = terminal.hasColours ? coloured : plain;
  return (frame: CapturedFrame, verdict: TraceVerdict) =>
    terminal.line(
      flags.json === true ? JSON.stringify(traceRecord(frame, verdict, node)) : traceLine(frame, verdict, paint),
    );
}

function tellSkipped({ terminal }: CliParts, flags: TraceFlags, counts: TraceQueue['counts'], lost: number): void {
  if (flags.json === true) terminal.line(JSON.stringify({ version: 1, type: 'summary', ...counts, lost }));
  const words = [
    ...(counts.skipped > 0 ? [`${counts.skipped} frames were skipped: more came than are asked about`] : []),
    ...(lost > 0 ? [`${lost} frames were lost by the capture`] : []),
    ...(counts.seen === 0 && flags.json !== true ? ['no frame matched'] : []),
  ];
  for (const line of words) terminal.errorLine(line);
}
