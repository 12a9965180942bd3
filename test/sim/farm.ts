/** A whole simulated farm: hosts, network and clients, driven by a schedule and judged by the checks. */
import type { Settings } from '../../src/membership/contract.js';
import type { Heartbeat, LinkMessage, Obituary } from '../../src/membership/messages.js';
import { decodeLinkMessage, encodeLinkMessage } from '../../src/wire/link-message.js';
import type { Opened } from '../../src/wire/transport.js';
import { Air } from './air.js';
import { Checks, type Violation } from './checks.js';
import { Clients } from './clients.js';
import type { Packet } from './dataplane.js';
import { type Flaws, Host, NO_FLAWS, type World } from './host.js';
import { Network, NO_LOSS } from './network.js';
import { changeKeys, type KeyStep } from './operator.js';
import { Dice } from './random.js';
import {
  type Action,
  type Aim,
  INTERVAL_MS,
  LEASE_MS,
  MARGIN_MS,
  PEACEFUL,
  type Schedule,
  type Way,
} from './schedule.js';
import { Timeline } from './timeline.js';

/** An operator whose `covey keys` was refused tries again. */
const KEYS_AGAIN_MS = 250;

export class Farm implements World {
  readonly schedule: Schedule;
  readonly timeline = new Timeline();
  readonly network: Network;
  readonly hosts: readonly Host[];
  readonly clients: Clients;
  readonly checks: Checks;
  readonly notes: string[] = [];
  /** Whether to write down what happens; costs time. */
  noting = false;
  /** Whether a client's packet may reach nobody, though the network is whole. */
  readonly losesFrames: boolean = false;
  /** What happened, and how often. */
  readonly effects = new Map<string, number>();
  readonly #air: Air;
  readonly #blind = new Set<number>();
  readonly #sentByType = new Map<string, number>();

  constructor(schedule: Schedule, flaws: Flaws = NO_FLAWS) {
    this.schedule = schedule;
    const dice = new Dice(schedule.seed);
    this.network = new Network(this.timeline, dice.fork(), schedule.nodes, schedule.udp);
    this.network.delayMs = schedule.delayMs;
    this.network.loss = schedule.loss;
    this.network.duplicates = schedule.duplicates;
    this.network.late = schedule.late;
    this.network.lateMs = schedule.lateMs;
    this.hosts = Array.from({ length: schedule.nodes }, (_, index) => {
      const drift = dice.between(-schedule.drift, schedule.drift);
      const host = new Host(index, settingsOf(schedule, index), this, dice.fork(), drift, flaws, schedule.sealed);
      host.appliedDelayMs = schedule.appliedDelayMs;
      host.timersLateMs = schedule.timersLateMs;
      if (schedule.tableRoom > 0) host.plane.room = schedule.tableRoom;
      return host;
    });
    this.checks = new Checks(this);
    this.clients = new Clients(this, dice.fork());
    const records = schedule.actions.some(({ kind }) => kind === 'replay');
    this.#air = new Air(this.timeline, this.network, this.checks, this.hosts, records);
  }

  /** Runs to the end, or to the first violation, which is given. */
  run(): Violation | null {
    for (const action of this.schedule.actions) this.timeline.at(action.atMs, () => this.#act(action));
    this.timeline.at(this.schedule.healMs, () => this.#heal());
    this.clients.begin();
    this.checks.begin();
    if (this.schedule.witness) for (const host of this.hosts) this.#askWitness(host, new Dice(host.index));
    try {
      this.timeline.run(this.schedule.endMs);
      this.checks.atRest();
      this.#countWire();
    } catch (error) {
      if (error === this.checks.violation) return this.checks.violation;
      throw error;
    }
    return null;
  }

  #act(action: Action): void {
    this.notes.push(`${stamp(this.timeline.nowMs)} ---- ${JSON.stringify(action)}`);
    // A dead interface must cost no more than the time to notice it, however long it lasts.
    const lastsMs = 'forMs' in action && action.kind !== 'nic' && action.kind !== 'ingress' ? action.forMs : 0;
    if (!PEACEFUL.has(action.kind)) this.checks.disturbed(lastsMs);
    switch (action.kind) {
      case 'start':
        return this.#start(this.hosts[action.node]!);
      case 'kill':
        return this.kill(this.hosts[action.node]!, action.obituary);
      case 'stall':
        return this.hosts[action.node]!.stall(action.forMs);
      case 'cut':
        return this.cut(action.paths, action.forMs, action.way);
      case 'nic':
        return this.#spoilNic(this.network.deadNics, this.hosts[action.node]!, action.forMs);
      case 'ingress':
        return this.#spoilNic(this.network.deafNics, this.hosts[action.node]!, action.forMs);
      case 'blind':
        return this.#blindFor(action.nodes, action.forMs);
      case 'keys':
        return this.#changeKeys(this.hosts[action.node]!, action.step, action.from);
      case 'drain':
        return this.#drain(this.hosts[action.node]!, action.deadlineMs);
      case 'weight':
        return this.#configure(this.hosts[action.node]!, { weight: action.weight });
      case 'config':
        return this.#configure(this.hosts[action.node]!, { configDigest: action.digest });
      case 'expect':
        return this.#expect(this.hosts[action.node]!, action);
      case 'condition': {
        const host = this.hosts[action.node]!;
        host.receive({ type: 'condition', reason: action.reason, bad: true, detail: 'simulated' });
        this.timeline.after(action.forMs, () => {
          host.receive({ type: 'condition', reason: action.reason, bad: false, detail: '' });
        });
        return;
      }
      case 'client':
        return this.clients.act(this.clients.keys[action.key - 1]!, action.send);
      case 'replay':
        return this.#air.replay(this.hosts[action.node]!, action.sinceMs);
    }
  }

  #start(host: Host): void {
    if (host.core === null) host.start();
    else host.receive({ type: 'command', command: { name: 'start' } });
  }

  /** `obituary`: the supervisor lives, and tells the others. */
  kill(host: Host, obituary: boolean): void {
    if (host.core === null) return;
    const incarnation = host.kill();
    host.settings = { ...host.settings, switches: [] };
    if (!obituary) return;
    this.#air.testament(host, { name: host.name, incarnation }, host.seal?.testament ?? []);
    if (this.schedule.obituaryBudgetMs > 0) this.checks.expectService(this.schedule.obituaryBudgetMs);
  }

  cut(paths: readonly (readonly [number, number])[], forMs: number, way?: Way): void {
    const ways = way === undefined ? this.network.ways : [way];
    const set = (cut: boolean): void => {
      for (const each of ways) for (const [from, to] of paths) this.network.path(from, to, each).cut = cut;
    };
    set(true);
    this.timeline.after(forMs, () => {
      set(false);
      this.checks.disturbed();
    });
  }

  /** The others must take over long before the end of it. */
  #spoilNic(spoiled: Set<number>, host: Host, forMs: number): void {
    spoiled.add(host.index);
    this.timeline.after(forMs, () => {
      spoiled.delete(host.index);
      this.checks.disturbed();
    });
  }

  hasNic(host: Host): boolean {
    return !this.network.deadNics.has(host.index) && !this.network.deafNics.has(host.index);
  }

  #blindFor(nodes: readonly number[], forMs: number): void {
    for (const node of nodes) {
      this.#blind.add(node);
      this.checks.blinded(this.hosts[node]!);
    }
    this.timeline.after(forMs, () => {
      for (const node of nodes) this.#blind.delete(node);
    });
  }

  isBlind(host: Host): boolean {
    return this.#blind.has(host.index);
  }

  /** A round of echoes each interval, as the agent does. */
  #askWitness(host: Host, dice: Dice): void {
    this.timeline.after(INTERVAL_MS, () => this.#askWitness(host, dice));
    if (host.core === null || host.stalled || this.isBlind(host) || !this.hasNic(host)) return;
    const { random } = this.network.loss;
    if (dice.chance(random) || dice.chance(random)) return;
    const askedMs = host.localMs();
    this.timeline.after(dice.between(0.1, 1), () => host.receive({ type: 'witness', askedMs }));
  }

  #changeKeys(host: Host, step: KeyStep, from: number): void {
    const done = changeKeys(host, step, from);
    this.effect(`keys ${step}${done ? '' : ' refused'}`);
    if (done || this.timeline.nowMs >= this.schedule.healMs) return;
    this.timeline.after(KEYS_AGAIN_MS, () => this.#changeKeys(host, step, from));
  }

  #drain(host: Host, forMs: number | null): void {
    // The last one cannot leave without a gap, and with a quorum one that leaves may leave too few.
    const others = this.hosts.some((other) => other !== host && other.state === 'up');
    if (this.schedule.quorum === 'majority' || !others) this.checks.disturbed(4000);
    const deadlineMs = forMs === null ? null : host.localMs() + forMs;
    host.receive({ type: 'command', command: { name: 'drain', deadlineMs } });
  }

  #configure(host: Host, change: Partial<Settings>): void {
    host.settings = { ...host.settings, ...change };
    host.receive({ type: 'settings', settings: host.settings });
  }

  /** What only lives in the agent's memory: one that restarts meanwhile knows no more of it. */
  #expect(host: Host, { base, next, forMs }: Extract<Action, { kind: 'expect' }>): void {
    if (host.core === null) return;
    const told = { base, next };
    this.#configure(host, { switches: [...(host.settings.switches ?? []), told] });
    this.timeline.after(forMs, () => {
      const { switches = [] } = host.settings;
      if (switches.includes(told)) this.#configure(host, { switches: switches.filter((other) => other !== told) });
    });
  }

  #heal(): void {
    this.notes.push(`${stamp(this.timeline.nowMs)} ---- healed`);
    this.network.heal();
    this.network.loss = NO_LOSS;
    this.network.late = 0;
    this.#blind.clear();
    this.checks.disturbed();
    for (const host of this.hosts) {
      if (host.core === null) host.start();
      else host.receive({ type: 'command', command: { name: 'start' } });
      this.#configure(host, { configDigest: 'c0', switches: [] });
    }
  }

  broadcast(from: Host, heartbeat: Heartbeat): void {
    this.#air.broadcast(from, heartbeat);
  }

  passOn(from: Host, sealed: readonly Uint8Array[]): void {
    this.#air.passOn(from, sealed);
  }

  obituary(from: Host, obituary: Obituary): void {
    this.#air.obituary(from, obituary);
  }

  opened(host: Host, opened: Extract<Opened, { kind: 'heartbeat' }>): void {
    this.#air.opened(opened);
    if (!opened.copy) this.checks.taken(host, opened.heartbeat);
  }

  message(from: Host, toName: string, message: LinkMessage): void {
    const to = this.#reachedBy(from, toName);
    if (to === undefined || to.core === null) return;
    this.#aim(from, to, message);
    const { incarnation } = from;
    const meant = to.incarnation;
    const bytes = this.schedule.sealed ? encodeLinkMessage(message) : null;
    const deliver = (): void => {
      if (to.incarnation !== meant) return;
      const arrived = bytes === null ? message : decodeLinkMessage(bytes);
      to.receive({ type: 'link', from: from.name, incarnation, message: arrived });
    };
    this.network.message(from.index, to.index, deliver, () => {
      from.receive({ type: 'link-down', peer: to.name });
      to.receive({ type: 'link-down', peer: from.name });
    });
  }

  /** Among namesakes the one that the sender counts as member: links are opened to an incarnation. */
  #reachedBy(from: Host, name: string): Host | undefined {
    const named = this.hosts.filter((host) => host.name === name && host !== from);
    if (named.length < 2) return named[0];
    const member = from.core!.incarnationOf(name);
    return named.find((host) => host.incarnation === member);
  }

  /** Strikes where the schedule aims at this message. */
  #aim(from: Host, to: Host, { type }: LinkMessage): void {
    const count = (this.#sentByType.get(type) ?? 0) + 1;
    this.#sentByType.set(type, count);
    for (const aim of this.schedule.aims) {
      if (aim.on !== type || aim.nth !== count) continue;
      if (aim.afterMs === 0) this.#strike(aim, from, to);
      else this.timeline.after(aim.afterMs, () => this.#strike(aim, from, to));
    }
  }

  #strike(aim: Aim, from: Host, to: Host): void {
    if (this.timeline.nowMs >= this.schedule.healMs) return;
    const host = aim.side === 'from' ? from : to;
    this.notes.push(`${stamp(this.timeline.nowMs)} ---- ${JSON.stringify(aim)} ${from.name} -> ${to.name}`);
    this.checks.disturbed(aim.forMs);
    const paths = [this.network.path(from.index, to.index), this.network.path(to.index, from.index)];
    switch (aim.strike) {
      // The host is in the midst of a step: it dies right after it.
      case 'kill':
        this.timeline.after(0, () => this.kill(host, aim.obituary));
        return this.timeline.after(aim.forMs, () => this.#start(host));
      case 'stall':
        return host.stall(aim.forMs);
      case 'lose':
        return this.timeline.after(0, () => this.network.breakLink(from.index, to.index));
      case 'isolate': {
        const spared = host === from ? to : from;
        const deaf = this.hosts.filter((other) => other !== host && other !== spared);
        return this.cut(
          deaf.map((other) => [host.index, other.index] as const),
          aim.forMs,
        );
      }
      case 'reweigh': {
        for (const [turn, afterMs] of [0, 2, 7, 20].entries()) {
          this.timeline.after(aim.afterMs + afterMs, () => this.#configure(host, { weight: turn % 2 === 0 ? 3 : 1 }));
        }
        return;
      }
      case 'mute':
        for (const path of paths) path.mute = true;
        return this.timeline.after(aim.forMs, () => {
          for (const path of paths) path.mute = false;
        });
      case 'sever':
        return this.cut(
          [
            [from.index, to.index],
            [to.index, from.index],
          ],
          aim.forMs,
        );
    }
  }

  /** A client's packet goes to every host, each a little apart in time. */
  carry(packet: Packet, delayMs: () => number): void {
    for (const host of this.hosts) this.timeline.after(delayMs(), () => host.receiveFrame(packet));
  }

  /** A host passes a packet on that came to it alone. Here none does. */
  relayed(_host: Host, _packet: Packet, _macs: readonly Uint8Array[]): void {}

  accepted(host: Host, packet: Packet): void {
    this.checks.accepted(host, packet);
  }

  missed(host: Host, packet: Packet): void {
    this.checks.missed(host, packet);
  }

  linksGone(host: Host): void {
    this.network.dropLinks(host.index);
  }

  /** How many leases ended against the node's will. */
  lapses = 0;

  lapsed(_host: Host): void {
    this.lapses++;
  }

  gained(): void {
    this.checks.oneOwner();
  }

  effect(name: string): void {
    this.effects.set(name, (this.effects.get(name) ?? 0) + 1);
  }

  #countWire(): void {
    for (const { seal } of this.hosts) {
      for (const [name, count] of Object.entries(seal?.transport?.counters() ?? {})) {
        if (count > 0) this.effects.set(`wire ${name}`, (this.effects.get(`wire ${name}`) ?? 0) + count);
      }
    }
  }

  note(host: Host, text: () => string): void {
    if (this.noting) this.notes.push(`${stamp(this.timeline.nowMs)} ${host.name} ${text()}`);
  }
}

export function stamp(atMs: number): string {
  return atMs.toFixed(3).padStart(10);
}

function nameOf({ names }: Schedule, index: number): string {
  return names?.[index] ?? `n${index + 1}`;
}

function settingsOf(schedule: Schedule, index: number): Settings {
  return {
    node: nameOf(schedule, index),
    weight: 1,
    plans: Array.from({ length: schedule.plans }, () => ({ mode: 'balance' as const, order: [], weights: {} })),
    configDigest: 'c0',
    reach: 'flood',
    intervalMs: INTERVAL_MS,
    leaseMs: LEASE_MS,
    marginMs: MARGIN_MS,
    quorum: schedule.quorum,
    electorate: [...new Set(Array.from({ length: schedule.nodes }, (_, node) => nameOf(schedule, node)))],
    witness: schedule.witness,
    buckets: schedule.buckets,
  };
}
