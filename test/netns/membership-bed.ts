/**
 * What the membership scenarios share: a client that asks with ids of its own, what the nodes say they took, and faults on the
 * switch.
 *
 *     client ---- switch (nft: drops what a scenario says) ---- n1, n2, n3
 *       | datagrams to the VIP's port 53, connections to its port 80
 *       v
 *     each node: an echo and an HTTP service, each of which writes down every id before it answers
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, expect } from 'vitest';
import { ControlClient } from '../../src/control/client.js';
import type { StatusReport } from '../../src/control/contract.js';
import { labPaths, nodePaths, portOf, VIP } from '../../src/lab/names.js';
import { agentProcesses, signalAll } from '../../src/lab/processes.js';
import { gaps } from '../../src/lab/tally.js';
import { type Background, type Farm, ROOT, until } from './farm.js';

const FIXTURES = join(ROOT, 'test', 'netns', 'fixtures');
/** EtherType of heartbeats. */
export const HEARTBEATS = 'ether type 0x88b5';

/** One request of the witness. */
export interface Sent {
  readonly id: string;
  /** CLOCK_MONOTONIC. */
  readonly sentMs: number;
  /** Who answered, in order; more than one is a violation of I1. */
  readonly answers: readonly string[];
}

export interface Testimony {
  readonly datagrams: readonly Sent[];
  readonly connections: readonly Sent[];
  /** Requests whose id more than one node took, or one node twice. */
  readonly doubles: readonly Sent[];
  /** The longest stretch, ms, from the first to the last of a row of datagrams that nobody answered. */
  readonly longestGapMs: number;
  /** Ids taken, by node. */
  readonly taken: ReadonlyMap<string, number>;
}

export interface Witness {
  stop(): Promise<Testimony>;
}

const SOURCE_PORTS = 60;
const DATAGRAMS_PER_SECOND = 600;
const CONNECTIONS_PER_SECOND = 20;
/** Every node is seen serving before a scenario, and again after it. */
const BEFORE_AND_AFTER_MS = 300;

export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Lets time pass that is part of a scenario: the length of a stall, not the wait for something. */
export function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export class MembershipBed {
  #witnesses = 0;

  constructor(readonly farm: Farm) {
    beforeAll(async () => {
      for (const node of farm.nodes) {
        const echo = farm.background(node, ['node', join(FIXTURES, 'id-echo.mjs'), node, this.#echoLog(node), '53']);
        await until(`the echo of ${node}`, () => echo.stdout().includes('listening'));
      }
    });
    beforeEach(({ onTestFailed }) => {
      const known = new Map(farm.nodes.map((node) => [node, this.log(node).length]));
      onTestFailed(() => {
        for (const node of farm.nodes)
          console.error(`${node} said meanwhile:\n${this.log(node).slice(known.get(node))}`);
      });
    });
  }

  status(node: string): Promise<StatusReport> {
    return new ControlClient(nodePaths(this.farm.lab, node).runDir).status();
  }

  /** Null while the node does not answer. */
  statusOrNull(node: string): Promise<StatusReport | null> {
    return this.status(node).catch(() => null);
  }

  async incarnations(nodes: readonly string[] = this.farm.nodes): Promise<readonly number[]> {
    return (await Promise.all(nodes.map((node) => this.status(node)))).map(({ incarnation }) => incarnation);
  }

  /**
   * SIGSTOP for so long, to the millisecond as far as this machine lets us. `covey lab stall` and `start` are too coarse for that: each looks
   * at the lab before it acts. It begins right when `isMoment` says so. @returns for how long the node stood in truth, ms.
   */
  async stand(node: string, ms: number, isMoment: () => Promise<boolean>): Promise<number> {
    // To look for them takes as long as some leases last.
    const processes = agentProcesses(this.farm.lab, node);
    await until('the moment has come', isMoment);
    signalAll(processes, 'SIGSTOP');
    const sinceMs = nowMs();
    await pass(ms);
    signalAll([...processes].reverse(), 'SIGCONT');
    return nowMs() - sinceMs;
  }

  /** Waits until each of `nodes` says that exactly they serve, with all buckets between them. */
  whole(nodes: readonly string[] = this.farm.nodes, timeoutMs = 15_000): Promise<unknown> {
    return until(
      `a whole farm of ${nodes}`,
      async () => {
        for (const node of nodes) if (!isWhole(await this.statusOrNull(node), nodes)) return false;
        return true;
      },
      timeoutMs,
    );
  }

  /** Waits until `node` says that it waits, for a reason like `why`. */
  waits(node: string, why: RegExp, timeoutMs = 5000): Promise<unknown> {
    const isSo = (report: StatusReport | null) => report?.state === 'waiting' && why.test(report.reason);
    return until(`${node} waits for ${why}`, async () => isSo(await this.statusOrNull(node)), timeoutMs);
  }

  /** Waits until the events of `node` say something like `what`. */
  events(node: string, what: RegExp, timeoutMs = 5000): Promise<unknown> {
    const client = new ControlClient(nodePaths(this.farm.lab, node).runDir);
    return until(
      `${node} tells ${what}`,
      async () => what.test(JSON.stringify(await client.events({ since: null, limit: 1000 }))),
      timeoutMs,
    );
  }

  /** [supervisor, agent] of a node. */
  pids(node: string): readonly number[] {
    return agentProcesses(this.farm.lab, node).map(({ pid }) => pid);
  }

  log(node: string): string {
    return readFileSync(nodePaths(this.farm.lab, node).agentLog, 'utf8');
  }

  /** The sum of all counters of `status` under one of `names`. */
  async counters(node: string, names: readonly string[]): Promise<number> {
    const { counters } = await this.status(node);
    return names.reduce((sum, name) => sum + this.farm.counter({ counters } as never, name), 0);
  }

  async witness(): Promise<Witness> {
    this.#witnesses += 1;
    const prefix = `w${this.#witnesses}`;
    const options = {
      prefix,
      vip: VIP,
      ports: SOURCE_PORTS,
      perSecond: DATAGRAMS_PER_SECOND,
      connectionsPerSecond: CONNECTIONS_PER_SECOND,
      timeoutMs: 3000,
    };
    const words = ['node', join(FIXTURES, 'id-witness.mjs'), JSON.stringify(options)];
    const child = this.farm.background('client', words);
    await until('the witness runs', () => child.stdout().includes('running'));
    await pass(BEFORE_AND_AFTER_MS);
    return { stop: () => this.#testimony(prefix, child) };
  }

  async #testimony(prefix: string, child: Background): Promise<Testimony> {
    await pass(BEFORE_AND_AFTER_MS);
    child.stop();
    const code = await child.ended;
    if (code !== 0) throw new Error(`the witness ended with ${code}: ${child.stderr()}`);
    const report = JSON.parse(child.stdout().split('\n')[1]!) as {
      datagrams: readonly [string, number, string[]][];
      connections: readonly [string, number, string | null, string | null][];
    };
    const datagrams = report.datagrams.map(([id, sentMs, answers]) => ({ id, sentMs, answers }));
    const connections = report.connections.map(([id, sentMs, node]) => ({
      id,
      sentMs,
      answers: node === null ? [] : [node],
    }));
    const takers = this.#takers(prefix);
    const doubles = [...datagrams, ...connections].filter(
      ({ id, answers }) => (takers.get(id)?.length ?? 0) > 1 || answers.length > 1,
    );
    for (const { id, answers } of [...datagrams, ...connections]) {
      for (const node of answers) expect(takers.get(id)).toContain(node);
    }
    const taken = new Map(this.farm.nodes.map((node) => [node, 0]));
    for (const nodes of takers.values()) for (const node of nodes) taken.set(node, taken.get(node)! + 1);
    const lost = datagrams.filter(({ answers }) => answers.length === 0).map(({ sentMs }) => sentMs);
    return { datagrams, connections, doubles, taken, longestGapMs: Math.max(0, ...gaps(lost)) };
  }

  /** Id -> the nodes whose services wrote it down. */
  #takers(prefix: string): ReadonlyMap<string, readonly string[]> {
    const takers = new Map<string, string[]>();
    for (const node of this.farm.nodes) {
      const echoed = readFileSync(this.#echoLog(node), 'utf8').split('\n');
      for (const id of [...echoed, ...this.farm.answeredIds(node)]) {
        if (!id.startsWith(`${prefix}-`)) continue;
        const nodes = takers.get(id);
        if (nodes === undefined) takers.set(id, [node]);
        else nodes.push(node);
      }
    }
    return takers;
  }

  #echoLog(node: string): string {
    return join(labPaths(this.farm.lab).directory, node, 'echo.log');
  }

  /** Drops on the switch what `rules` say, each the matching part of one nft rule; replaces what was dropped before. */
  async drop(rules: readonly string[]): Promise<void> {
    const drops = rules.map((rule) => `${rule} drop\n`).join('');
    const chain = `chain forward {\ntype filter hook forward priority 0\n${drops}}`;
    await this.#nft(`table bridge fault\ndelete table bridge fault\ntable bridge fault {\n${chain}\n}\n`);
  }

  dropNothing(): Promise<void> {
    return this.#nft('table bridge fault\ndelete table bridge fault\n');
  }

  async #nft(input: string): Promise<void> {
    await this.farm.exec('switch', ['nft', '-f', '-'], { input });
  }
}

/** Matches the frames from `from` to `to` on the switch; `what` narrows them. */
export function between(from: string, to: string, what = ''): string {
  return `iifname "${portOf(from)}" oifname "${portOf(to)}" ${what}`;
}

export function isWhole(report: StatusReport | null, nodes: readonly string[]): boolean {
  if (report?.state !== 'up' || !report.view.agreed) return false;
  const up = report.members.filter(({ state }) => state === 'up');
  const shares = up.reduce((sum, { share }) => sum + share, 0);
  return `${up.map(({ name }) => name).sort()}` === `${[...nodes].sort()}` && Math.abs(shares - 1) < 1e-6;
}

/** I1, and that the testimony is worth something: enough was asked, and nearly all of it answered by somebody. */
export function expectOneOwner(testimony: Testimony): void {
  expect(testimony.doubles).toEqual([]);
  const answered = testimony.datagrams.filter(({ answers }) => answers.length === 1);
  expect(answered.length).toBeGreaterThan(200);
}
