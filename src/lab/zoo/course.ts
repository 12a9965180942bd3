/** The events of a life, in their order, and when each was. */
import { run } from '../../platform/run.js';
import { labDrain, labKill, labStart, waitWhole } from '../lab.js';
import { LabError, macOf, namespaceOf, VIP } from '../names.js';
import { type ProfileName, profileOf } from '../network/profiles.js';
import { eventually } from '../processes.js';
import { reportOrNull } from '../status.js';
import type { Phase, PhaseName } from './score.js';

const CALM_MS = 1500;
/** A phase begins so long before its event: requests that were under way then are the event's as well. */
const LEAD_MS = 300;
/** After an event is over, so that what it broke shows. */
const SETTLE_MS = 1000;
const WHOLE_TIMEOUT_MS = 25_000;
const DRAIN_TIMEOUT_MS = 15_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const nowMs = (): number => performance.timeOrigin + performance.now();

export class Course {
  readonly #begins: { readonly name: PhaseName; readonly fromMs: number }[] = [];
  #endMs = Number.POSITIVE_INFINITY;

  constructor(
    private readonly lab: string,
    private readonly network: ProfileName,
    private readonly nodes: readonly string[],
    private readonly progress: (line: string) => void,
  ) {}

  /** Those that have begun. */
  get phases(): readonly Phase[] {
    return this.#begins.map((begin, index) => ({ ...begin, toMs: this.#begins[index + 1]?.fromMs ?? this.#endMs }));
  }

  /** All events. Throws LabError when the farm does not become whole after one of them. */
  async run(signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#begin('calm');
      await pause(CALM_MS);
      const killed = await this.#ingress();
      await this.#begin('kill', killed);
      await labKill(this.lab, killed);
      await this.#whole(
        this.nodes.filter((node) => node !== killed),
        signal,
      );
      await this.#begin('return', killed);
      await labStart(this.lab, killed);
      await this.#whole(this.nodes, signal);
      const drained = await this.#ingress();
      await this.#begin('drain', drained);
      await labDrain(this.lab, drained);
      await this.#stopped(drained);
      await this.#begin('start', drained);
      await labStart(this.lab, drained);
      await this.#whole(this.nodes, signal);
    } finally {
      this.#endMs = nowMs();
    }
  }

  async #begin(name: PhaseName, node?: string): Promise<void> {
    this.#begins.push({ name, fromMs: nowMs() });
    this.progress(node === undefined ? name : `${name} ${node}`);
    await pause(LEAD_MS);
  }

  async #whole(nodes: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    await waitWhole(this.lab, nodes, () => undefined, { timeoutMs: WHOLE_TIMEOUT_MS, signal });
    await pause(SETTLE_MS);
  }

  async #stopped(node: string): Promise<void> {
    const stopped = async (): Promise<boolean> => (await reportOrNull(this.lab, node))?.state === 'stopped';
    if (!(await eventually(stopped, DRAIN_TIMEOUT_MS, 100)))
      throw new LabError(`${node} is not stopped ${DRAIN_TIMEOUT_MS / 1000} s after it was drained`);
    await pause(SETTLE_MS);
  }

  /**
   * The node that suffers: the one whose own MAC the client, or the router before it, has for the VIP, as then all frames come
   * by that node. Where the MAC is shared, n2.
   */
  async #ingress(): Promise<string> {
    const asker = profileOf(this.network).second?.link === 'gateway' ? 'gateway' : 'client';
    const { stdout } = await run('ip', ['-n', namespaceOf(this.lab, asker), 'neigh', 'show', VIP]);
    return this.nodes.find((node) => stdout.includes(macOf(node))) ?? 'n2';
  }
}
