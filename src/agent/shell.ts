/**
 * The membership thread's shell: feeds events to the core and obeys its directives, in order. It decides nothing.
 *
 * Order matters in two places. Control frames that wait are fed before each tick, so that a late tick calls nobody dead whose
 * heartbeat lies in the queue. And what a directive brings about (`applied`, `lapsed`) is fed only after the directives
 * before it were obeyed.
 */

import { LeaseLapsedError } from '../dataplane/contract.js';
import { COUNTER_NAMES } from '../dataplane/counters.js';
import {
  type Command,
  type Directive,
  ECHO_PATH,
  type Event,
  RAW_PATH,
  type Settings,
} from '../membership/contract.js';
import type { Endpoint, Heartbeat, Incarnation, LinkMessage, NodeName } from '../membership/messages.js';
import type { ShellNotice, ShellParts } from './ports.js';

const LOOP_TURNS = COUNTER_NAMES.indexOf('loopTurns');
const FRAMES_SEEN = COUNTER_NAMES.indexOf('framesSeen');
const INGRESS_FRAMES = COUNTER_NAMES.indexOf('ingressFrames');
/** The packet thread turns at least every 20 ms. On a host whose cores are all taken it may be late; this late, it hangs. */
const PACKET_THREAD_SILENT_MS = 500;
/**
 * Timers count whole ms from when the loop's turn began, so they come up to so much too early: a waking for nothing, and a second one.
 */
const TIMER_EARLY_MS = 1;

export class MembershipShell {
  readonly #parts: ShellParts;
  readonly #queue: Event[] = [];
  #running = false;
  #timer: NodeJS.Timeout | null = null;
  #armedForMs = 0;
  #leaseStarted = false;
  #loopTurns = -1n;
  #loopMovedAtMs = 0;
  #closed = false;
  readonly #keysOf = new Map<NodeName, readonly number[]>();
  readonly #endpointsOf = new Map<NodeName, readonly Endpoint[]>();

  constructor(parts: ShellParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#parts.dataPlane.onControl(() => this.#drainControl());
    this.#loopMovedAtMs = this.#parts.dataPlane.nowMs();
    this.tick();
  }

  /** Feeds what waits, then a tick; arms the next one. */
  tick(): void {
    if (this.#closed) return;
    this.#timer = null;
    this.#drainControl();
    this.#observeDataPlane();
    this.feed({ type: 'tick' });
    this.#arm();
  }

  /** One event, and all that follows from it. */
  feed(event: Event): void {
    this.#queue.push(event);
    if (this.#running || this.#closed) return;
    this.#running = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        for (const directive of this.#parts.core.step(this.#parts.dataPlane.nowMs(), next)) this.#obey(directive);
      }
    } finally {
      this.#running = false;
    }
  }

  /** Bytes of a path other than `raw`. */
  receive(datagram: Uint8Array, source: string, path: string): void {
    if (this.#closed) return;
    const opened = this.#parts.seal.open(datagram, source, this.#parts.dataPlane.nowMs());
    if (opened === null) return;
    this.#parts.paths.find(({ name }) => name === path)?.heard?.();
    if (opened.kind === 'obituary') {
      this.feed({ type: 'obituary', obituary: opened.obituary });
      return;
    }
    const { heartbeat, via, sealed } = opened;
    this.feed({ type: 'heartbeat', heartbeat, path, via, sealed });
    this.#keysOf.set(heartbeat.from, heartbeat.keys);
    this.#endpointsOf.set(heartbeat.from, heartbeat.endpoints);
    // A link goes to an incarnation: a namesake that counts as nobody must not draw it away from the member.
    const member = this.#parts.core.incarnationOf(heartbeat.from);
    if (member !== null && member !== heartbeat.incarnation) return;
    this.#parts.link.learn(heartbeat.from, heartbeat.incarnation, heartbeat.endpoints);
  }

  receiveLink(from: NodeName, incarnation: Incarnation, message: LinkMessage): void {
    this.feed({ type: 'link', from, incarnation, message });
    this.#arm();
  }

  linkDown(peer: NodeName): void {
    this.feed({ type: 'link-down', peer });
    this.#arm();
  }

  /** A drain's deadline comes as a duration from now, in ms: it may have been said on another node. */
  command(command: Command): void {
    const isTimed = command.name === 'drain' && command.deadlineMs !== null;
    const deadlineMs = isTimed ? this.#parts.dataPlane.nowMs() + command.deadlineMs : null;
    this.feed({ type: 'command', command: command.name === 'drain' ? { name: 'drain', deadlineMs } : command });
    this.#arm();
  }

  /** Plans and weights as they are from now on; acted on at once. */
  settings(settings: Settings): void {
    this.feed({ type: 'settings', settings });
    this.#arm();
  }

  /** Ids of the farm keys that `name` can open, as it last said; empty: it has not spoken yet. */
  keysOf(name: NodeName): readonly number[] {
    return this.#keysOf.get(name) ?? [];
  }

  /** Where `name` listens, as it last said. */
  endpointsOf(name: NodeName): readonly Endpoint[] {
    return this.#endpointsOf.get(name) ?? [];
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #arm(): void {
    if (this.#closed) return;
    const dueMs = this.#parts.core.nextTickMs();
    if (this.#timer !== null && dueMs === this.#armedForMs) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#armedForMs = dueMs;
    const waitMs = Math.ceil(dueMs - this.#parts.dataPlane.nowMs()) + TIMER_EARLY_MS;
    this.#timer = setTimeout(() => this.tick(), Math.max(0, waitMs));
  }

  #drainControl(): void {
    if (this.#closed) return;
    for (const frame of this.#parts.dataPlane.takeControl()) {
      const source = Buffer.from(frame.source).toString('hex');
      if (frame.echoed) this.receive(frame.payload, `echo ${source}`, ECHO_PATH);
      else this.receive(frame.payload, source, RAW_PATH);
    }
    this.#arm();
  }

  #observeDataPlane(): void {
    const { dataPlane, counters } = this.#parts;
    const nowMs = dataPlane.nowMs();
    const turns = Atomics.load(counters, LOOP_TURNS);
    if (turns !== this.#loopTurns) {
      this.#loopTurns = turns;
      this.#loopMovedAtMs = nowMs;
    }
    const alive = nowMs - this.#loopMovedAtMs < PACKET_THREAD_SILENT_MS;
    if (this.#leaseStarted && !dataPlane.leaseOpen()) this.#lapsed();
    const framesSeen = Number(Atomics.load(counters, FRAMES_SEEN));
    // A thread that hangs would not answer; what is kept is then unknown, and the lease is not renewed anyway.
    const kept = alive ? dataPlane.kept() : { kept: [], count: 0 };
    const ingressFrames = Number(Atomics.load(counters, INGRESS_FRAMES));
    this.feed({ type: 'dataplane', framesSeen, kept, alive, capture: dataPlane.captureState, ingressFrames });
  }

  #lapsed(): void {
    this.#leaseStarted = false;
    this.#queue.push({ type: 'lapsed' });
  }

  #obey(directive: Directive): void {
    const { dataPlane, link } = this.#parts;
    switch (directive.type) {
      case 'broadcast':
        this.#broadcast(directive.heartbeat, directive.routine);
        break;
      case 'pass-on':
        this.#send(this.#parts.seal.sealPassedOn(directive.sealed));
        break;
      case 'obituary':
        this.#send(this.#parts.seal.sealObituary(directive.obituary));
        break;
      case 'ask-neighbours':
        for (const address of this.#parts.neighbours()) dataPlane.probeAddress(address);
        break;
      case 'link':
        link.send(directive.to, directive.message);
        break;
      case 'tables':
        this.#applyTables(directive);
        break;
      case 'renew-lease':
        if (dataPlane.renewLease(directive.deadlineMs)) this.#leaseStarted = true;
        else this.#lapsed();
        break;
      case 'reset':
        this.#leaseStarted = false;
        dataPlane.reset();
        break;
      case 'incarnation':
        this.#parts.persistIncarnation(directive.incarnation);
        this.#parts.seal.setIncarnation(directive.incarnation);
        link.setIncarnation(directive.incarnation);
        this.#parts.onDirective(directive);
        break;
      default:
        this.#parts.onDirective(directive satisfies ShellNotice);
        break;
    }
  }

  #applyTables({ id, ops }: Extract<Directive, { type: 'tables' }>): void {
    try {
      this.#queue.push({ type: 'applied', id, results: this.#parts.dataPlane.apply(ops) });
    } catch (error) {
      if (!(error instanceof LeaseLapsedError)) throw error;
      this.#lapsed();
    }
  }

  #broadcast(heartbeat: Heartbeat, routine: boolean): void {
    this.#send(
      this.#parts.seal.sealHeartbeat({
        ...heartbeat,
        endpoints: this.#parts.link.endpoints(),
        keys: this.#parts.seal.keys().ids,
      }),
      routine,
    );
  }

  /** By every path at once. A path that fails says so in its health; the others go on. */
  #send(datagrams: readonly Uint8Array[], mayWait = false): void {
    for (const datagram of datagrams) {
      this.#sendRaw(datagram, mayWait);
      for (const path of this.#parts.paths) path.send(datagram);
    }
  }

  #sendRaw(datagram: Uint8Array, mayWait: boolean): void {
    try {
      this.#parts.dataPlane.sendControl(datagram, mayWait);
      this.rawError = '';
    } catch (error) {
      this.rawError = String(error);
    }
  }

  /** Why the last control frame could not be sent; empty when it could. */
  rawError = '';
}
