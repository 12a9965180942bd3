/**
 * Joins services and checkers to the node: what they find decides whether it waits and how much it bears, and the node's state decides
 * whether they run.
 *
 * ```
 *            node leaves `stopped`                 a service is ready: its own checkers begin
 *  at rest ------------------------> at work  ---> a checker fails: restart | wait | stop | weight | notify
 *     ^                                 |
 *     +---- node is `stopped`: checkers rest, services are stopped
 * ```
 * The node is told of a new reason to wait before an old one is taken back, so that it never serves between two reasons.
 */
import type { CheckerChange, CheckerReport, CheckersDoor } from '../checkers/contract.js';
import { actionText } from '../checkers/contract.js';
import type { Checker, Config } from '../config/contract.js';
import type { Command } from '../membership/contract.js';
import type { ServiceChange, ServiceReport, ServicesDoor } from '../services/contract.js';
import { type Effect, effectOf, NO_EFFECT } from './effect.js';

/** What services and checkers may do to the rest of the agent. */
export interface OperationsHooks {
  readonly serviceChanged: (change: ServiceChange) => void;
  readonly serviceOutput: (service: string, line: string) => void;
  readonly checkerChanged: (change: CheckerChange) => void;
  readonly answers: (service: string) => Promise<boolean>;
  readonly shareGiven: () => Promise<void>;
}

export interface OperationsDoors {
  readonly services: ServicesDoor;
  readonly checkers: CheckersDoor;
  /** What scripts said of custom checkers, kept over restarts of the agent. */
  readonly said: SaidStore;
  /** Ends all that was opened beside them. */
  readonly close: () => void;
}

/** Custom checkers by name. */
export interface SaidStore {
  read(): Readonly<Record<string, Said>>;
  /** Throws when it cannot be written. */
  write(said: Readonly<Record<string, Said>>): void;
}

export interface Said {
  readonly isUp: boolean;
  readonly reason: string;
}

export interface OperationsParts {
  readonly config: Config;
  readonly open: (config: Config, hooks: OperationsHooks) => OperationsDoors;
  readonly condition: (reason: 'services' | 'checker', bad: boolean, detail: string) => void;
  readonly weight: (percent: number) => void;
  readonly command: (command: Command) => void;
  readonly record: (level: 'info' | 'warn' | 'error', event: string, fields: Readonly<Record<string, unknown>>) => void;
  readonly output: (service: string, line: string) => void;
  /** True while this node holds buckets. */
  readonly holdsShare: () => Promise<boolean>;
  readonly pause: (ms: number) => Promise<void>;
  readonly nowMs: () => number;
}

/** What a checker asks for, apart from how often, how long, and what follows. */
function targetText(checker: Checker): string {
  const { intervalMs, timeoutMs, fall, rise, graceMs, onFail, ...target } = checker;
  return JSON.stringify(target);
}

/** A restart waits this long at most for the share to be given away: a service that does not do its work serves nobody. */
const GIVING_MS = 2000;
const GIVING_LOOK_MS = 50;

export class Operations {
  readonly #parts: OperationsParts;
  readonly #doors: OperationsDoors;
  #checkers: readonly Checker[];
  #deadlineMs: number;
  #isAtWork = false;
  /** The checker that had the node stopped, and why; null: none, since the node began. */
  #stoppedBy: string | null = null;
  #effect: Effect = NO_EFFECT;
  #said: Record<string, Said>;
  /** Checkers that a reload brought to a node that serves, or changed there, and that were never well since: nothing hangs on them
   *  yet. A wrong address in a new config, which all nodes take over together, must not end the farm. */
  readonly #onTrial = new Map<
    string,
    'is new and was not well once' | 'asks for something else now and was not well since'
  >();

  constructor(parts: OperationsParts) {
    this.#parts = parts;
    const { config } = parts;
    this.#checkers = config.checkers;
    this.#deadlineMs = config.drain.deadlineMs;
    this.#doors = parts.open(config, {
      serviceChanged: (change) => this.#serviceChanged(change),
      serviceOutput: parts.output,
      checkerChanged: (change) => this.#checkerChanged(change),
      answers: (service) => this.#answers(service),
      shareGiven: () => this.#shareGiven(),
    });
    this.#said = { ...this.#doors.said.read() };
    this.#tellSaid();
  }

  /** The node begins: services are started, and it waits for them and for the first success of its checkers. */
  begin(): void {
    if (this.#isAtWork) return;
    this.#isAtWork = true;
    this.#stoppedBy = null;
    this.#doors.services.bringUp();
    for (const checker of this.#checkers) if (this.#mayCheck(checker)) this.#doors.checkers.begin(checker.name, true);
    this.#apply();
  }

  /**
   * The node has stopped: nothing is checked, and services are stopped when `before` is done. A node that is started again meanwhile
   * keeps them.
   */
  async end(before: Promise<void> = Promise.resolve()): Promise<void> {
    this.#isAtWork = false;
    this.#onTrial.clear();
    for (const { name } of this.#checkers) this.#doors.checkers.suspend(name);
    await before;
    if (this.#isAtWork) return;
    await this.#doors.services.bringDown();
    this.#apply();
  }

  /** An operator said start: what was given up is tried again. */
  tryAgain(): void {
    if (this.#isAtWork) this.#doors.services.tryAgain();
  }

  /** A new config is in force. What it adds to a node that serves does not make it wait before it was well once. */
  update(config: Config): void {
    const before = new Map(this.checkers().map((report) => [report.name, report]));
    const asked = new Map(this.#checkers.map((checker) => [checker.name, targetText(checker)]));
    this.#checkers = config.checkers;
    this.#deadlineMs = config.drain.deadlineMs;
    const touched = this.#doors.checkers.update(config.checkers);
    this.#tellSaid();
    for (const checker of this.#checkers.filter(({ name }) => touched.includes(name))) {
      const old = before.get(checker.name);
      const isSameQuestion = asked.get(checker.name) === targetText(checker);
      if (this.#isAtWork) this.#beginTouched(checker, old, isSameQuestion);
    }
    this.#doors.services.update(config.services);
    this.#apply();
  }

  /** A node that waits for a checker goes on to wait for it when it is changed. */
  #beginTouched(checker: Checker, old: CheckerReport | undefined, isSameQuestion: boolean): void {
    const { name } = checker;
    const isWaitedFor = (old?.state === 'failed' && !this.#onTrial.has(name)) || old?.isAwaited === true;
    if (checker.type !== 'custom' && old === undefined) this.#onTrial.set(name, 'is new and was not well once');
    else if (checker.type !== 'custom' && !isWaitedFor && !isSameQuestion)
      this.#onTrial.set(name, 'asks for something else now and was not well since');
    if (this.#mayCheck(checker)) this.#doors.checkers.begin(name, isWaitedFor);
  }

  /** The word of a script on a custom checker. @throws RangeError for one that is not there; an error when it cannot be kept. */
  set(name: string, isUp: boolean, reason: string): void {
    const custom = this.#checkers.filter(({ type }) => type === 'custom').map((checker) => checker.name);
    if (!custom.includes(name)) {
      const there =
        custom.length === 0 ? 'the config has none' : `there are: ${custom.map((n) => `custom.${n}`).join(', ')}`;
      throw new RangeError(`there is no custom checker ${name}; ${there}`);
    }
    const said = { ...this.#said, [name]: { isUp, reason } };
    this.#doors.said.write(said);
    this.#said = said;
    this.#doors.checkers.set(name, isUp, reason);
    this.#apply();
  }

  services(): readonly ServiceReport[] {
    return this.#doors.services.reports();
  }

  checkers(): readonly CheckerReport[] {
    return this.#doors.checkers.reports();
  }

  /** Things that are configured and cannot be done here. */
  warnings(): readonly string[] {
    const stopped = this.#stoppedBy === null ? [] : [`this node was stopped by ${this.#stoppedBy}`];
    return [...stopped, ...this.#checkerWarnings()];
  }

  #checkerWarnings(): readonly string[] {
    return this.checkers().flatMap(({ name, state, detail }) => {
      if (state === 'unable') return [`checker ${name} is off: ${detail}`];
      const trial = this.#onTrial.get(name);
      if (state !== 'failed' || trial === undefined) return [];
      return [`checker ${name} ${trial}, so nothing hangs on it yet: ${detail}`];
    });
  }

  close(): void {
    this.#doors.checkers.close();
    this.#doors.services.close();
    this.#doors.close();
  }

  #tellSaid(): void {
    for (const [name, { isUp, reason }] of Object.entries(this.#said)) this.#doors.checkers.set(name, isUp, reason);
  }

  /** A service that is being started or stopped is not judged; one that was given up is: someone may have mended it. */
  #mayCheck({ onFail }: Checker): boolean {
    if (onFail.action !== 'restart') return true;
    const service = this.services().find(({ name }) => name === onFail.service);
    return service === undefined || service.state === 'ready' || service.state === 'spent';
  }

  #checkersOf(service: string): readonly Checker[] {
    return this.#checkers.filter(({ onFail }) => onFail.action === 'restart' && onFail.service === service);
  }

  #serviceChanged({ name, from, to, reason, isNew }: ServiceChange): void {
    const level = to === 'spent' ? 'error' : to === 'pausing' ? 'warn' : 'info';
    this.#parts.record(level, 'service', { service: name, from, to, reason });
    for (const checker of this.#checkersOf(name)) {
      if (!this.#isAtWork || !this.#mayCheck(checker)) this.#doors.checkers.suspend(checker.name);
      // What was just found well needs no second proof.
      else if (this.#stateOf(checker) !== 'well') this.#beginOf(checker, isNew);
    }
    this.#apply();
  }

  /** A service that a reload brought has not held the node up, and its checkers do not either. */
  #beginOf(checker: Checker, isNew: boolean): void {
    if (isNew && checker.type !== 'custom') this.#onTrial.set(checker.name, 'is new and was not well once');
    this.#doors.checkers.begin(checker.name, !this.#onTrial.has(checker.name));
  }

  #stateOf({ name }: Checker): CheckerReport['state'] | undefined {
    return this.checkers().find((report) => report.name === name)?.state;
  }

  #checkerChanged({ checker, from, to, detail }: CheckerChange): void {
    const { name, onFail } = checker;
    if (to === 'well') this.#onTrial.delete(name);
    const fields = { checker: name, from, to, detail, ...(to === 'failed' ? { action: actionText(checker) } : {}) };
    if (to === 'failed' || from === 'failed' || to === 'unable' || (to === 'well' && from === 'starting'))
      this.#parts.record(to === 'failed' || to === 'unable' ? 'warn' : 'info', 'checker', fields);
    // First of all the node leaves the traffic, or comes back into it.
    this.#apply();
    if (to === 'failed' && !this.#onTrial.has(name)) this.#act(checker, detail, from === 'starting');
    if (to === 'well' && onFail.action === 'restart') this.#doors.services.well(onFail.service);
  }

  #act({ name, onFail }: Checker, detail: string, wasNeverWell: boolean): void {
    if (onFail.action === 'restart') {
      const hint = wasNeverWell ? ' (it was not well once; does it need more grace?)' : '';
      this.#doors.services.failed(onFail.service, `checker ${name}: ${detail}${hint}`);
    }
    if (onFail.action === 'stop') {
      this.#stoppedBy = `checker ${name} (${detail}); where that fails again after a start, so it is again`;
      this.#parts.record('warn', 'command', { command: 'stop', from: `checker ${name}`, reason: detail });
      this.#parts.command({ name: 'drain', deadlineMs: this.#deadlineMs });
    }
  }

  /** Tells the node what has changed; new reasons to wait before those that are gone. */
  #apply(): void {
    const before = this.#effect;
    const counting = this.#checkers.filter(({ name }) => !this.#onTrial.has(name));
    const now = effectOf(this.services(), this.checkers(), counting);
    this.#effect = now;
    if (now.percent !== before.percent) {
      this.#parts.record(now.percent === 100 ? 'info' : 'warn', 'weight', { percent: now.percent });
      this.#parts.weight(now.percent);
    }
    const changed = (['services', 'checker'] as const).filter((reason) => now[reason] !== before[reason]);
    for (const reason of changed) if (now[reason] !== null) this.#parts.condition(reason, true, now[reason]);
    for (const reason of changed) if (now[reason] === null) this.#parts.condition(reason, false, '');
  }

  async #answers(service: string): Promise<boolean> {
    const asked = this.#checkersOf(service).filter(({ type }) => type !== 'custom');
    const answers = await Promise.all(asked.map(({ name }) => this.#doors.checkers.ask(name)));
    return answers.length > 0 && answers.every((isWell) => isWell);
  }

  async #shareGiven(): Promise<void> {
    const endMs = this.#parts.nowMs() + GIVING_MS;
    while (this.#parts.nowMs() < endMs && (await this.#parts.holdsShare())) await this.#parts.pause(GIVING_LOOK_MS);
  }
}
