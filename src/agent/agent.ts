/**
 * The agent's main thread: prepares the host, runs the membership thread, answers on the control socket, and leaves the host as
 * it was. Nothing here is on the way of a packet or of a heartbeat.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config/contract.js';
import { planSpecs } from '../config/plans.js';
import { electorate, resolveForNode } from '../config/resolve.js';
import type { ControlHandler, ReloadReport } from '../control/contract.js';
import { ControlError } from '../control/errors.js';
import { COUNTER_NAMES, counterWords } from '../dataplane/counters.js';
import type { Command, Core } from '../membership/contract.js';
import type { Host } from '../platform/host/contract.js';
import { REACH_MESSAGE, type ReachDoor } from '../reach/contract.js';
import type { AgentParts } from './agent-parts.js';
import { checkSummaries } from './check-summaries.js';
import { ConfigService } from './config-service.js';
import { CONSOLE_MESSAGE, ConsoleDesk } from './console-desk.js';
import { ConsoleDoor } from './console-door.js';
import {
  type AgentBegin,
  type BucketsSnapshot,
  EXIT,
  type MembershipBegin,
  type MembershipSnapshot,
  type WorkerNotice,
} from './contract.js';
import { AgentControl } from './control.js';
import { keyFilePath } from './key-file.js';
import { watchLeave } from './leave.js';
import { LiveConfig } from './live-config.js';
import { NodeWitness } from './node-witness.js';
import { Operations } from './operations.js';
import { ORDER_NEWS_KIND, OrderNews } from './order-news.js';
import { Orders } from './orders.js';
import { Pulse } from './pulse.js';
import { ReachKeeper } from './reach-keeper.js';
import { packetsByRule } from './report.js';
import { CONFIG_KIND } from './rollout/messages.js';
import { RULE_SLOTS } from './rule-slots.js';
import { Seeing } from './seeing.js';
import { MembershipThread } from './thread.js';

type Opened = Extract<WorkerNotice, { type: 'opened' }>;

export class Agent {
  readonly #parts: AgentParts;
  readonly #begin: AgentBegin;
  #config: Config;
  readonly #interface: string;
  readonly #counters = new SharedArrayBuffer(counterWords(RULE_SLOTS) * 8);
  readonly #hostWarnings = new Map<string, string>();
  #closers: (() => Promise<void>)[] = [];
  #seeing: Seeing | null = null;
  #thread: MembershipThread | null = null;
  readonly #reach = new ReachKeeper({
    open: (onConflict) => this.#newReach(onConflict),
    conflict: (bad, detail) => this.#onConflict(bad, detail),
    failed: (error) => this.#tell('warn', 'reach-reopen', { error: String(error) }),
  });
  #desk: ConsoleDesk | null = null;
  readonly #door: ConsoleDoor;
  #operations: Operations | null = null;
  #host: Host | null = null;
  #configs: ConfigService | null = null;
  readonly #witness = new NodeWitness({
    openPing: () => this.#parts.openPing(this.#interface),
    report: (bad, detail) => {
      this.#record('witness', { bad, detail });
      this.#thread?.post({ type: 'condition', reason: 'witness', bad, detail });
    },
    answered: (askedMs) => this.#thread?.post({ type: 'witness', askedMs }),
    nowMs: () => this.#parts.nowMs(),
  });
  #control: AgentControl | null = null;
  readonly #orders = new Orders({
    tell: (to, kind, body) => this.#thread?.post({ type: 'tell', to, kind, body }),
    carryOut: (order, from, by) => this.#control!.obey(order, from, by),
  });
  readonly #news: OrderNews;
  /** With which code the process is to end once the node has stopped; null: it stays. */
  #leaving: number | null = null;
  #drainWatched = false;
  #finish: (code: number) => void = () => undefined;

  constructor(begin: AgentBegin, config: Config, parts: AgentParts) {
    this.#begin = begin;
    this.#config = config;
    this.#parts = parts;
    this.#interface = resolveForNode(config, begin.options.node).interface;
    this.#door = new ConsoleDoor(begin.options.runDir, parts);
    this.#news = new OrderNews({
      node: begin.options.node,
      tell: (kind, body) => this.#thread?.post({ type: 'tell', to: null, kind, body }),
      note: (news, from) => this.#record('command-elsewhere', { ...news, from }),
      nowMs: () => performance.now(),
    });
  }

  /** Runs until the node has left or failed. Throws what keeps it from starting, with the host restored. */
  async run(): Promise<number> {
    const finished = new Promise<number>((done) => {
      this.#finish = done;
    });
    try {
      await this.#start();
      this.#parts.tellSupervisor({ type: 'ready' });
      return await finished;
    } finally {
      await this.#close();
    }
  }

  /** `drain`: give everything away without harm, then end. `now`: end. */
  shutdown(how: 'drain' | 'now'): void {
    const thread = this.#thread;
    if (thread === null) {
      this.#finish(EXIT.ok);
      return;
    }
    const { deadlineMs } = this.#config.drain;
    const command: Command = how === 'drain' ? { name: 'drain', deadlineMs } : { name: 'stop' };
    this.#parts.log.info({ how }, how === 'drain' ? 'leaving: draining first' : 'leaving now');
    this.#leave(thread, command, EXIT.ok);
  }

  /** Leaves without harm, as `shutdown` does, to be started anew by the supervisor: after an upgrade, with the new code. */
  restart(deadlineMs: number | null): void {
    this.#parts.log.info({ deadlineMs }, 'leaving to be started anew: draining first');
    // Whoever shuts the node down does not want it back.
    this.#leave(this.#thread!, { name: 'drain', deadlineMs }, this.#leaving ?? EXIT.restart);
  }

  #leave(thread: MembershipThread, command: Command, exitCode: number): void {
    this.#leaving = exitCode;
    thread.post({ type: 'command', command });
    void this.#leaveIfStopped(thread);
  }

  /** A node that was stopped before has nothing more to say when it is told to leave. */
  async #leaveIfStopped(thread: MembershipThread): Promise<void> {
    const snapshot = await (thread.ask({ kind: 'status' }) as Promise<MembershipSnapshot>).catch(() => null);
    if (snapshot?.state === 'stopped') await this.#afterStop();
  }

  /** Reads key file and config again, one after the other. Throws ControlError with the old ones still in force. */
  async reload(): Promise<ReloadReport> {
    await this.#reloadKeys();
    const report = await this.#configs!.reload();
    const { changed, warnings } = report;
    for (const warning of warnings) this.#parts.log.warn({}, warning);
    this.#parts.log.info({ changed }, 'config read again');
    this.#record('config-reloaded', { changed, warnings });
    return report;
  }

  async #reloadKeys(): Promise<void> {
    await this.#thread!.ask({ kind: 'reload-keys' }).catch((cause: Error) => {
      throw new ControlError('bad-config', cause.message, 'the agent goes on with the keys and the config it had', {
        cause,
      });
    });
  }

  async #putInForce(configText: string, config: Config): Promise<void> {
    await this.#thread!.ask({ kind: 'config', configText });
    this.#config = config;
    this.#seeing?.configure(config);
    this.#parts.tellSupervisor({ type: 'config', configText });
    this.#wantConsole();
  }

  #openConfigs(): ConfigService {
    const { options, baseDir, configText } = this.#begin;
    const { node, configFile } = options;
    const { live, nowMs } = this.#parts;
    const record = (level: 'info' | 'warn' | 'error', event: string, fields: Readonly<Record<string, unknown>>) =>
      this.#tell(level, event, fields);
    return new ConfigService({
      ...live,
      node,
      configFile,
      configText,
      running: () => this.#config,
      live: new LiveConfig({
        ...live,
        configFile,
        node,
        running: () => this.#config,
        host: () => this.#host!,
        whoHas: (running, vips) => live.whoHas(running, node, baseDir, vips),
        expect: async (configText) => void (await this.#thread!.ask({ kind: 'expect-config', configText })),
        switchOver: (text, next) => this.#putInForce(text, next),
        resetConnections: this.#parts.resetConnections,
        follow: (before, next) => this.#follow(before, next),
        record,
      }),
      living: () => this.#living(),
      tell: (to, body) => this.#thread?.post({ type: 'tell', to, kind: CONFIG_KIND, body }),
      record,
      keyFile: () => keyFilePath(this.#config, baseDir),
      nowMs,
      pause: (ms) => delay(ms),
    });
  }

  /** Members whose agents run and count. */
  async #living() {
    const members = (await this.#thread!.ask({ kind: 'members' })) as ReturnType<Core['members']>;
    const { node } = this.#begin.options;
    const living = members.filter(({ name, state }) => name !== node && state !== 'dead' && state !== 'stopped');
    const weWait = members.some(({ name, state }) => name === node && state === 'waiting');
    return living.map((member) => ({ ...member, isWaiting: weWait || member.state === 'waiting' }));
  }

  /** What hangs on the config and on no packet. */
  #follow(before: Config, next: Config): void {
    this.#operations?.update(next);
    const differs = (a: unknown, b: unknown) => JSON.stringify(a) !== JSON.stringify(b);
    if (differs(before.witness, next.witness)) this.#witness.watch(next);
    const vips = (config: Config) => config.vips.map(({ text }) => text);
    if (differs(vips(before), vips(next)) || before.reachCalmMs !== next.reachCalmMs) void this.#reach.reopen();
  }

  #onConflict(bad: boolean, detail: string): void {
    this.#thread?.post({ type: 'condition', reason: 'conflict', bad, detail });
    this.#parts.log[bad ? 'error' : 'info']({ detail }, bad ? 'another host has a VIP' : 'the VIPs are free');
    this.#record('vip-check', { free: !bad, detail });
  }

  #tell(level: 'info' | 'warn' | 'error', event: string, fields: Readonly<Record<string, unknown>>): void {
    this.#parts.log[level](fields, event);
    this.#record(event, fields);
  }

  /** However a drain began: by a signal, on this socket, or by another node's word. */
  async #watchDrain(thread: MembershipThread): Promise<void> {
    if (this.#drainWatched) return;
    this.#drainWatched = true;
    try {
      const after = await watchLeave({
        node: this.#begin.options.node,
        status: () => thread.ask({ kind: 'status' }) as Promise<MembershipSnapshot>,
        connections: () => this.#parts.countConnections(this.#vipAddresses()),
        stopNow: (why) => {
          this.#parts.log.info({ why }, 'not waiting any longer');
          thread.post({ type: 'command', command: { name: 'stop' } });
        },
        nowMs: () => performance.now(),
        pause: (ms) => delay(ms),
      });
      if (after !== 'stopped') this.#stay();
    } catch (error) {
      // The thread has ended meanwhile, or the host cannot count: the drain's own deadline holds.
      this.#parts.log.debug({ error: String(error) }, 'the drain is no longer watched');
    } finally {
      this.#drainWatched = false;
    }
  }

  /** Told to start while it drained. A signal to leave that came before is taken back, too. */
  #stay(): void {
    if (this.#leaving === null) return;
    this.#leaving = null;
    this.#parts.log.info({}, 'not leaving: started again');
    this.#parts.tellSupervisor({ type: 'staying' });
  }

  #vipAddresses(): readonly string[] {
    return this.#config.vips.map(({ text }) => text.split('/')[0]!);
  }

  async #start(): Promise<void> {
    const { options, baseDir, configText } = this.#begin;
    const { runDir, node } = options;
    const tun = this.#parts.tunName(this.#config.farm, this.#interface);
    const lock = await this.#parts.lockRunDir(runDir, `node ${node}, pid ${process.pid}`);
    this.#closers.push(() => lock.release());
    this.#seeing = this.#openSeeing();
    if (this.#begin.restarts.count > 0) this.#record('agent-restarted', { ...this.#begin.restarts });
    const host = await this.#claimHost(tun);
    const begin = { node, configText, baseDir, runDir, tun, counters: this.#counters };
    // Both take a while, and neither needs the other.
    this.#closers.push(async () => this.#reach.close());
    const [opened] = await Promise.all([this.#openThread(begin), this.#reach.open()]);
    await host.raise();
    this.#watchHost(host);
    const configs = this.#openConfigs();
    this.#configs = configs;
    this.#closers.push(async () => configs.close());
    const operations = this.#openOperations();
    await this.#listen(opened, operations);
    this.#witness.watch(this.#config);
    this.#closers.push(async () => this.#witness.close());
    this.#startPulse();
    this.#warnAboutElectorate();
    // Before the node itself begins, so that it knows from the first moment on what to wait for.
    operations.begin();
    this.#thread!.post({ type: 'start' });
    this.#reach.door.watch();
    configs.watch();
  }

  #openSeeing(): Seeing {
    const { baseDir, options } = this.#begin;
    const { log, sender } = this.#parts;
    const counters = new BigUint64Array(this.#counters);
    const seeing = new Seeing({ node: options.node, runDir: options.runDir, log, counters, send: sender(baseDir) });
    this.#closers.push(() => seeing.close());
    seeing.configure(this.#config);
    return seeing;
  }

  #openOperations(): Operations {
    const { options } = this.#begin;
    const post = (request: Parameters<MembershipThread['post']>[0]) => this.#thread?.post(request);
    const operations = new Operations({
      config: this.#config,
      open: (config, hooks) => this.#parts.openOperations(config, options, hooks),
      condition: (reason, bad, detail) => post({ type: 'condition', reason, bad, detail }),
      weight: (percent) => post({ type: 'weight', percent }),
      command: (command) => post({ type: 'command', command }),
      record: (level, event, fields) => this.#tell(level, event, fields),
      output: (service, line) => this.#parts.log.info({ service }, line),
      holdsShare: async () => {
        const { members } = (await this.#thread!.ask({ kind: 'status' })) as MembershipSnapshot;
        return members.some(({ name, heldBuckets }) => name === options.node && heldBuckets > 0);
      },
      pause: (ms) => delay(ms),
      nowMs: () => performance.now(),
    });
    this.#closers.push(async () => operations.close());
    this.#operations = operations;
    return operations;
  }

  #newReach(onConflict: (bad: boolean, detail: string) => void): ReachDoor {
    const { options, baseDir } = this.#begin;
    const framesSeen = COUNTER_NAMES.indexOf('framesSeen');
    const counters = new BigUint64Array(this.#counters);
    const post = (request: Parameters<MembershipThread['post']>[0]) => this.#thread?.post(request);
    return this.#parts.openReach(this.#config, options.node, baseDir, {
      view: () => this.#thread!.ask({ kind: 'status' }) as Promise<MembershipSnapshot>,
      framesSeen: () => Number(Atomics.load(counters, framesSeen)),
      offer: (best, why) => post({ type: 'reach', best, why }),
      goUp: () => post({ type: 'command', command: { name: 'reach-up' } }),
      echo: (route) => post({ type: 'echo', route }),
      conflict: onConflict,
      tell: (to, body) => post({ type: 'tell', to, kind: REACH_MESSAGE, body }),
      record: (level, event, fields) => this.#tell(level, event, fields),
    });
  }

  /** The guard stands before the VIP; on the way out VIP and TUN go first, then the data plane, then the guard. */
  async #claimHost(tun: string): Promise<Host> {
    const { runDir, node } = this.#begin.options;
    const vips = this.#config.vips.map(({ text, prefixLength }) => ({ address: text.split('/')[0]!, prefixLength }));
    const host = await this.#parts.claimHost({
      farm: this.#config.farm,
      node,
      interface: this.#interface,
      vips,
      tun,
      runDir,
    });
    this.#host = host;
    this.#closers.push(async () => {
      await host.lower();
      await this.#thread?.close();
      await host.release();
    });
    return host;
  }

  #openThread(begin: MembershipBegin): Promise<Opened> {
    return new Promise((opened, failed) => {
      const onNotice = (notice: WorkerNotice) => (notice.type === 'opened' ? opened(notice) : this.#onNotice(notice));
      const onDeath = (error: Error) => {
        failed(error);
        this.#parts.log.error({ error: error.stack ?? error.message }, 'membership thread died');
        this.#parts.tellSupervisor({ type: 'failed', message: error.message, exitCode: EXIT.retry });
        this.#finish(EXIT.retry);
      };
      this.#thread = new MembershipThread(this.#parts.membershipEntry, begin, onNotice, onDeath);
    });
  }

  #watchHost(host: Host): void {
    host.watch(({ part, repaired, detail }) => {
      this.#parts.log.warn({ part, repaired }, detail);
      this.#record('host', { part, repaired, detail });
      if (repaired) this.#hostWarnings.delete(part);
      else this.#hostWarnings.set(part, detail);
      if (part === 'guard' || part === 'tun' || part === 'address') {
        this.#thread?.post({ type: 'condition', reason: 'host', bad: !repaired, detail });
      }
    });
  }

  async #listen(opened: Pick<Opened, 'engine'>, operations: Operations): Promise<void> {
    const startedAt = performance.now();
    this.#control = new AgentControl({
      configFile: this.#begin.options.configFile,
      readFile: this.#parts.live.readFile,
      orders: this.#orders,
      news: this.#news,
      restart: (deadlineMs) => this.restart(deadlineMs),
      config: () => this.#config,
      node: this.#begin.options.node,
      version: this.#begin.options.version,
      interface: this.#interface,
      restarts: this.#begin.restarts,
      keyFile: keyFilePath(this.#config, this.#begin.baseDir),
      engine: opened.engine,
      counters: new BigUint64Array(this.#counters),
      seeing: this.#seeing!,
      thread: this.#thread!,
      uptimeMs: () => performance.now() - startedAt,
      hostWarnings: () => [...this.#hostWarnings.values()],
      reach: () => this.#reach.door,
      configs: this.#configs!,
      operations,
      countConnections: () => this.#parts.countConnections(this.#vipAddresses()),
      reload: () => this.reload(),
      reloadKeys: () => this.#reloadKeys(),
      desk: this.#openDesk(() => this.#control!),
      record: (event, fields) => this.#record(event, fields),
    });
    this.#seeing!.serve(() => this.#control!.status());
    const server = await this.#parts.listen(this.#begin.options.runDir, this.#control);
    this.#closers.push(() => server.close());
    this.#closers.push(() => this.#door.close());
    await this.#reopenDoor(this.#control);
  }

  /** What it says of this node is the part of `status` that other nodes cannot know. */
  #openDesk(control: () => AgentControl): ConsoleDesk {
    const desk = new ConsoleDesk({
      node: this.#begin.options.node,
      plans: () => planSpecs(this.#config).length,
      buckets: (plan) => this.#thread!.ask({ kind: 'buckets', plan }) as Promise<BucketsSnapshot>,
      summary: async () => {
        const { uptimeMs, counters, drain, warnings, checkers, services, rules } = await control().status();
        const connections = await this.#parts.countConnections(this.#vipAddresses()).catch(() => null);
        const checks = checkSummaries(checkers, services);
        return {
          uptimeMs,
          counters,
          drain,
          warnings,
          connections,
          checks,
          rules: packetsByRule(rules),
        };
      },
      console: () => this.#config.console?.listen ?? null,
      tell: (to, body) => this.#thread?.post({ type: 'tell', to, kind: CONSOLE_MESSAGE, body }),
      openDoor: () => this.#door.open(control()),
      nowMs: () => performance.now(),
    });
    this.#desk = desk;
    return desk;
  }

  /** A console that runs already finds its way again; the farm does not depend on it. */
  async #reopenDoor(control: ControlHandler): Promise<void> {
    if (this.#config.console === null && !this.#door.wasUsed) return;
    try {
      await this.#door.open(control);
    } catch (error) {
      this.#parts.log.error({ error: String(error) }, 'no console');
    }
    this.#wantConsole();
  }

  #wantConsole(): void {
    this.#parts.tellSupervisor({ type: 'console', settings: this.#config.console });
  }

  /** For a service manager that wants to know whether the node moves. */
  #startPulse(): void {
    const { pulseMs } = this.#begin;
    if (pulseMs === null) return;
    const counters = new BigUint64Array(this.#counters);
    const loopTurns = COUNTER_NAMES.indexOf('loopTurns');
    const pulse = new Pulse({
      everyMs: pulseMs,
      loopTurns: () => Atomics.load(counters, loopTurns),
      askMembership: () => this.#thread!.ask({ kind: 'members' }),
      alive: () => this.#parts.tellSupervisor({ type: 'alive' }),
      stuck: (what) => this.#parts.log.error({ what }, 'not alive'),
    });
    this.#closers.push(async () => pulse.close());
  }

  #warnAboutElectorate(): void {
    if (this.#config.quorum === 'majority' && electorate(this.#config).length === 0) {
      this.#parts.log.warn({}, 'quorum: majority counts the nodes under nodes:, and none is named there');
    }
  }

  #onNotice(notice: WorkerNotice): void {
    switch (notice.type) {
      case 'state':
        this.#parts.log.info(
          { from: notice.from, to: notice.to, reason: notice.reason },
          `${notice.from} -> ${notice.to}`,
        );
        this.#parts.tellSupervisor({ type: 'state', state: notice.to, reason: notice.reason });
        this.#record('state', { from: notice.from, to: notice.to, reason: notice.reason });
        if (notice.to === 'draining') void this.#watchDrain(this.#thread!);
        if (notice.from === 'stopped') this.#operations?.begin();
        // At once: until the supervisor knows, it takes the next signal for the impatient second one.
        if (notice.from === 'draining' && notice.to === 'up') this.#stay();
        break;
      case 'log':
        this.#parts.log[notice.level](notice.fields, notice.event);
        if (notice.level !== 'debug') this.#record(notice.event, notice.fields);
        break;
      case 'obituary':
        this.#parts.tellSupervisor({ type: 'obituary', obituary: notice.obituary });
        break;
      case 'told':
        if (notice.kind === REACH_MESSAGE) this.#reach.door.told(notice.from, notice.body);
        else if (notice.kind === CONSOLE_MESSAGE) this.#desk?.told(notice.from, notice.body);
        else if (notice.kind === CONFIG_KIND) this.#configs?.told(notice.from, notice.body);
        else if (notice.kind === ORDER_NEWS_KIND) this.#news.told(notice.from, notice.body);
        else if (this.#control !== null) this.#orders.told(notice.from, notice.kind, notice.body);
        break;
      case 'stopped':
        void this.#afterStop();
        break;
      case 'opened':
      case 'answer':
        break;
    }
  }

  async #afterStop(): Promise<void> {
    await this.#operations?.end(this.#resetLeft());
    if (this.#leaving !== null) this.#finish(this.#leaving);
  }

  /** Connections that are left are ended honestly: their packets go to nodes that know nothing of them. */
  async #resetLeft(): Promise<void> {
    try {
      const count = await this.#parts.resetConnections(this.#vipAddresses());
      if (count > 0) {
        this.#parts.log.warn({ count }, 'connections were left, and reset');
        this.#record('connections-reset', { count });
      }
    } catch (error) {
      this.#parts.log.warn({ error: String(error) }, 'connections that are left could not be reset');
    }
  }

  #record(event: string, fields: Readonly<Record<string, unknown>>): void {
    const end = fields.failed === undefined ? '' : ', which failed';
    if (event === 'command') this.#parts.log.info(fields, `told to ${String(fields.command)}${end}`);
    this.#seeing?.record(event, fields);
  }

  /** In reverse order of what was opened; each step is tried, and the first failure is told. */
  async #close(): Promise<void> {
    const closers = this.#closers.reverse();
    this.#closers = [];
    for (const close of closers) {
      try {
        await close();
      } catch (error) {
        this.#parts.log.error({ error: String(error) }, 'not all was closed; run: covey cleanup');
      }
    }
  }
}
