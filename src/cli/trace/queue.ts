/**
 * Frames on their way to a verdict. The one who judges is asked in batches and not too often: what he cannot take in time is skipped and
 * counted, for a trace must not weigh on the farm that it looks at.
 */
import { TRACE_BATCH, type TraceVerdict } from '../../control/contract.js';
import type { CapturedFrame } from '../../platform/pcap.js';

export type Judge = (frames: readonly CapturedFrame[]) => Promise<readonly TraceVerdict[]>;

export interface QueueParts {
  readonly judge: Judge;
  readonly show: (frame: CapturedFrame, verdict: TraceVerdict) => void;
  /** Frames that may wait; more are skipped. */
  readonly room: number;
  /** Between two batches, so that at most 64 frames are judged in this time. 0: as fast as he answers. */
  readonly pauseMs: number;
  /** Show no more than so many; null: all. */
  readonly count: number | null;
  readonly wait: (ms: number) => Promise<void>;
}

export class TraceQueue {
  readonly #parts: QueueParts;
  readonly #waiting: CapturedFrame[] = [];
  #isJudging = false;
  #seen = 0;
  #shown = 0;
  #skipped = 0;
  #enough: () => void = () => {};
  #failed: (error: Error) => void = () => {};
  #idle: (() => void)[] = [];
  /** Resolves when `count` frames were shown; rejects when nobody judges any more. */
  readonly done: Promise<void>;

  constructor(parts: QueueParts) {
    this.#parts = parts;
    this.done = new Promise((resolve, reject) => {
      this.#enough = resolve;
      this.#failed = reject;
    });
    // Whoever does not wait for the end must not fall over it.
    this.done.catch(() => undefined);
  }

  get counts(): { readonly seen: number; readonly shown: number; readonly skipped: number } {
    return { seen: this.#seen, shown: this.#shown, skipped: this.#skipped };
  }

  put(frame: CapturedFrame): void {
    if (this.#isFull()) return;
    this.#seen += 1;
    if (this.#waiting.length >= this.#parts.room) {
      this.#skipped += 1;
      return;
    }
    this.#waiting.push(frame);
    if (!this.#isJudging) void this.#judgeAll();
  }

  /** Resolves when nothing waits any more. */
  drained(): Promise<void> {
    return this.#isJudging ? new Promise((done) => this.#idle.push(done)) : Promise.resolve();
  }

  async #judgeAll(): Promise<void> {
    this.#isJudging = true;
    try {
      while (this.#waiting.length > 0 && !this.#isFull()) await this.#judgeBatch();
    } catch (error) {
      this.#failed(error instanceof Error ? error : new Error(String(error)));
    }
    this.#isJudging = false;
    for (const done of this.#idle.splice(0)) done();
  }

  async #judgeBatch(): Promise<void> {
    const { judge, show, wait, pauseMs } = this.#parts;
    // What came in the same moment goes into the same batch.
    await Promise.resolve();
    const batch = this.#waiting.splice(0, TRACE_BATCH);
    const verdicts = await judge(batch);
    for (const [index, frame] of batch.entries()) {
      const verdict = verdicts[index];
      if (verdict === undefined || this.#isFull()) break;
      show(frame, verdict);
      this.#shown += 1;
    }
    if (this.#isFull()) return this.#enough();
    if (pauseMs > 0) await wait(pauseMs);
  }

  #isFull(): boolean {
    const { count } = this.#parts;
    return count !== null && this.#shown >= count;
  }
}
