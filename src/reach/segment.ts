/** All that this node hears and sends on the segment beside the traffic: probes, questions about VIPs, questions to the gateway. */
import type { RawFrame, RawFrames, RawState } from '../platform/raw/contract.js';
import { Claims } from './claims.js';
import { announceVips, askForVips, type ConflictParts, checkVips, whoHasVips } from './conflict.js';
import type { Claim, FarmView, HostLook, ReachNeeds } from './contract.js';
import { Evidence } from './evidence.js';
import { captureFilter } from './filter.js';
import { Gateway } from './gateway.js';
import { kindsSent, needsOf } from './judge.js';
import { type Leak, Leaks } from './leaks.js';
import { macText, parseEthernet } from './packets.js';
import type { ReachParts } from './ports.js';
import { type ProbeSender, parseProbe } from './probe-frame.js';
import { Prober } from './prober.js';
import { Rivals } from './rivals.js';

export interface SegmentHooks {
  /** The agreed mode as far as it is known. */
  readonly mode: () => string;
  readonly onNewSender: () => void;
  readonly onClaim: (claim: Claim) => void;
  readonly onLeak: (leak: Leak) => void;
  /** Who has a VIP that is not taken yet; empty: nobody any more. */
  readonly onConflict: (detail: string) => void;
  readonly onState: (state: RawState) => void;
}

/** Longer than evidence of missing probes takes to build up. */
const FLOODED_MS = 5000;

export class Segment {
  readonly needs: ReachNeeds;
  readonly evidence: Evidence;
  readonly claims: Claims;
  readonly leaks: Leaks;
  readonly gateway: Gateway | null;
  /** Null without a gateway. */
  readonly rivals: Rivals | null;
  readonly prober: Prober;
  readonly #parts: ReachParts;
  readonly #hooks: SegmentHooks;
  readonly #raw: RawFrames;
  readonly #mac: Uint8Array;
  #skipped = 0;
  #skippedMs = Number.NEGATIVE_INFINITY;

  constructor(parts: ReachParts, host: HostLook, hooks: SegmentHooks) {
    this.#parts = parts;
    this.#hooks = hooks;
    this.#mac = host.mac;
    const { vmac, probeMac, farmId, port, nowMs, framesSeen } = parts;
    const { mac, gateway } = host;
    const vips = this.#vips;
    const families = {
      ipv4: vips.some((vip) => vip.length === 4),
      ipv6: vips.some((vip) => vip.length === 16),
    };
    this.needs = needsOf(families);
    this.evidence = new Evidence(parts.run);
    this.claims = new Claims({ vips, mac, vmac, probeMac, farmId });
    this.leaks = new Leaks(vmac);
    this.#raw = parts.openRaw(captureFilter({ vips, own: mac, vmac, probeMac, gateway, port }));
    this.#raw.onFrame((frame) => this.#take(frame));
    this.#raw.onState(hooks.onState);
    this.gateway = this.#gatewayFor(host);
    this.rivals = this.#rivalsFor(host);
    const { evidence } = this;
    const [sender, kinds] = [this.#sender(host), kindsSent(families)];
    const send = (frame: Uint8Array) => this.#raw.send(frame);
    const prober = { sender, kinds, evidence, send, nowMs, framesSeen, mode: hooks.mode };
    this.prober = new Prober(prober, parts.setting === 'auto');
  }

  ready(): Promise<RawState> {
    return this.#raw.ready();
  }

  get isOpen(): boolean {
    return this.#raw.state.state === 'open';
  }

  /** While frames are skipped, what is missing may have been among them. */
  isFlooded(nowMs: number): boolean {
    const { skipped } = this.#raw;
    if (skipped !== this.#skipped) this.#skippedMs = nowMs;
    this.#skipped = skipped;
    return nowMs - this.#skippedMs < FLOODED_MS;
  }

  /** See {@link checkVips}. */
  async checkVips(signal: AbortSignal): Promise<void> {
    if (this.isOpen) await checkVips(this.#conflictParts(), signal);
  }

  askForVips(): void {
    askForVips(this.#conflictParts());
  }

  /** See {@link announceVips}. */
  announceVips(): void {
    announceVips(this.#conflictParts());
  }

  /** With relay the answer to the VIP's echo comes to one node only, which need not be this one: then it is not asked. */
  askGateway({ state, reach }: FarmView): void {
    this.gateway?.ask(state === 'up' && reach.mode !== 'relay');
  }

  /** Empty also where nothing can be captured. Takes 350 ms. */
  async whoHasVips(): Promise<readonly Claim[]> {
    return this.isOpen ? whoHasVips(this.#conflictParts()) : [];
  }

  close(): void {
    this.prober.close();
    this.#raw.close();
  }

  get #vips(): readonly Uint8Array[] {
    return this.#parts.vips.map(({ address }) => address);
  }

  #sender({ mac, address }: HostLook): ProbeSender {
    const { node: name, run, tag, probeMac, port } = this.#parts;
    const vip4 = this.#vips.find((vip) => vip.length === 4) ?? null;
    const vip6 = this.#vips.find((vip) => vip.length === 16) ?? null;
    return { name, run, mac, address, probeMac, vip4, vip6, port, tag };
  }

  #gatewayFor({ mac, address, gateway }: HostLook): Gateway | null {
    if (gateway === null) return null;
    const { probeMac, run } = this.#parts;
    const vip = this.#vips.find((candidate) => candidate.length === 4) ?? null;
    const send = (frame: Uint8Array) => this.#raw.send(frame);
    return new Gateway({ address: gateway, own: { mac, address }, probeMac, vip, identifier: run & 0xffff, send });
  }

  #rivalsFor({ mac, gateway }: HostLook): Rivals | null {
    const { probeMac, run } = this.#parts;
    return gateway === null
      ? null
      : new Rivals({ probeMac, run, gateway, mac, send: (frame) => this.#raw.send(frame) });
  }

  #conflictParts(): ConflictParts {
    const { nowMs } = this.#parts;
    const conflict = this.#hooks.onConflict;
    const send = (frame: Uint8Array) => this.#raw.send(frame);
    return { vips: this.#vips, mac: this.#mac, claims: this.claims, send, nowMs, conflict };
  }

  #take({ bytes, atMs }: RawFrame): void {
    const { tag, probeMac } = this.#parts;
    const probe = parseProbe(bytes, { mac: this.#mac, probeMac, tag });
    if (probe !== null) {
      if (this.evidence.take(probe, atMs) === null) return;
      this.claims.setMembers([macText(probe.mac)]);
      this.#hooks.onNewSender();
      return;
    }
    const frame = parseEthernet(bytes);
    if (frame === null) return;
    const leak = this.leaks.take(frame, atMs);
    if (leak !== null) this.#hooks.onLeak(leak);
    this.gateway?.take(frame);
    this.rivals?.take(frame, atMs);
    const claim = this.claims.take(frame, atMs);
    if (claim !== null) this.#hooks.onClaim(claim);
  }
}
