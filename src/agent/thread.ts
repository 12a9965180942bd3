/** The membership thread as the main thread sees it: messages to it, questions with answers, notices from it. */
import { Worker } from 'node:worker_threads';
import type { MembershipBegin, Question, WorkerNotice, WorkerRequest } from './contract.js';

/** A question that the membership thread did not answer in time, or that failed there. */
export class MembershipThreadError extends Error {
  override readonly name = 'MembershipThreadError';
}

const ANSWER_WITHIN_MS = 5000;

export class MembershipThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { done: (value: unknown) => void; failed: (error: Error) => void }>();
  #questions = 0;
  readonly #ended: Promise<void>;
  #closing = false;

  /**
   * @param entry path of the thread's entry module.
   * @param onNotice hears everything but answers.
   * @param onDeath the thread ended although nobody asked it to.
   */
  constructor(
    entry: string,
    begin: MembershipBegin,
    onNotice: (notice: WorkerNotice) => void,
    onDeath: (error: Error) => void,
  ) {
    this.#worker = new Worker(entry, { workerData: begin });
    this.#worker.on('message', (notice: WorkerNotice) => {
      if (notice.type === 'answer') this.#answer(notice);
      else onNotice(notice);
    });
    let cause: Error | null = null;
    this.#worker.on('error', (error: Error) => {
      cause = error;
    });
    let end: () => void;
    this.#ended = new Promise((done) => {
      end = done;
    });
    this.#worker.on('exit', (code) => {
      end();
      const error = cause ?? new MembershipThreadError(`the membership thread ended with code ${code}`);
      for (const { failed } of this.#waiting.values()) failed(error);
      this.#waiting.clear();
      if (!this.#closing) onDeath(error);
    });
  }

  post(request: WorkerRequest): void {
    this.#worker.postMessage(request);
  }

  ask(question: Question): Promise<unknown> {
    this.#questions += 1;
    const id = this.#questions;
    return new Promise((done, failed) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        failed(new MembershipThreadError(`the membership thread did not answer within ${ANSWER_WITHIN_MS} ms`));
      }, ANSWER_WITHIN_MS);
      const settle =
        <T>(how: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          how(value);
        };
      this.#waiting.set(id, { done: settle(done), failed: settle(failed) });
      this.post({ type: 'ask', id, question });
    });
  }

  /** Closes paths, link and data plane in the thread, then ends it. */
  async close(): Promise<void> {
    if (this.#closing) return this.#ended;
    this.#closing = true;
    this.post({ type: 'close' });
    const timer = setTimeout(() => void this.#worker.terminate(), ANSWER_WITHIN_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  #answer(notice: Extract<WorkerNotice, { type: 'answer' }>): void {
    const waiting = this.#waiting.get(notice.id);
    this.#waiting.delete(notice.id);
    if (notice.ok) waiting?.done(notice.value);
    else waiting?.failed(new MembershipThreadError(notice.message));
  }
}
