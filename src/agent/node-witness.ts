/** The witness of a running node: watched as the config says, and watched anew when that changes. */
import type { Config } from '../config/contract.js';
import { type Ping, WitnessWatch } from './witness.js';

/** Rounds of echoes without an answer before people are told that the witness is lost. */
const LOST_AFTER = 3;

export interface NodeWitnessParts {
  /** Opens ICMP echo; throws when the package or the permission is missing. */
  readonly openPing: () => { readonly ping: Ping; close(): void };
  readonly report: (bad: boolean, detail: string) => void;
  readonly answered: (askedMs: number) => void;
  /** CLOCK_BOOTTIME, ms. */
  readonly nowMs: () => number;
}

export class NodeWitness {
  readonly #parts: NodeWitnessParts;
  #close: () => void = () => undefined;

  constructor(parts: NodeWitnessParts) {
    this.#parts = parts;
  }

  /** Asks these from now on, and nobody else. */
  watch({ witness, heartbeat }: Config): void {
    this.close();
    if (witness.length === 0) return;
    const { openPing, report, answered, nowMs } = this.#parts;
    const { ping, close } = openPing();
    const watch = new WitnessWatch({
      addresses: witness,
      // As often as heartbeats: while a node is missing, the lease hangs on it.
      intervalMs: heartbeat.intervalMs,
      lostAfter: LOST_AFTER,
      ping,
      report: ({ bad, detail }) => report(bad, detail),
      answered,
      nowMs,
    });
    watch.start();
    this.#close = () => {
      watch.close();
      close();
    };
  }

  close(): void {
    this.#close();
    this.#close = () => undefined;
  }
}
