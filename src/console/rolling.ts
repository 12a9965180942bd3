/** Restarts node after node, each only when the one before has its share again. This console's own node comes last. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ControlClient } from '../control/client.js';
import type { StatusReport } from '../control/contract.js';
import { ConsoleError } from './errors.js';
import { rollingOrder, whyNotRoll } from './rolling-order.js';

export interface RollingParts {
  readonly agent: Pick<ControlClient, 'command'>;
  readonly status: () => StatusReport | null;
  /** Tells how it goes, one line each, and for whom it is done. */
  readonly say: (line: string, by: string, outcome?: 'failed') => void;
  readonly pause?: (ms: number) => Promise<unknown>;
  readonly nowMs: () => number;
}

const POLL_MS = 250;
const BACK_WITHIN_MS = 150_000;

export class Rolling {
  readonly #parts: RollingParts;
  #running = false;

  constructor(parts: RollingParts) {
    this.#parts = parts;
  }

  /** Begins for one of our users, and answers at once. @throws ConsoleError while one is under way, or nobody is there to serve meanwhile. */
  begin(by: string): readonly string[] {
    const status = this.#parts.status();
    if (this.#running) throw new ConsoleError(409, 'busy', 'a rolling restart is under way');
    const why = status === null ? 'the agent does not answer' : whyNotRoll(status);
    if (status === null || why !== null) throw new ConsoleError(409, 'alone', why ?? '');
    const order = rollingOrder(status);
    this.#running = true;
    void this.#run(order, by).finally(() => {
      this.#running = false;
    });
    return order;
  }

  async #run(order: readonly string[], by: string): Promise<void> {
    for (const node of order) {
      try {
        const before = this.#incarnationOf(node);
        await this.#parts.agent.command({ command: 'restart', node, deadlineMs: null }, by);
        await this.#untilBack(node, before);
        this.#parts.say(`rolling restart: ${node} is back`, by);
      } catch (error) {
        this.#parts.say(`rolling restart ended at ${node}: ${(error as Error).message}`, by, 'failed');
        return;
      }
    }
    this.#parts.say('rolling restart: done', by);
  }

  async #untilBack(node: string, before: number): Promise<void> {
    const { nowMs, pause = delay } = this.#parts;
    const untilMs = nowMs() + BACK_WITHIN_MS;
    while (nowMs() < untilMs) {
      await pause(POLL_MS);
      const status = this.#parts.status();
      const member = status?.members.find(({ name }) => name === node);
      const isBack = member?.state === 'up' && member.incarnation > before && (member.share > 0 || member.weight === 0);
      if (isBack && status?.view.agreed === true && status.grants === 0) return;
    }
    throw new Error(`it did not come back within ${BACK_WITHIN_MS / 1000} s`);
  }

  #incarnationOf(node: string): number {
    return this.#parts.status()?.members.find(({ name }) => name === node)?.incarnation ?? 0;
  }
}
