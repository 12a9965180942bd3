/** A farm of rollouts on one bus, without agents: time, network and hosts are the test's. */
import type { ApplyOutcome, PreparedConfig, RolloutParts } from '../../../../src/agent/rollout/contract.js';
import { type ConfigMessage, decodeConfigMessage } from '../../../../src/agent/rollout/messages.js';
import type { ConfigEntry } from '../../../../src/agent/rollout/revision.js';
import { Rollout } from '../../../../src/agent/rollout/rollout.js';

export class FakeNode {
  rollout: Rollout;
  isAlive = true;
  incarnation = 1;
  inForce: string;
  /** Prepared and neither committed nor aborted. */
  prepared = 0;
  keptForLater = '';
  readonly events: { readonly event: string; readonly fields: Readonly<Record<string, unknown>> }[] = [];
  /** Throws what this host has against a text. */
  judge: (text: string) => void = () => undefined;
  onCommit: (text: string) => void = () => undefined;
  #history: ConfigEntry[] = [];

  constructor(
    readonly name: string,
    text: string,
    readonly bed: Bed,
  ) {
    this.inForce = text;
    this.rollout = this.#make();
  }

  /** Comes back with `text` in its file, and with its history unless that is lost, too. */
  restart(text: string, withHistory = true): void {
    this.isAlive = true;
    this.incarnation += 1;
    this.inForce = text;
    if (!withHistory) this.#history = [];
    this.rollout = this.#make();
  }

  seen(event: string): readonly Readonly<Record<string, unknown>>[] {
    return this.events.filter((one) => one.event === event).map(({ fields }) => fields);
  }

  #make(): Rollout {
    const parts: RolloutParts = {
      node: this.name,
      tell: (to, body) => this.bed.deliver(this, to, body),
      living: async () =>
        this.bed.nodes
          .filter((other) => other !== this && other.isAlive)
          .map(({ name, incarnation, inForce }) => ({ name, incarnation, isWaiting: inForce !== this.inForce })),
      prepare: async (text) => this.#prepare(text),
      keepForLater: async (text) => {
        this.keptForLater = text;
      },
      history: {
        entries: () => this.#history,
        find: (revision) => this.#history.find((entry) => entry.revision === revision) ?? null,
        withHash: (hash) => this.#history.findLast((entry) => entry.hash === hash) ?? null,
        add: (entry) => {
          this.#history = [...this.#history.filter(({ revision }) => revision !== entry.revision), entry];
        },
      },
      record: (_level, event, fields) => this.events.push({ event, fields }),
      nowMs: () => this.bed.nowMs,
      pause: (ms) => this.bed.pause(ms),
      hearingMs: () => 100,
      wallTime: () => '2026-11-28T12:00:00Z',
    };
    return new Rollout(this.inForce, parts);
  }

  #prepare(text: string): PreparedConfig {
    this.judge(text);
    this.prepared += 1;
    let isOver = false;
    const end = () => {
      if (!isOver) this.prepared -= 1;
      isOver = true;
    };
    return {
      changed: [`${this.inForce} -> ${text}`],
      warnings: [],
      commit: async () => {
        end();
        this.onCommit(text);
        this.inForce = text;
      },
      abort: async () => end(),
    };
  }
}

export class Bed {
  nowMs = 0;
  readonly nodes: FakeNode[];
  /** False: the message is lost. */
  passes: (from: string, to: string, message: ConfigMessage) => boolean = () => true;

  constructor(names: readonly string[], text = 'one') {
    this.nodes = names.map((name) => new FakeNode(name, text, this));
  }

  node(name: string): FakeNode {
    return this.nodes.find((node) => node.name === name)!;
  }

  deliver(from: FakeNode, to: string | null, body: Uint8Array): void {
    for (const node of this.nodes) {
      if (!from.isAlive || !node.isAlive || node === from || (to !== null && node.name !== to)) continue;
      if (!this.passes(from.name, node.name, decodeConfigMessage(body)!)) continue;
      setImmediate(() => {
        if (node.isAlive) void node.rollout.told(from.name, body);
      });
    }
  }

  /** The clock goes on; what is on its way arrives. */
  async pause(ms: number): Promise<void> {
    this.nowMs += ms;
    await new Promise((done) => setImmediate(done));
  }

  /** `ms` of the farm's life. */
  async live(ms: number): Promise<void> {
    for (const end = this.nowMs + ms; this.nowMs < end; ) {
      for (const node of this.nodes) if (node.isAlive) await node.rollout.tick();
      for (let turn = 0; turn < 10; turn++) await this.pause(50);
    }
  }

  inForce(): readonly string[] {
    return this.nodes.map(({ inForce }) => inForce);
  }

  revisions(): readonly number[] {
    return this.nodes.map(({ rollout }) => rollout.current.revision);
  }
}

export const outcomes = ({ nodes }: ApplyOutcome) => nodes.map(({ node, outcome }) => `${node} ${outcome}`);
