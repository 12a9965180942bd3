/** What happens to the farm: nodes join, drain, come back, change their weight, and the config is rolled out, in a random order. */
import { readFileSync, writeFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { ControlClient } from '../../../src/control/client.js';
import type { StatusReport } from '../../../src/control/contract.js';
import { labStart } from '../../../src/lab/lab.js';
import { labPaths, nodePaths } from '../../../src/lab/names.js';
import { eventually, healthOf } from '../../../src/lab/processes.js';

export interface FarmEvent {
  readonly what: 'join' | 'drain' | 'weight' | 'reload';
  /** For people. */
  readonly text: string;
  readonly act: () => Promise<void>;
}

const SETTLE_TIMEOUT_MS = 15_000;
/** Shares are exact up to one bucket of 4096. */
const SHARE_TOLERANCE = 1.5 / 4096;

/** A farm of which we know what it should look like, whatever was done to it. */
export class KnownFarm {
  readonly #lab: string;
  readonly #nodes: readonly string[];
  readonly #up: Set<string>;
  readonly #weights = new Map<string, number>();
  #extraRules = 0;

  /** @param up nodes that hold a share now; the others' agents do not run. */
  constructor(lab: string, nodes: readonly string[], up: readonly string[]) {
    this.#lab = lab;
    this.#nodes = nodes;
    this.#up = new Set(up);
  }

  get up(): readonly string[] {
    return this.#nodes.filter((node) => this.#up.has(node));
  }

  /** Node -> part of the new connections that it should get. */
  shares(): Readonly<Record<string, number>> {
    const total = this.up.reduce((sum, node) => sum + this.#weight(node), 0);
    return Object.fromEntries(this.#nodes.map((node) => [node, this.#up.has(node) ? this.#weight(node) / total : 0]));
  }

  /** The next event of the sequence that `random` gives. Two nodes at least stay up. */
  next(random: () => number): FarmEvent {
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
    const away = this.#nodes.filter((node) => !this.#up.has(node));
    const kinds: FarmEvent['what'][] = ['weight', 'reload'];
    if (away.length > 0) kinds.push('join', 'join');
    if (this.#up.size > 2) kinds.push('drain', 'drain');
    switch (pick(kinds)) {
      case 'join':
        return this.join(pick(away));
      case 'drain':
        return this.drain(pick(this.up));
      case 'weight':
        return this.weight(pick(this.up), 1 + Math.floor(random() * 4));
      case 'reload':
        return this.reload(random() < 0.5);
    }
  }

  join(node: string): FarmEvent {
    const act = async () => {
      await labStart(this.#lab, node);
      this.#up.add(node);
    };
    return { what: 'join', text: `${node} joins`, act };
  }

  drain(node: string): FarmEvent {
    const act = async () => {
      await this.#client(node).command({ command: 'drain', node, deadlineMs: 600_000 });
      this.#up.delete(node);
    };
    return { what: 'drain', text: `${node} drains`, act };
  }

  /** One node alone reads the new file: a weight need not be known to others. */
  weight(node: string, weight: number): FarmEvent {
    const act = async () => {
      this.#weights.set(node, weight);
      this.#writeConfig();
      await this.#client(node).reload();
    };
    return { what: 'weight', text: `${node} weighs ${weight}`, act };
  }

  /** Another rule for all: one node after the other, or all at once. */
  reload(atOnce: boolean): FarmEvent {
    const act = async () => {
      this.#extraRules = (this.#extraRules + 1) % 3;
      this.#writeConfig();
      const running = this.#nodes.filter((node) => healthOf(this.#lab, node, 'agent') === 'running');
      if (atOnce) await Promise.all(running.map((node) => this.#client(node).reload()));
      else for (const node of running) await this.#client(node).reload();
    };
    return { what: 'reload', text: `new rules, ${atOnce ? 'all at once' : 'one by one'}`, act };
  }

  /** Waits until every node that is up sees the shares that it should see. @returns how long it took, ms. */
  async settle(): Promise<number> {
    const begun = performance.now();
    let obstacle = '';
    const settled = async () => {
      obstacle = (await this.#obstacle()) ?? '';
      return obstacle === '';
    };
    if (await eventually(settled, SETTLE_TIMEOUT_MS, 50)) return performance.now() - begun;
    throw new Error(`not settled within ${SETTLE_TIMEOUT_MS} ms: ${obstacle}`);
  }

  async #obstacle(): Promise<string | null> {
    const shares = this.shares();
    for (const node of this.up) {
      const report = await this.status(node);
      if (report === null) return `${node} does not answer`;
      if (report.state !== 'up' || !report.view.agreed) return `${node} is ${report.state} (${report.reason})`;
      for (const { name, share } of report.members) {
        const due = shares[name] ?? 0;
        if (Math.abs(share - due) > SHARE_TOLERANCE) return `${node} sees ${name} hold ${share} instead of ${due}`;
      }
    }
    return null;
  }

  status(node: string): Promise<StatusReport | null> {
    return this.#client(node)
      .status()
      .catch(() => null);
  }

  /** Its agent was killed. */
  lost(node: string): void {
    this.#up.delete(node);
  }

  #client(node: string): ControlClient {
    return new ControlClient(nodePaths(this.#lab, node).runDir, 10_000);
  }

  #weight(node: string): number {
    return this.#weights.get(node) ?? 1;
  }

  #writeConfig(): void {
    const path = labPaths(this.#lab).config;
    const config = parse(readFileSync(path, 'utf8')) as { rules: { name: string }[]; nodes?: object };
    const rules = config.rules.filter(({ name }) => !name.startsWith('extra'));
    const extra = Array.from({ length: this.#extraRules }, (_, index) => ({
      name: `extra-${index}`,
      protocol: 'udp',
      ports: [9000 + index],
    }));
    const nodes = Object.fromEntries([...this.#weights].map(([node, weight]) => [node, { weight }]));
    writeFileSync(path, stringify({ ...config, rules: [...rules, ...extra], nodes }));
  }
}

/** mulberry32: a sequence that a seed replays. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
