/**
 * Heartbeats by way of the gateway, for nodes that do not hear each other (isolated ports, a private VLAN). An ICMP echo from the VIP with a
 * sealed datagram as payload comes back to the MAC that the gateway knows for the VIP. With `flood` and `multicast` that is the farm's shared
 * one, so the answer goes to all nodes.
 *
 *     n1 -- echo request, from the VIP, from n1's own MAC --> gateway -- echo reply, to the shared MAC --> n1, n2, n3
 *
 * While nobody is heard by it, it is used once a second only. A node that is about to join uses it for every heartbeat, so that two
 * which start together know of each other before either serves.
 */
import type { EchoPort } from '../dataplane/contract.js';
import { ECHO_PATH, type NodeState } from '../membership/contract.js';
import type { EchoRoute } from './contract.js';
import { ARP, arpPacket, ETHER, echoRequest, ethernet } from './packets.js';

export interface EchoPathParts {
  readonly port: EchoPort;
  /** MAC of the interface. */
  readonly mac: () => Uint8Array;
  readonly nowMs: () => number;
  /** uint16, to tell our echoes from those of other programs. */
  readonly identifier: number;
}

/** So long after a member was last heard by it, every heartbeat takes this path. */
const COMPANY_MS = 3000;
const ALONE_EVERY_MS = 1000;
/** Datagrams of one heartbeat are sent within this time, and belong together. */
const TOGETHER_MS = 5;
/** A gateway forgets, and others may tell it something else. */
const REMIND_EVERY_MS = 1000;
/** What the echo adds to a datagram: headers of IPv4 and ICMP. */
const OVERHEAD_BYTES = 28;
/** The path is for any network; nobody can be asked here what the gateway's interface has. */
const MTU = 1500;
/**
 * Only those who serve, or are about to, may speak for the VIP. One that waits may do so while members are heard by it: then the gateway knows
 * the VIP at this farm's MAC, and no other host has it. Without it a node that gave way to one that it could not hear would stay unheard.
 */
const SPEAKING: readonly NodeState[] = ['joining', 'up', 'draining'];

export class EchoPath {
  readonly name = ECHO_PATH;
  readonly #parts: EchoPathParts;
  #route: EchoRoute | null = null;
  #state: NodeState = 'stopped';
  #heardMs = Number.NEGATIVE_INFINITY;
  #roundMs = Number.NEGATIVE_INFINITY;
  #remindedMs = Number.NEGATIVE_INFINITY;
  #sequence = 0;

  constructor(parts: EchoPathParts) {
    this.#parts = parts;
  }

  /** Null: it is not needed, or does not work. */
  setRoute(route: EchoRoute | null): void {
    this.#route = route;
    this.#remindedMs = Number.NEGATIVE_INFINITY;
    this.#parts.port.listenEcho(route?.vip ?? null);
  }

  setState(state: NodeState): void {
    this.#state = state;
  }

  /** A member's heartbeat came by it. */
  heard(): void {
    this.#heardMs = this.#parts.nowMs();
  }

  get isUsed(): boolean {
    return this.#route !== null;
  }

  send(datagram: Uint8Array): void {
    const route = this.#route;
    if (route === null || datagram.length + OVERHEAD_BYTES > MTU) return;
    const nowMs = this.#parts.nowMs();
    const speaks = SPEAKING.includes(this.#state);
    if (!speaks && !(this.#state === 'waiting' && this.#hasCompany(nowMs))) return;
    if (!this.#isDue(nowMs)) return;
    if (speaks) this.#remind(route, nowMs);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    const echo = echoRequest(route.vip, route.gateway, this.#parts.identifier, this.#sequence, datagram);
    this.#parts.port.sendFrame(ethernet(route.gatewayMac, this.#parts.mac(), ETHER.ipv4, echo));
  }

  health(): { readonly ok: boolean; readonly detail: string } {
    const way = 'by way of the gateway';
    return { ok: true, detail: this.#hasCompany(this.#parts.nowMs()) ? way : `${way}; no other node is heard` };
  }

  close(): void {
    this.setRoute(null);
  }

  #hasCompany(nowMs: number): boolean {
    return nowMs - this.#heardMs < COMPANY_MS;
  }

  #isDue(nowMs: number): boolean {
    const isBusy = this.#state === 'joining' || this.#hasCompany(nowMs);
    const sinceMs = nowMs - this.#roundMs;
    if (sinceMs < TOGETHER_MS) return true;
    if (!isBusy && sinceMs < ALONE_EVERY_MS) return false;
    this.#roundMs = nowMs;
    return true;
  }

  /** The gateway answers to the MAC that it knows for the VIP; a request tells it, and is believed (RFC 826, packet reception). */
  #remind({ vip, vipMac, gateway, gatewayMac }: EchoRoute, nowMs: number): void {
    if (nowMs - this.#remindedMs < REMIND_EVERY_MS) return;
    this.#remindedMs = nowMs;
    const request = {
      operation: ARP.request,
      senderMac: vipMac,
      senderAddress: vip,
      targetMac: new Uint8Array(6),
      targetAddress: gateway,
    };
    this.#parts.port.sendFrame(ethernet(gatewayMac, this.#parts.mac(), ETHER.arp, arpPacket(request)));
  }
}
