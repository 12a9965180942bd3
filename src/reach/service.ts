/**
 * The reach service: one per node, on the agent's main thread. Captures probes, ARP for the VIPs and frames from the vMAC; judges, and tells the
 * core what this node can do. It is on the way of no packet and no heartbeat: without it, or without the package cap, a farm with a fixed
 * `reach` goes on as before.
 *
 * ```
 *   Segment: Evidence --> judge --> Chooser --> offer --> core (agrees on the farm's lowest)
 *            Gateway  -----^  ^---- obstacles: leaks, captured frames, kind of interface
 *            Claims   --> conflict before the VIP is taken, an event while it is ours
 *            Leaks    --> event, obstacle to flood
 *            Gateway  --> echo route: heartbeats by way of the gateway, for nodes that do not hear each other
 *            Rivals   --> conflict while a node serves that cannot be heard, by no way at all
 * ```
 */
import { setTimeout as delay } from 'node:timers/promises';
import { ECHO_PATH } from '../membership/contract.js';
import type { NodeName } from '../membership/messages.js';
import { Chooser } from './chooser.js';
import { claimText } from './claims.js';
import type {
  Capability,
  Claim,
  EchoRoute,
  FarmView,
  HostLook,
  Judgement,
  ProbeReport,
  ReachDoor,
} from './contract.js';
import { echoRoute, sameRoute } from './echo-route.js';
import { judge } from './judge.js';
import { FORGOTTEN_AFTER_MS, type Leak } from './leaks.js';
import { decodeMessage, encodeMessage } from './message-codec.js';
import { obstaclesOf, unheardMembers } from './obstacles.js';
import type { ReachParts } from './ports.js';
import { Reasons } from './reasons.js';
import { probeReport } from './report.js';
import { RollCall } from './roll-call.js';
import { Segment } from './segment.js';
import { Shares } from './shares.js';

const TICK_MS = 500;
/** Until the first decision everything waits for it. */
const FIRST_TICK_MS = 100;
/** The same, where the reach is set. */
const FIRST_LOOKS_MS = 2000;
const GATEWAY_MS = 5000;
const CLAIM_SETTLES_MS = 100;
/** Each tick: a claim is to be told within a second. */
const VIPS_MS = 450;
const ANNOUNCE_MS = 1000;
/** RFC 5227 section 2.3 wants two; they may be lost. */
const ANNOUNCEMENTS = 3;
/** Heartbeats and probes of others come within this time, if they come at all. */
const LONELY_MS = 400;
const ISOLATED =
  'another node of the farm serves and cannot be heard: the ports are isolated; give heartbeats a network of their own (heartbeat.udp)';
/** Firewalls and addresses are looked at this often, for warnings. */
const LOOK_MS = 15_000;

/** A frame with a false source tells no more of its sender than what is in it; where it came in, switches know. */
const CULPRIT = 'at which port of which switch the frame came in is in their tables of MACs, under the MAC of the farm';

export class ReachService implements ReachDoor {
  readonly #parts: ReachParts;
  readonly #shares = new Shares();
  readonly #reasons = new Reasons();
  readonly #closing = new AbortController();
  readonly #rollCall: RollCall;
  readonly #conflicts = new Map<'vip' | 'rival', string>();
  #segment!: Segment;
  #chooser!: Chooser;
  #host!: HostLook;
  #lookedMs = 0;
  #startedMs = 0;
  #view: FarmView | null = null;
  #members: readonly NodeName[] = [];
  #gatewayAskedMs = Number.NEGATIVE_INFINITY;
  #vipsAskedMs = Number.NEGATIVE_INFINITY;
  #lonelySinceMs: number | null = null;
  #announcedMs = Number.NEGATIVE_INFINITY;
  /** Another node serves that cannot be heard, so this one does not. */
  #yields = false;
  /** How often the VIPs are still to be announced. */
  #announcements = 0;
  #trouble = '';
  #echoRoute: EchoRoute | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(parts: ReachParts) {
    this.#parts = parts;
    this.#rollCall = new RollCall(parts, {
      segment: () => this.#segment,
      look: () => this.#lookAtHost(),
      judge: (view) => this.#judge(view, true),
      trouble: () => this.#trouble,
    });
  }

  async start(): Promise<void> {
    const parts = this.#parts;
    await this.#lookAtHost();
    this.#segment = new Segment(parts, this.#host, {
      mode: () => this.#view?.reach.mode ?? '',
      // Somebody new waits for our probes, as we do for its.
      onNewSender: () => this.#isAuto && this.#segment.prober.burst(),
      onClaim: (claim) => void this.#noticeClaim(claim),
      onLeak: (leak) => this.#noticeLeak(leak),
      onConflict: (detail) => this.#noticeConflict('vip', detail),
      onState: (state) => this.#noticeTrouble(state.state === 'failed' ? state.why : ''),
    });
    await this.#segment.ready();
    this.#startedMs = parts.nowMs();
    this.#chooser = new Chooser(this.#startedMs, parts.calmMs);
    if (this.#isAuto) this.#segment.prober.burst();
  }

  checkVips(): Promise<void> {
    return this.#segment.checkVips(this.#closing.signal);
  }

  watch(): void {
    // Only from here on the gateway is asked and members are heard: what a node that is alone decides must not be decided before.
    this.#startedMs = this.#parts.nowMs();
    this.#chooser = new Chooser(this.#startedMs, this.#parts.calmMs);
    this.#timer = setTimeout(() => void this.#tick(), 0);
  }

  async probe(apply: boolean): Promise<ProbeReport> {
    const { farm, node, view } = this.#parts;
    const { rows, silent, tookMs } = await this.#rollCall.ask();
    if (apply) this.#allUp('covey probe --apply', true);
    const reach = this.reach(await view());
    return probeReport({ farm, node, reach, needs: this.#segment.needs, rows, silent, applied: apply, tookMs });
  }

  told(from: NodeName, body: Uint8Array): void {
    const message = decodeMessage(body);
    switch (message?.type) {
      case 'probe':
        void this.#rollCall.answer(from, message.id);
        break;
      case 'row':
        this.#rollCall.take(from, message.id, message.row);
        break;
      case 'judged':
        this.#reasons.say(from, message);
        break;
      case 'claim':
        if (this.#segment.claims.add(message.claim, this.#parts.nowMs())) this.#recordClaim(message.claim, from);
        break;
      case 'up':
        this.#goUp(from, message.why, message.isCommand);
        break;
      case undefined:
    }
  }

  reach({ reach, members }: FarmView): { readonly mode: string; readonly reason: string } {
    if (!this.#isAuto) return { mode: reach.mode, reason: reach.why };
    const isOffered = members.some((member) => member.reach !== 'none');
    return { mode: isOffered ? reach.mode : 'none', reason: this.#reasons.reason(reach) };
  }

  warnings(): readonly string[] {
    const nowMs = this.#parts.nowMs();
    const leak = this.#segment.leaks.remembered(nowMs);
    return [
      ...this.#segment.claims.current(nowMs).map((claim) => `conflict: ${claimText(claim)}`),
      ...(leak === null ? [] : [leakText(leak, nowMs)]),
      ...(this.#trouble === '' ? [] : [`nothing is probed, and VIP conflicts are not seen: ${this.#trouble}`]),
      ...this.#host.report.warnings,
      ...this.#gatewayWarnings(),
      ...this.#echoWarnings(),
    ];
  }

  close(): void {
    this.#closing.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#segment?.close();
  }

  #gatewayWarnings(): readonly string[] {
    const { address, answers, reachesVip } = this.#segment.gateway?.report() ?? {
      address: '',
      answers: false,
      reachesVip: null,
    };
    if (!answers || reachesVip !== false) return [];
    return [
      `gateway ${address} answers this node, but what it sends to the VIP does not arrive: clients behind it may not reach the farm`,
    ];
  }

  #echoWarnings(): readonly string[] {
    const isEchoed = ({ name, state, paths }: FarmView['members'][number]) =>
      name !== this.#parts.node && state !== 'dead' && state !== 'stopped' && isEchoedOnly(Object.keys(paths));
    const names = (this.#view?.members ?? []).filter(isEchoed).map(({ name }) => name);
    if (names.length === 0) return [];
    return [
      `${names.join(', ')} can be heard by way of the gateway only: the ports are isolated. Unless nodes reach each other by another network, a node that comes back gets no share until another one leaves, and a drain ends at its deadline; give heartbeats a network of their own (heartbeat.udp)`,
    ];
  }

  get #isAuto(): boolean {
    return this.#parts.setting === 'auto';
  }

  async #lookAtHost(): Promise<HostLook> {
    this.#host = await this.#parts.look();
    this.#lookedMs = this.#parts.nowMs();
    return this.#host;
  }

  /** A moment later it is known who it was: members and other farms send heartbeats all the time. */
  async #noticeClaim({ vip, mac }: Claim): Promise<void> {
    await delay(CLAIM_SETTLES_MS);
    const settled = this.#segment.claims.current(this.#parts.nowMs());
    const claim = settled.find((one) => one.vip === vip && (one.mac === mac || one.farm !== null));
    if (claim === undefined || this.#closing.signal.aborted) return;
    this.#recordClaim(claim, this.#parts.node);
    this.#parts.tell(null, encodeMessage({ type: 'claim', claim }));
  }

  #recordClaim(claim: Claim, seenBy: NodeName): void {
    this.#parts.record('error', 'vip-conflict', { ...claim, seenBy, text: claimText(claim) });
  }

  /** Another host has a VIP, or another node serves unheard: one of them is over only for itself. Empty: it is over. */
  #noticeConflict(source: 'vip' | 'rival', detail: string): void {
    if (detail === '') this.#conflicts.delete(source);
    else this.#conflicts.set(source, detail);
    this.#parts.conflict(this.#conflicts.size > 0, [...this.#conflicts.values()].join('; '));
  }

  #noticeLeak({ count, evidence }: Leak): void {
    if (count === 1 || count % 1000 === 0)
      this.#parts.record('error', 'vmac-as-source', { count, evidence, hint: CULPRIT });
  }

  #noticeTrouble(trouble: string): void {
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    if (trouble !== '') this.#parts.record('warn', 'probe-capture', { trouble });
  }

  /** Twice a second: who is there, what can be done, who else claims a VIP. */
  async #tick(): Promise<void> {
    try {
      this.#view = await this.#parts.view();
      if (this.#parts.nowMs() - this.#lookedMs > LOOK_MS) await this.#lookAtHost();
      const living = this.#view.members.filter(({ state, mac }) => state !== 'dead' && mac !== '');
      this.#segment.claims.setMembers(living.map(({ mac }) => mac));
      this.#tellNewcomers(this.#view);
      this.#watchVips(this.#view);
      this.#watchRivals(this.#view);
      this.#askGateway(this.#view);
      if (this.#isAuto) this.#choose(this.#view);
      this.#followEcho(this.#view);
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#parts.record('warn', 'reach-watch', { error: String(error) });
    }
    if (this.#closing.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#tick(), this.#isUndecided ? FIRST_TICK_MS : TICK_MS);
  }

  /** Also where nothing is to be decided it matters for a start what the gateway does. */
  get #isUndecided(): boolean {
    if (!this.#isAuto) return this.#parts.nowMs() - this.#startedMs < FIRST_LOOKS_MS;
    return this.#chooser.told === null;
  }

  #tellNewcomers({ members }: FarmView): void {
    const living = members.filter(({ state }) => state !== 'dead').map(({ name }) => name);
    const fresh = living.filter((name) => name !== this.#parts.node && !this.#members.includes(name));
    this.#members = living;
    const { told } = this.#chooser;
    if (told === null) return;
    for (const name of fresh) this.#parts.tell(name, encodeMessage({ type: 'judged', ...told }));
  }

  /** One node asks for all, twice a second: an owner that nobody talks to is heard no other way. */
  #watchVips({ members, state }: FarmView): void {
    const nowMs = this.#parts.nowMs();
    if (state !== 'up' || nowMs - this.#vipsAskedMs < VIPS_MS) return;
    this.#vipsAskedMs = nowMs;
    const first = members.find((member) => member.state === 'up');
    if (first?.name === this.#parts.node) this.#segment.askForVips();
  }

  /** A node that hears nobody may have company all the same: behind isolated ports. See {@link Rivals}. */
  #watchRivals({ members, state, reach }: FarmView): void {
    const { rivals, evidence } = this.#segment;
    const { nowMs, node, record } = this.#parts;
    if (rivals === null) return;
    const now = nowMs();
    const others = members.filter((member) => member.name !== node && !['dead', 'stopped'].includes(member.state));
    const isLonely = others.length === 0 && evidence.rows(now).length === 0;
    this.#lonelySinceMs = isLonely ? (this.#lonelySinceMs ?? now) : null;
    if (!isLonely) rivals.forget();
    const serves = state === 'up' || state === 'draining';
    // Those who hear each other by the gateway's echo alone announce as well: a newcomer may not hear it yet, and must not serve before it does.
    const isHidden = isLonely || this.#echoRoute !== null;
    if (isHidden && serves && now - this.#announcedMs >= ANNOUNCE_MS) {
      this.#announcedMs = now;
      rivals.announce();
      // Clients still send to the one that served before; where the MAC is shared, that is ours as well.
      if (isLonely && reach.mode === 'relay' && this.#announcements-- > 0) this.#segment.announceVips();
    }
    const isSure = this.#lonelySinceMs !== null && now - this.#lonelySinceMs >= LONELY_MS;
    const yields = isSure && rivals.takePrecedence(now, serves);
    if (yields === this.#yields) return;
    this.#yields = yields;
    this.#announcements = ANNOUNCEMENTS;
    record(yields ? 'error' : 'info', 'isolated', { yields, text: yields ? ISOLATED : 'no other node serves' });
    this.#noticeConflict('rival', yields ? ISOLATED : '');
  }

  #askGateway(view: FarmView): void {
    const nowMs = this.#parts.nowMs();
    if (nowMs - this.#gatewayAskedMs < (this.#isUndecided ? FIRST_TICK_MS : GATEWAY_MS)) return;
    this.#gatewayAskedMs = nowMs;
    this.#segment.askGateway(view);
  }

  /** What this node can do by its own evidence; null: it has not decided yet. */
  get #ownBest(): Capability | null {
    return this.#isAuto ? (this.#chooser.told?.best ?? null) : (this.#parts.setting as Capability);
  }

  #followEcho(view: FarmView): void {
    const { node, vips, vmac, nowMs, echo } = this.#parts;
    const { evidence, gateway } = this.#segment;
    const vip = vips.find(({ address }) => address.length === 4)?.address ?? null;
    const heardProbes = evidence.rows(nowMs()).length > 0;
    const route = echoRoute({ node, view, best: this.#ownBest, heardProbes, gateway, vip, vmac });
    if (sameRoute(route, this.#echoRoute)) return;
    this.#echoRoute = route;
    echo(route);
  }

  #choose(view: FarmView): void {
    const { nowMs, node, record, offer, goUp, tell } = this.#parts;
    const now = nowMs();
    if (this.#segment.isFlooded(now)) return;
    const judgement = this.#judge(view, this.#chooser.isOpen);
    const isLeaked = this.#segment.leaks.remembered(now) !== null;
    for (const choice of this.#chooser.step(now, judgement, view.reach.mode, isLeaked)) {
      if (choice.type === 'up') goUp();
      else if (choice.type === 'all-up') this.#allUp(choice.why, false);
      else {
        const { best, why, before } = choice;
        const { evidence } = judgement;
        if (best !== before)
          record(before === null ? 'info' : 'warn', 'reach-evidence', { best, before, why, evidence });
        offer(best, why);
        this.#reasons.say(node, { best, why });
        tell(null, encodeMessage({ type: 'judged', best, why }));
      }
    }
    this.#reasons.follow(view.reach.mode, this.#chooser.told?.best ?? null);
  }

  /**
   * @param isWhole with those who live and whose probes are not heard. Once a mode is chosen, silence proves nothing: a node may be
   *   stalled, and one that cannot be heard says itself what it can do.
   */
  #judge(view: FarmView, isWhole: boolean): Judgement {
    const { node, nowMs, framesSeen } = this.#parts;
    const { evidence, needs, gateway, leaks } = this.#segment;
    const now = nowMs();
    const rows = evidence.rows(now).filter(({ from }) => counts(from, view.members, isWhole));
    const shares = this.#shares.compare(evidence.senders(now), framesSeen(), view, now);
    return judge({
      needs,
      rows,
      unheard: isWhole ? unheardMembers(node, view.members, rows, this.#trouble) : [],
      gateway,
      obstacles: obstaclesOf({
        host: this.#host,
        heardAnyone: rows.length > 0,
        leak: leaks.remembered(now),
        shares,
        gateway,
        mode: view.reach.mode,
      }),
    });
  }

  #allUp(why: string, isCommand: boolean): void {
    this.#goUp(this.#parts.node, why, isCommand);
    this.#parts.tell(null, encodeMessage({ type: 'up', why, isCommand }));
  }

  #goUp(from: NodeName, why: string, isCommand: boolean): void {
    if (isCommand) this.#chooser.forgive();
    else if (this.#chooser.hasDropped) return;
    this.#parts.record('info', 'reach-up', { from, why });
    this.#parts.goUp();
  }
}

/** What others report of a member is no way of its own. */
const isEchoedOnly = (paths: readonly string[]) =>
  paths.includes(ECHO_PATH) && paths.every((path) => path === ECHO_PATH || path === 'reported');

/** For the first decision, and when people ask, everyone who is heard counts; else those who serve: only for them the farm must change. */
function counts(name: string, members: FarmView['members'], isWhole: boolean): boolean {
  const member = members.find((candidate) => candidate.name === name);
  return isWhole || member?.state === 'up' || member?.state === 'draining';
}

function leakText({ count, evidence, atMs }: Leak, nowMs: number): string {
  const ago = `${Math.round((nowMs - atMs) / 1000)} s ago`;
  const minutes = Math.round(FORGOTTEN_AFTER_MS / 60_000);
  return `${count} frames came from the farm's MAC as source, the last ${ago} (${evidence}): switches that learned it send all to one port, for up to ${minutes} min`;
}
