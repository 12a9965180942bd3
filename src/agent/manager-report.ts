/**
 * The node's life as its service manager is told: ready when it serves or waits in good order, alive while all its threads move. Between two
 * lives of the agent the supervisor itself is what moves, and says so, for as long as a start may take.
 */
import type { NodeState } from '../membership/contract.js';

/** A start probes the network and starts services; one that takes longer hangs. */
export const START_PATIENCE_MS = 120_000;
/** How much longer a stop may take, from each sign of life on: a drain ends by its own deadline. */
const STOP_EXTENSION_US = 30_000_000;
/** Parts of the watchdog's time between two signs: one may come late, and one be lost. */
const BEATS = 3;

export interface ManagerReportParts {
  readonly tell: (state: Readonly<Record<string, string | number>>) => void;
  readonly isThere: boolean;
  readonly watchdogMs: number | null;
  readonly nowMs: () => number;
}

/** Without a watchdog a drain still has to be told of. */
const UNWATCHED_BEAT_MS = 5000;

export class ManagerReport {
  readonly #parts: ManagerReportParts;
  /** When a life began that is not ready yet, or the wait for one; null: the agent speaks for itself. */
  #startingSinceMs: number | null;
  #isStopping = false;

  constructor(parts: ManagerReportParts) {
    this.#parts = parts;
    this.#startingSinceMs = parts.nowMs();
  }

  /** How often the agent is to say that it moves; null: nobody wants to hear it. */
  get beatMs(): number | null {
    const { isThere, watchdogMs } = this.#parts;
    return isThere ? (watchdogMs ?? UNWATCHED_BEAT_MS * BEATS) / BEATS : null;
  }

  lifeBegins(): void {
    this.#startingSinceMs = this.#parts.nowMs();
  }

  waits(backoffMs: number, reason: string): void {
    this.#startingSinceMs = this.#parts.nowMs() + backoffMs;
    this.#parts.tell({ STATUS: `the agent died (${reason}); started again in ${backoffMs} ms` });
  }

  ready(): void {
    this.#startingSinceMs = null;
    this.#parts.tell({ READY: 1 });
  }

  state(state: NodeState, reason: string): void {
    this.#parts.tell({ STATUS: reason === '' ? state : `${state}: ${reason}` });
  }

  stopping(): void {
    this.#isStopping = true;
    this.#parts.tell({ STOPPING: 1, EXTEND_TIMEOUT_USEC: STOP_EXTENSION_US });
  }

  /** The shutdown was taken back: systemd does not know such a thing, and goes on to wait for the end. */
  staying(): void {
    this.#isStopping = false;
  }

  /** The agent moves. */
  alive(): void {
    this.#parts.tell({ WATCHDOG: 1, ...(this.#isStopping ? { EXTEND_TIMEOUT_USEC: STOP_EXTENSION_US } : {}) });
  }

  /** To be called every {@link beatMs}: while no agent can speak, the supervisor does, but not for ever. */
  beat(): void {
    const sinceMs = this.#startingSinceMs;
    if (sinceMs !== null && this.#parts.nowMs() - sinceMs < START_PATIENCE_MS) this.#parts.tell({ WATCHDOG: 1 });
  }
}
