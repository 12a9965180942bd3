/**
 * Says that the node moves: its packet thread has turned, its membership thread has answered, and this code has run, which is the
 * main thread's part. One of them that hangs is not told as alive, and the service manager's watchdog ends the node.
 */
export interface PulseParts {
  readonly everyMs: number;
  /** Counts turns of the packet thread's loop. */
  readonly loopTurns: () => bigint;
  /** Settles when the membership thread has answered anything; rejects when it has not in time. */
  readonly askMembership: () => Promise<unknown>;
  readonly alive: () => void;
  /** What does not move, once each time that it stops. */
  readonly stuck: (what: string) => void;
}

export class Pulse {
  readonly #parts: PulseParts;
  readonly #timer: NodeJS.Timeout;
  #lastTurns = -1n;
  #isAsking = false;
  #stuck = '';

  constructor(parts: PulseParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => void this.beat(), parts.everyMs);
  }

  /** One look; a membership thread that still owes an answer is not asked again. */
  async beat(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      this.#judge(await this.#look());
    } finally {
      this.#isAsking = false;
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<string> {
    const turns = this.#parts.loopTurns();
    const hasTurned = turns !== this.#lastTurns;
    this.#lastTurns = turns;
    if (!hasTurned) return 'the packet thread does not move';
    return this.#parts.askMembership().then(
      () => '',
      (error: Error) => error.message,
    );
  }

  #judge(stuck: string): void {
    if (stuck === '') this.#parts.alive();
    else if (this.#stuck === '') this.#parts.stuck(stuck);
    this.#stuck = stuck;
  }
}
