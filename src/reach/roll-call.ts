/** A probe that people asked for: every member probes at once and sends its row, and the asked one puts them together. */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeName } from '../membership/messages.js';
import type { FarmView, HostLook, Judgement, NodeRow } from './contract.js';
import { encodeMessage } from './message-codec.js';
import type { ReachParts } from './ports.js';
import { BURST_ROUNDS } from './prober.js';
import type { Segment } from './segment.js';

/** Behind a burst: frames on the way, and members that were told of it a little later. */
const AFTER_BURST_MS = 300;
const PROBE_ROUNDS = BURST_ROUNDS + 2;
const QUESTIONS = 6;
const BETWEEN_QUESTIONS_MS = 100;
/** After our own row is ready. */
const ROWS_WITHIN_MS = 2500;
const ROW_POLL_MS = 20;
/** Payloads that tell common MTUs apart. */
const SIZES = [1280, 1400, 1450, 1500, 4000, 8000];

export interface RollCallHooks {
  readonly segment: () => Segment;
  /** Looks at the host anew. */
  readonly look: () => Promise<HostLook>;
  /** With all who live and are not heard. */
  readonly judge: (view: FarmView) => Judgement;
  /** Why this node cannot probe; empty: it can. */
  readonly trouble: () => string;
}

export interface RollCallResult {
  readonly rows: readonly NodeRow[];
  /** Living members that did not answer. */
  readonly silent: readonly NodeName[];
  readonly tookMs: number;
}

export class RollCall {
  readonly #parts: ReachParts;
  readonly #hooks: RollCallHooks;
  /** Rows that members have sent, by the probe that asked for them. */
  readonly #rows = new Map<string, Map<NodeName, NodeRow>>();

  constructor(parts: ReachParts, hooks: RollCallHooks) {
    this.#parts = parts;
    this.#hooks = hooks;
  }

  async ask(): Promise<RollCallResult> {
    const { node, tell, nowMs, view } = this.#parts;
    const startedMs = nowMs();
    const id = randomBytes(6).toString('hex');
    const rows = new Map<NodeName, NodeRow>();
    this.#rows.set(id, rows);
    const { members } = await view();
    const others = members.filter(({ name, state }) => name !== node && state !== 'dead').map(({ name }) => name);
    tell(null, encodeMessage({ type: 'probe', id }));
    rows.set(node, await this.#ownRow());
    const endMs = nowMs() + ROWS_WITHIN_MS;
    while (others.some((name) => !rows.has(name)) && nowMs() < endMs) await delay(ROW_POLL_MS);
    this.#rows.delete(id);
    return {
      rows: [...rows.values()],
      silent: others.filter((name) => !rows.has(name)),
      tookMs: nowMs() - startedMs,
    };
  }

  /** Another member asks. */
  async answer(from: NodeName, id: string): Promise<void> {
    try {
      const row = await this.#ownRow();
      this.#parts.tell(from, encodeMessage({ type: 'row', id, row }));
    } catch (error) {
      this.#parts.record('warn', 'probe-row', { error: String(error) });
    }
  }

  take(from: NodeName, id: string, row: NodeRow): void {
    this.#rows.get(id)?.set(from, row);
  }

  /** A burst, questions to the gateway and about the VIPs, and what has come of the others' bursts meanwhile. */
  async #ownRow(): Promise<NodeRow> {
    const { look, judge, trouble } = this.#hooks;
    const segment = this.#hooks.segment();
    const { report: host } = await look();
    segment.evidence.forgetSizes();
    segment.prober.burst(PROBE_ROUNDS, [...SIZES.filter((bytes) => bytes < host.mtu), host.mtu]);
    const view = await this.#parts.view();
    // Before the first probe nobody is known by his carrier.
    const burst = delay(segment.prober.burstMs(PROBE_ROUNDS, view.members.length) + AFTER_BURST_MS);
    const asking = this.#askOften(view);
    const claims = await segment.whoHasVips();
    await Promise.all([asking, burst]);
    return {
      node: this.#parts.node,
      trouble: trouble(),
      host,
      gateway: segment.gateway?.report() ?? null,
      heard: segment.evidence.rows(this.#parts.nowMs()),
      claims,
      judgement: judge(await this.#parts.view()),
    };
  }

  async #askOften(view: FarmView): Promise<void> {
    for (let question = 0; question < QUESTIONS; question++) {
      this.#hooks.segment().askGateway(view);
      await delay(BETWEEN_QUESTIONS_MS);
    }
  }
}
