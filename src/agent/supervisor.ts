/**
 * The supervisor: a small process that starts the agent, and tells the farm at once when it is gone.
 *
 * ```
 *            fork                       exit 0 (asked for)
 *  starting ------> running ----------------------------------> ended
 *   ^  ^               | died: its capture and TUN are closed by the kernel
 *   |  |               v
 *   |  +---------- obituary, host restored, back-off
 *   +------------- exit 76 (a restart was asked for), or ended with 76 where a service manager starts us anew
 * ```
 * It holds no packet, no table and no lock: all it owns is the obituary that the agent sealed in advance.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { nextBackoff } from './backoff.js';
import { ConsoleChild } from './console-child.js';
import {
  type AgentBegin,
  type AgentNotice,
  EXIT,
  type RestartRecord,
  type RunOptions,
  type SealedObituary,
  type SupervisorOrder,
} from './contract.js';
import { watchLifeline } from './lifeline.js';
import { ManagerReport, type ManagerReportParts } from './manager-report.js';

/** Once the lifeline has ended, the last thread does within this many polls; else it was no death, and the exit will tell. */
const ENDED_POLLS = 50;
const ENDED_POLL_MS = 2;
/**
 * Garbage is collected by the thread whose it is: V8's helper threads have no precedence, so on a busy host the heartbeats would wait for
 * them (up to 235 ms, measured). The heaps are a few MiB.
 */
const AGENT_FLAGS = ['--single-threaded-gc'];

/** Who is told of this node's life; `isThere` is false where nobody is. */
export type ServiceManager = Omit<ManagerReportParts, 'nowMs'>;

/** What the supervisor is given from outside. */
export interface SupervisorParts {
  /** Path of the agent's entry module. */
  readonly agentEntry: string;
  /** Path of the console's entry module. */
  readonly consoleEntry: string;
  /** The interpreter that the console is started by, confined; its words go before the module's path. */
  readonly confinedNode: () => { readonly execPath: string; readonly execArgv: readonly string[] };
  /** True once no thread of the process will run again, though the kernel may still be closing its files. */
  readonly hasEnded: (pid: number) => boolean;
  /** Broadcasts one control frame on an interface; throws with errno. */
  readonly sendControlOnce: (interfaceName: string, payload: Uint8Array) => void;
  /** Undoes what a dead agent left on the host. Idempotent. */
  readonly restoreHost: (runDir: string) => Promise<void>;
  /** A service manager starts us anew when we end with {@link EXIT.restart}: so new code is taken for both processes. */
  readonly isRestartedByManager: boolean;
  readonly manager: ServiceManager;
}

/** How one life of the agent ended. */
interface LifeEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly wasReady: boolean;
  readonly livedMs: number;
  readonly failure: string | null;
}

/** Runs the node in the foreground until it is asked to stop. @returns the process's exit code. */
export async function runSupervisor(options: RunOptions, parts: SupervisorParts): Promise<number> {
  return new Supervisor(options, parts).run();
}

class Supervisor {
  readonly #options: RunOptions;
  readonly #parts: SupervisorParts;
  /** What an agent begins with: the text that last proved good. */
  #configText: string;
  #child: ChildProcess | null = null;
  #obituary: SealedObituary | null = null;
  #shutdownsAsked = 0;
  #everReady = false;
  #isReady = false;
  #reloadAsked = false;
  #restarts: RestartRecord = { count: 0, lastReason: '', lastAt: null, backoffMs: 0 };
  readonly #stopWaiting = new AbortController();
  readonly #report: ManagerReport;

  readonly #console: ConsoleChild;

  constructor(options: RunOptions, parts: SupervisorParts) {
    const { tell, isThere, watchdogMs } = parts.manager;
    this.#report = new ManagerReport({ tell, isThere, watchdogMs, nowMs: () => performance.now() });
    this.#options = options;
    this.#parts = parts;
    this.#console = new ConsoleChild({
      entry: parts.consoleEntry,
      confinedNode: parts.confinedNode,
      runDir: options.runDir,
      log: (level, message, fields) => this.#log(level, message, fields),
    });
    // A restarted agent begins with the text that worked, not with whatever stands in the file by then (I10).
    this.#configText = readFileSync(options.configFile, 'utf8');
  }

  async run(): Promise<number> {
    const onSignal = () => this.#askShutdown();
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
    const onReload = () => this.#askReload();
    process.on('SIGHUP', onReload);
    const lifeline = watchLifeline(process.pid, () => void this.#announceOnceEnded());
    const { beatMs } = this.#report;
    const beat = beatMs === null ? undefined : setInterval(() => this.#report.beat(), beatMs);
    try {
      return await this.#superviseLives();
    } finally {
      clearInterval(beat);
      process.off('SIGTERM', onSignal);
      process.off('SIGINT', onSignal);
      process.off('SIGHUP', onReload);
      lifeline.close();
      this.#console.close();
    }
  }

  async #superviseLives(): Promise<number> {
    for (;;) {
      const end = await this.#oneLife();
      const isRestart = end.code === EXIT.restart;
      const died = end.code !== EXIT.ok && !isRestart;
      if (died) this.#announceDeath();
      // An agent that failed at its start has undone its own steps, and may have failed because another one serves here.
      if (end.wasReady || end.signal !== null) await this.#restoreHost();
      if (isRestart && this.#shutdownsAsked === 0) {
        if (this.#parts.isRestartedByManager) return EXIT.restart;
        await this.#readConfigAgain();
        continue;
      }
      if (!died || this.#shutdownsAsked > 0) return isRestart ? EXIT.ok : (end.code ?? EXIT.error);
      // An agent that never came up has said why; to try again would only repeat it.
      if (!this.#everReady && end.code !== null && end.code !== EXIT.retry) return end.code;
      await this.#waitForNextLife(end);
      if (this.#shutdownsAsked > 0) return EXIT.ok;
    }
  }

  /** A restart that was asked for takes what stands in the file, as a start does; the agent has found it right before it left. */
  async #readConfigAgain(): Promise<void> {
    try {
      this.#configText = await readFile(this.#options.configFile, 'utf8');
    } catch (error) {
      this.#log('warn', 'config not read again: the one in force stays', { error: String(error) });
    }
    this.#log('info', 'agent ended to be started anew', {});
  }

  #oneLife(): Promise<LifeEnd> {
    const startedAt = performance.now();
    this.#report.lifeBegins();
    const child = fork(this.#parts.agentEntry, [], {
      execArgv: [...process.execArgv, ...AGENT_FLAGS],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child = child;
    let wasReady = false;
    let failure: string | null = null;
    child.on('message', (notice: AgentNotice) => {
      if (notice.type === 'ready') wasReady = true;
      if (notice.type === 'failed') failure = notice.message;
      this.#onNotice(notice);
    });
    // A child that is gone cannot take a message; its exit says the rest.
    child.on('error', (error) => this.#log('warn', 'agent process', { error: error.message }));
    const begin: AgentBegin = {
      type: 'begin',
      options: this.#options,
      configText: this.#configText,
      baseDir: dirname(resolve(this.#options.configFile)),
      restarts: this.#restarts,
      pulseMs: this.#report.beatMs,
    };
    child.send(begin);
    return new Promise((done) => {
      child.once('exit', (code, signal) => {
        this.#child = null;
        this.#isReady = false;
        done({ code, signal, wasReady, failure, livedMs: performance.now() - startedAt });
      });
    });
  }

  #onNotice(notice: AgentNotice): void {
    switch (notice.type) {
      case 'ready':
        this.#everReady = this.#isReady = true;
        this.#report.ready();
        if (this.#reloadAsked) this.#askReload();
        break;
      case 'obituary':
        this.#obituary = notice.obituary;
        break;
      case 'config':
        this.#configText = notice.configText;
        break;
      case 'console':
        this.#console.want(notice.settings);
        break;
      case 'staying':
        this.#shutdownsAsked = 0;
        this.#report.staying();
        break;
      case 'alive':
        this.#report.alive();
        break;
      case 'state':
        this.#report.state(notice.state, notice.reason);
        break;
      case 'failed':
        break;
    }
  }

  /** The agent reads the file and judges it; one that is not there yet, or starts just now, does so when it is ready. */
  #askReload(): void {
    this.#reloadAsked = !this.#isReady;
    if (this.#isReady && this.#child?.connected === true)
      this.#child.send({ type: 'reload' } satisfies SupervisorOrder);
  }

  /** No frame is accepted any more from the moment on that all threads have ended, long before the exit is told; see lifeline.ts. */
  async #announceOnceEnded(): Promise<void> {
    const child = this.#child;
    for (let polls = 0; child !== null && this.#child === child && polls < ENDED_POLLS; polls++) {
      if (this.#parts.hasEnded(child.pid!)) return this.#announceDeath();
      await delay(ENDED_POLL_MS);
    }
  }

  /** Peers take over at once: nothing is left that could accept a frame. */
  #announceDeath(): void {
    const obituary = this.#obituary;
    this.#obituary = null;
    if (obituary === null) return;
    for (const datagram of obituary.datagrams) {
      try {
        this.#parts.sendControlOnce(obituary.interface, datagram);
      } catch (error) {
        this.#log('warn', 'obituary not sent', { interface: obituary.interface, error: String(error) });
      }
    }
    for (const path of obituary.udp) sendByUdp(path, obituary.datagrams);
  }

  async #restoreHost(): Promise<void> {
    try {
      await this.#parts.restoreHost(this.#options.runDir);
    } catch (error) {
      this.#log('error', 'host not restored', { error: String(error), hint: 'run: covey cleanup' });
    }
  }

  async #waitForNextLife(end: LifeEnd): Promise<void> {
    const backoffMs = nextBackoff(this.#restarts.backoffMs, end.livedMs);
    const lastReason = end.failure ?? (end.signal !== null ? `killed by ${end.signal}` : `exit code ${end.code}`);
    this.#restarts = { count: this.#restarts.count + 1, lastReason, lastAt: new Date().toISOString(), backoffMs };
    this.#report.waits(backoffMs, lastReason);
    this.#log('error', 'agent died', { reason: lastReason, restartInMs: backoffMs, restarts: this.#restarts.count });
    await delay(backoffMs, undefined, { signal: this.#stopWaiting.signal }).catch(() => undefined);
  }

  /** First: drain. Second: stop now. Third: the agent does not answer, so it is ended. */
  #askShutdown(): void {
    this.#shutdownsAsked += 1;
    this.#report.stopping();
    this.#stopWaiting.abort();
    const child = this.#child;
    if (child === null) return;
    if (this.#shutdownsAsked > 2) child.kill('SIGKILL');
    const order: SupervisorOrder = { type: 'shutdown', how: this.#shutdownsAsked === 1 ? 'drain' : 'now' };
    if (child.connected) child.send(order);
  }

  /** The same line format as the agent's pino lines, so that one log reads as one. */
  #log(level: 'info' | 'warn' | 'error', msg: string, fields: Record<string, unknown>): void {
    const line = {
      level,
      time: new Date().toISOString(),
      part: 'supervisor',
      node: this.#options.node,
      ...fields,
      msg,
    };
    process.stderr.write(`${JSON.stringify(line)}\n`);
  }
}

function sendByUdp(path: SealedObituary['udp'][number], datagrams: readonly Uint8Array[]): void {
  const socket = createSocket(path.address.includes(':') ? 'udp6' : 'udp4');
  socket.on('error', () => socket.close());
  socket.bind(0, path.localAddress, () => {
    socket.setBroadcast(true);
    let left = datagrams.length;
    for (const datagram of datagrams) {
      socket.send(datagram, path.port, path.address, () => {
        left -= 1;
        if (left === 0) socket.close();
      });
    }
  });
}
