/**
 * `witness: [addresses]`: while at least one of them answers an ICMP echo, this node is on the right side of a partition. The
 * core decides what that means; here is only seen whether one answers.
 */

/** Gives the round trip in ms, or null when nothing came back in time. */
export type Ping = (address: string, timeoutMs: number) => Promise<number | null>;

export interface WitnessReport {
  readonly bad: boolean;
  readonly detail: string;
}

export interface WitnessOptions {
  readonly addresses: readonly string[];
  /** One round of echoes per interval; each echo waits that long for its answer. */
  readonly intervalMs: number;
  /** Rounds in a row without any answer before the witness counts as lost. One echo may always be lost. */
  readonly lostAfter: number;
  readonly ping: Ping;
  /** Told at each change: for people, and why a node waits. */
  readonly report: (report: WitnessReport) => void;
  /** Told at each round with an answer, with the time when the round began: what a lease may hang on. */
  readonly answered: (askedMs: number) => void;
  /** CLOCK_BOOTTIME. */
  readonly nowMs: () => number;
}

export class WitnessWatch {
  readonly #options: WitnessOptions;
  #silentRounds = 0;
  #known: boolean | null = null;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;
  /** Why no echo could be sent at all; empty when it could. */
  #failure = '';

  constructor(options: WitnessOptions) {
    this.#options = options;
  }

  start(): void {
    void this.#round();
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #round(): Promise<void> {
    const { addresses, intervalMs, nowMs } = this.#options;
    const askedMs = nowMs();
    const answers = await Promise.all(addresses.map((address) => this.#ask(address)));
    if (this.#closed) return;
    if (answers.some((answer) => answer !== null)) this.#options.answered(askedMs);
    this.#conclude(answers);
    this.#timer = setTimeout(() => void this.#round(), Math.max(0, intervalMs - (nowMs() - askedMs)));
  }

  /** Without the package or the permission nothing is sent: as good as no answer, and its message is what people need. */
  async #ask(address: string): Promise<number | null> {
    try {
      const answer = await this.#options.ping(address, this.#options.intervalMs);
      this.#failure = '';
      return answer;
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
      return null;
    }
  }

  #conclude(answers: readonly (number | null)[]): void {
    const answered = this.#options.addresses.filter((_, index) => answers[index] !== null);
    this.#silentRounds = answered.length > 0 ? 0 : this.#silentRounds + 1;
    if (answered.length === 0 && this.#silentRounds < this.#options.lostAfter && this.#known !== null) return;
    const bad = answered.length === 0;
    if (bad === this.#known) return;
    this.#known = bad;
    const all = this.#options.addresses.join(', ');
    const lost = this.#failure === '' ? `no witness answers (${all})` : `no witness can be asked: ${this.#failure}`;
    this.#options.report({ bad, detail: bad ? lost : `witness ${answered[0]} answers` });
  }
}
