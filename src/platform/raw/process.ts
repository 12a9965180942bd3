/** The agent's side of the process that holds `cap`: starts it, starts it again when it died, and passes frames on. */
import { type ChildProcess, fork } from 'node:child_process';
import type { RawFrame, RawFrames, RawOrder, RawReport, RawState, Thinning } from './contract.js';

export interface RawProcessOptions {
  /** Path of the process's entry module. */
  readonly entry: string;
  readonly interface: string;
  /** As in pcap-filter(7). */
  readonly filter: string;
  readonly thin?: Thinning;
}

/** An interface that is down, or a new device of the same name: tried again this often. */
const REOPEN_MS = 2000;
const MAX_STDERR = 2000;

export class RawProcess implements RawFrames {
  readonly #options: RawProcessOptions;
  readonly #frameListeners: ((frame: RawFrame) => void)[] = [];
  readonly #stateListeners: ((state: RawState) => void)[] = [];
  #child: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;
  #stderr = '';
  #state: RawState = { state: 'opening' };
  #skipped = 0;

  constructor(options: RawProcessOptions) {
    this.#options = options;
    this.#start();
  }

  get state(): RawState {
    return this.#state;
  }

  get skipped(): number {
    return this.#skipped;
  }

  ready(): Promise<RawState> {
    if (this.#state.state !== 'opening') return Promise.resolve(this.#state);
    return new Promise((done) => this.#stateListeners.push(done));
  }

  send(frame: Uint8Array): void {
    if (this.#state.state === 'open') this.#order({ type: 'send', frame });
  }

  onFrame(listener: (frame: RawFrame) => void): void {
    this.#frameListeners.push(listener);
  }

  onState(listener: (state: RawState) => void): void {
    this.#stateListeners.push(listener);
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#child?.kill('SIGKILL');
    this.#child = null;
  }

  #start(): void {
    this.#stderr = '';
    const { entry, interface: name, filter, thin = null } = this.#options;
    const child = fork(entry, [], { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.#child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-MAX_STDERR);
    });
    child.on('message', (report: RawReport) => this.#hear(child, report));
    child.on('error', (error) => this.#failed(child, error.message, false));
    child.on('exit', (code, signal) => {
      const said = this.#stderr.trim().split('\n').at(-1) ?? '';
      this.#failed(child, `the capturing process ended (${signal ?? code})${said === '' ? '' : `: ${said}`}`, false);
    });
    this.#order({ type: 'open', interface: name, filter, thin });
  }

  #order(order: RawOrder): void {
    const child = this.#child;
    // A full or broken channel loses a frame, as a network may.
    if (child?.connected === true) child.send(order, () => undefined);
  }

  #hear(child: ChildProcess, report: RawReport): void {
    if (this.#closed || child !== this.#child) return;
    switch (report.type) {
      case 'open':
        return this.#become({ state: 'open' });
      case 'missing':
        return this.#failed(child, report.why, true);
      case 'failed':
        return this.#failed(child, report.why, false);
      case 'frames':
        this.#skipped = report.skipped;
        for (const frame of report.frames) for (const listener of this.#frameListeners) listener(frame);
    }
  }

  #failed(child: ChildProcess, why: string, isFinal: boolean): void {
    if (this.#closed || child !== this.#child) return;
    this.#child = null;
    child.kill('SIGKILL');
    if (!isFinal) this.#timer = setTimeout(() => this.#start(), REOPEN_MS);
    this.#become({ state: 'failed', why, isFinal });
  }

  #become(state: RawState): void {
    this.#state = state;
    for (const listener of this.#stateListeners) listener(state);
  }
}
