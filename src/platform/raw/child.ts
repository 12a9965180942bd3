/** The process that holds `cap`: obeys orders, reports frames in batches. Ends with the agent, whose end of the channel closes. */
import { CapUnavailableError, RawSocket } from './cap.js';
import { MAX_FRAMES_PER_SECOND, type RawFrame, type RawOrder, type RawReport } from './contract.js';
import { Thinner } from './thinner.js';

const monotonicMs = () => Number(process.hrtime.bigint()) / 1e6;

/** How the process speaks with the agent. */
export interface RawChannel {
  report(report: RawReport): void;
}

export class RawChild {
  readonly #channel: RawChannel;
  #socket: RawSocket | null = null;
  #thinner: Thinner | null = null;
  #waiting: RawFrame[] = [];
  #skipped = 0;
  #second = 0;
  #inSecond = 0;

  constructor(channel: RawChannel) {
    this.#channel = channel;
  }

  obey(order: RawOrder): void {
    try {
      if (order.type === 'send') this.#socket?.send(order.frame);
      else this.#open(order);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const type = error instanceof CapUnavailableError ? 'missing' : 'failed';
      // A frame that is too long for the interface is an answer to a question of MTU, and no failure of the port.
      if (order.type === 'open') this.#channel.report({ type, why });
    }
  }

  #open({ interface: name, filter, thin }: Extract<RawOrder, { type: 'open' }>): void {
    this.#thinner = thin === null ? null : new Thinner(thin);
    this.#socket = new RawSocket(name, filter, (bytes) => this.#take(bytes));
    this.#channel.report({ type: 'open' });
  }

  #take(bytes: Uint8Array): void {
    const atMs = monotonicMs();
    if (this.#thinner?.isTooMany(bytes, atMs) === true) return;
    const second = Math.floor(atMs / 1000);
    if (second !== this.#second) [this.#second, this.#inSecond] = [second, 0];
    this.#inSecond += 1;
    if (this.#inSecond > MAX_FRAMES_PER_SECOND) {
      this.#skipped += 1;
      return;
    }
    // One message for all frames of one turn of the event loop.
    if (this.#waiting.push({ bytes, atMs }) === 1) setImmediate(() => this.#tell());
  }

  #tell(): void {
    const frames = this.#waiting;
    this.#waiting = [];
    this.#channel.report({ type: 'frames', frames, skipped: this.#skipped });
  }
}
