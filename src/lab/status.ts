/** What a node says of itself: its own `covey status --json`, as any user would ask. */
import { ControlClient } from '../control/client.js';
import { CommandError, run } from '../platform/run.js';
import { CLI, nodePaths } from './names.js';

export interface MemberReport {
  readonly name: string;
  readonly state: string;
  readonly reason: string;
  readonly share: number;
  readonly heldBuckets: number;
  readonly keeps: number;
  readonly lastHeardMs: number | null;
}

/** The part of `status --json` (version 1) that the lab reads. */
export interface NodeReport {
  readonly version: number;
  readonly farm: string;
  readonly node: string;
  readonly state: string;
  readonly reason: string;
  readonly software: { readonly engine: string; readonly engineReason: string };
  readonly reach: { readonly mode: string; readonly reason: string };
  readonly view: { readonly digest: string; readonly agreed: boolean };
  readonly members: readonly MemberReport[];
  readonly counters: Readonly<Record<string, number | Readonly<Record<string, number>>>>;
}

/** Runs the CLI against the node's agent. Exit code 4 (degraded) still prints a report. Throws CommandError otherwise. */
export async function nodeReport(lab: string, node: string): Promise<NodeReport> {
  return JSON.parse(await covey(lab, node, ['status', '--json'], [4])) as NodeReport;
}

/** Standard output of one `covey` command for a node. `tolerated` are exit codes besides 0 that still count as an answer. */
export async function covey(
  lab: string,
  node: string,
  words: readonly string[],
  tolerated: readonly number[] = [],
): Promise<string> {
  const { runDir } = nodePaths(lab, node);
  // The unix socket is reached by its path, so no namespace needs to be entered.
  const script = [CLI, ...words, '--run-dir', runDir];
  try {
    return (await run(process.execPath, script)).stdout;
  } catch (cause) {
    if (cause instanceof CommandError && cause.exitCode !== null && tolerated.includes(cause.exitCode))
      return cause.output.stdout;
    throw cause;
  }
}

/** Null when the node does not answer. Asks without the CLI: polling by processes would load the machine that is tested. */
export async function reportOrNull(lab: string, node: string): Promise<NodeReport | null> {
  return new ControlClient(nodePaths(lab, node).runDir).status().catch(() => null);
}

const SHARE_TOLERANCE = 1e-6;

/** Why `report` is not yet that of a whole farm in which exactly `nodes` serve; null when it is. */
export function notWhole(report: NodeReport, nodes: readonly string[]): string | null {
  if (report.state !== 'up') return `${report.node} is ${report.state}${report.reason ? ` (${report.reason})` : ''}`;
  const up = report.members.filter((member) => member.state === 'up').map((member) => member.name);
  const missing = nodes.filter((name) => !up.includes(name));
  if (missing.length > 0) return `${report.node} does not see ${missing.join(', ')} up`;
  if (up.length !== nodes.length)
    return `${report.node} still counts ${up.filter((name) => !nodes.includes(name)).join(', ')}`;
  const total = report.members.reduce((sum, member) => sum + member.share, 0);
  if (Math.abs(total - 1) > SHARE_TOLERANCE) return `${report.node} counts shares of ${(total * 100).toFixed(1)} %`;
  const idle = report.members.find((member) => up.includes(member.name) && member.share === 0);
  return idle === undefined ? null : `${report.node} sees no share of ${idle.name}`;
}
