/** The services of a node: their lives, and what carries out the orders of each. */
import type { Service } from '../config/contract.js';
import type { Timers } from '../platform/timers.js';
import type {
  Outcome,
  RestartStore,
  RestartTimes,
  ServiceChange,
  ServiceCommands,
  ServiceReport,
  ServicesDoor,
} from './contract.js';
import { Life, type LifeEvent, type LifeOrder } from './life.js';
import { OutputGate } from './output.js';

export interface ServicesParts {
  readonly commands: ServiceCommands;
  readonly timers: Timers;
  readonly restarts: RestartStore;
  /** ms since 1970; may jump. */
  readonly wallMs: () => number;
  /** A line of a command's output. */
  readonly output: (service: string, line: string) => void;
  readonly changed: (change: ServiceChange) => void;
  /** Whether the service answers its own checkers; false also where it has none. */
  readonly answers: (service: string) => Promise<boolean>;
  /** Resolves when the node has given its share away, or could not within reason. */
  readonly shareGiven: () => Promise<void>;
}

/** How often a service manager is asked whether a unit runs; one that says no is asked once more, sooner. */
const LOOK_EVERY_MS = 2000;
const LOOK_AGAIN_MS = 500;

interface Entry {
  service: Service;
  readonly life: Life;
  readonly gate: OutputGate;
  /** Ends the command under way. */
  running: AbortController | null;
  cancelCall: () => void;
  cancelLook: () => void;
  doubts: number;
  /** A reload brought it to a node that serves, and it has not been ready yet: the node does not wait for it. */
  isNew: boolean;
  whenStopped: (() => void)[];
}

export class Services implements ServicesDoor {
  readonly #parts: ServicesParts;
  #entries: Entry[];
  #isWanted = false;
  #isClosed = false;
  /** What the store has, as text. */
  #kept: string;

  constructor(services: readonly Service[], parts: ServicesParts) {
    this.#parts = parts;
    const before = parts.restarts.read();
    this.#entries = services.map((service) => this.#entry(service, false, before[service.name]));
    this.#kept = JSON.stringify(this.#restartTimes());
  }

  bringUp(): void {
    this.#isWanted = true;
    this.#bringUpNext();
  }

  async bringDown(): Promise<void> {
    this.#isWanted = false;
    for (const entry of [...this.#entries].reverse()) {
      if (this.#isWanted || this.#isClosed) return;
      await this.#stop(entry);
    }
  }

  failed(name: string, why: string): void {
    this.#feed(this.#find(name), { type: 'failed', why });
  }

  well(name: string): void {
    this.#feed(this.#find(name), { type: 'well' });
  }

  tryAgain(): void {
    for (const entry of this.#entries) this.#feed(entry, { type: 'try-again' });
  }

  update(services: readonly Service[]): void {
    const before = this.#entries;
    const isSame = ({ service }: Entry, next: Service) =>
      service.name === next.name && service.systemd === next.systemd;
    this.#entries = services.map((service) => {
      const known = before.find((entry) => isSame(entry, service));
      if (known === undefined) return this.#entry(service, this.#isWanted);
      // What runs is left alone: its new commands count when they are needed.
      known.service = service;
      known.life.limits = service;
      return known;
    });
    for (const entry of before.filter((old) => !this.#entries.includes(old))) void this.#stop(entry);
    if (this.#isWanted) this.#bringUpNext();
  }

  reports(): readonly ServiceReport[] {
    const nowMs = this.#parts.timers.nowMs();
    return this.#entries.map(({ service, life, isNew }) => ({
      name: service.name,
      state: life.state,
      reason: life.reason,
      restarts: life.restartsWithin(nowMs),
      maxRestarts: service.maxRestarts,
      windowMs: service.windowMs,
      forMs: nowMs - life.sinceMs,
      holdsNode: life.state !== 'ready' && !isNew,
    }));
  }

  close(): void {
    this.#isClosed = true;
    for (const entry of this.#entries) {
      entry.running?.abort();
      entry.cancelCall();
      entry.cancelLook();
      for (const stopped of entry.whenStopped.splice(0)) stopped();
    }
  }

  #entry(service: Service, isNew: boolean, restarts: readonly number[] = []): Entry {
    const nothing = () => undefined;
    const [nowMs, wallMs] = [this.#parts.timers.nowMs(), this.#parts.wallMs()];
    // A clock that was set back since then: as if just now.
    const before = restarts.map((atMs) => nowMs - Math.max(0, wallMs - atMs));
    return {
      service,
      life: new Life(service, nowMs, before),
      gate: new OutputGate(),
      running: null,
      cancelCall: nothing,
      cancelLook: nothing,
      doubts: 0,
      isNew,
      whenStopped: [],
    };
  }

  #find(name: string): Entry | undefined {
    return this.#entries.find(({ service }) => service.name === name);
  }

  /** One after the other: a service may need those that stand before it. */
  #bringUpNext(): void {
    for (const entry of this.#entries) {
      if (!entry.life.isWanted) this.#feed(entry, { type: 'wanted', isWanted: true });
      if (entry.life.state !== 'ready') return;
    }
  }

  #stop(entry: Entry): Promise<void> {
    return new Promise((stopped) => {
      this.#feed(entry, { type: 'wanted', isWanted: false });
      if (entry.life.state === 'stopped') stopped();
      else entry.whenStopped.push(stopped);
    });
  }

  #feed(entry: Entry | undefined, event: LifeEvent): void {
    if (entry === undefined || this.#isClosed) return;
    const { life, service, isNew } = entry;
    const from = life.state;
    const orders = life.step(this.#parts.timers.nowMs(), event);
    const to = life.state;
    if (to !== from) this.#settle(entry);
    if (to !== from) this.#keepRestarts(service.name);
    for (const order of orders) this.#obey(entry, order);
    if (to === from) return;
    this.#parts.changed({ name: service.name, from, to, reason: life.reason, isNew });
    if (to === 'ready' && this.#isWanted) this.#bringUpNext();
  }

  #restartTimes(): RestartTimes {
    const [nowMs, wallMs] = [this.#parts.timers.nowMs(), this.#parts.wallMs()];
    const known = this.#entries.map(({ service, life }) => [
      service.name,
      life.restarts(nowMs).map((atMs) => Math.round(wallMs - (nowMs - atMs))),
    ]);
    return Object.fromEntries(known.filter(([, times]) => times!.length > 0));
  }

  /** Before the command runs: should it bring the agent down, it has counted. */
  #keepRestarts(service: string): void {
    const times = this.#restartTimes();
    const text = JSON.stringify(times);
    if (text === this.#kept) return;
    this.#kept = text;
    try {
      this.#parts.restarts.write(times);
    } catch (error) {
      this.#parts.output(service, `(its restarts are not kept over a crash of the agent: ${(error as Error).message})`);
    }
  }

  /** What hangs on the state, and not on how it was reached. */
  #settle(entry: Entry): void {
    entry.cancelCall();
    entry.cancelLook();
    if (entry.life.state === 'ready') {
      entry.isNew = false;
      entry.doubts = 0;
      this.#lookAfter(entry, LOOK_EVERY_MS);
    }
    // A look under way means stopped and wanted again at once: whoever waited for the stop has seen it.
    if (entry.life.state === 'stopped' || entry.life.state === 'looking')
      for (const stopped of entry.whenStopped.splice(0)) stopped();
  }

  #obey(entry: Entry, order: LifeOrder): void {
    const { timers } = this.#parts;
    switch (order.type) {
      case 'call':
        entry.cancelCall();
        entry.cancelCall = timers.after(Math.max(0, order.atMs - timers.nowMs()), () =>
          this.#feed(entry, { type: 'due' }),
        );
        break;
      case 'abort':
        entry.running?.abort();
        break;
      case 'run':
        void this.#run(entry, order.what);
        break;
    }
  }

  async #run(entry: Entry, what: 'look' | 'start' | 'stop' | 'restart'): Promise<void> {
    const running = new AbortController();
    entry.running = running;
    const outcome = await this.#outcome(entry, what, running.signal).catch((error: Error) => ({
      ok: false,
      detail: error.message,
    }));
    if (entry.running === running) entry.running = null;
    this.#feed(entry, { type: 'ended', outcome });
  }

  async #outcome(
    { service, gate }: Entry,
    what: 'look' | 'start' | 'stop' | 'restart',
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { commands, answers, output, shareGiven, timers } = this.#parts;
    // systemd knows what runs, and starts nothing twice.
    if (what === 'look') return { ok: service.systemd === null && (await answers(service.name)), detail: '' };
    if (what === 'restart') await shareGiven();
    if (signal.aborted) return { ok: false, detail: 'called off' };
    const onLine = (line: string) => {
      for (const said of gate.take(timers.nowMs(), line)) output(service.name, said);
    };
    return commands.run(service, what, onLine, signal);
  }

  #lookAfter(entry: Entry, ms: number): void {
    if (entry.service.systemd === null) return;
    entry.cancelLook = this.#parts.timers.after(ms, () => void this.#look(entry));
  }

  async #look(entry: Entry): Promise<void> {
    const sinceMs = entry.life.sinceMs;
    const active = await this.#parts.commands.isActive(entry.service);
    if (this.#isClosed || entry.life.state !== 'ready' || entry.life.sinceMs !== sinceMs || active === null) return;
    entry.doubts = active.ok ? 0 : entry.doubts + 1;
    if (entry.doubts > 1) this.#feed(entry, { type: 'failed', why: active.detail });
    else this.#lookAfter(entry, active.ok ? LOOK_EVERY_MS : LOOK_AGAIN_MS);
  }
}
