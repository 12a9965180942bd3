/**
 * Nodes of this farm that serve and that we cannot hear: behind isolated ports (a private VLAN) frames of one node never come to another, so
 * without a further network for heartbeats each would believe that it is alone, and all would serve. Pure.
 *
 * What all of them do hear is the gateway. A node that serves and hears nobody asks it for its address with an ARP probe (RFC 5227: the
 * sender's IP address is 0.0.0.0, so nobody learns from it) whose sender MAC is one of the farm's, made for this node's life. The answer
 * goes to that MAC, which no switch knows, and so to every port: each node sees that the other one serves.
 */
import { ARP, arpPacket, BROADCAST, ETHER, type Ethernet, ethernet, macText, parseArp, sameBytes } from './packets.js';

export interface RivalParts {
  /** All nodes of the farm have the same one; the last two bytes are replaced. */
  readonly probeMac: Uint8Array;
  /** uint32, random, new in each life. */
  readonly run: number;
  /** The gateway's address, 4 bytes. */
  readonly gateway: Uint8Array;
  readonly mac: Uint8Array;
  readonly send: (frame: Uint8Array) => void;
}

/** Several questions of a rival that asks twice a second. */
const REMEMBERED_MS = 3000;
/** Bytes of the MAC that all nodes of the farm have in common. */
const COMMON = 4;

export class Rivals {
  readonly #parts: RivalParts;
  readonly #own: Uint8Array;
  /** When each was seen last, ms; by its MAC as text. */
  readonly #seen = new Map<string, number>();

  constructor(parts: RivalParts) {
    this.#parts = parts;
    this.#own = parts.probeMac.slice();
    // Another one than the probe MAC itself, whatever the life's number is.
    const number = parts.run & 0xffff || 1;
    this.#own[COMMON] = this.#own[COMMON]! ^ (number >> 8);
    this.#own[COMMON + 1] = this.#own[COMMON + 1]! ^ (number & 0xff);
  }

  /** Says that this node serves, to those who cannot hear it. */
  announce(): void {
    const { gateway, mac, send } = this.#parts;
    const question = {
      operation: ARP.request,
      senderMac: this.#own,
      senderAddress: new Uint8Array(4),
      targetMac: new Uint8Array(6),
      targetAddress: gateway,
    };
    send(ethernet(BROADCAST, mac, ETHER.arp, arpPacket(question)));
  }

  take(frame: Ethernet, atMs: number): void {
    const arp = parseArp(frame);
    if (arp === null || arp.operation !== ARP.reply || !sameBytes(arp.senderAddress, this.#parts.gateway)) return;
    const isFarms = sameBytes(frame.to.subarray(0, COMMON), this.#parts.probeMac.subarray(0, COMMON));
    if (isFarms && !sameBytes(frame.to, this.#own) && !sameBytes(frame.to, this.#parts.probeMac))
      this.#seen.set(macText(frame.to), atMs);
  }

  /** While others are heard nobody is a rival, and who was before proves nothing later. */
  forget(): void {
    this.#seen.clear();
  }

  /**
   * Whether one that serves takes precedence of this node: any of them, when this node does not serve yet; of two that do, the one with the
   * lower MAC, so that exactly one of them gives way.
   */
  takePrecedence(nowMs: number, serves: boolean): boolean {
    for (const [mac, atMs] of this.#seen) if (nowMs - atMs >= REMEMBERED_MS) this.#seen.delete(mac);
    return [...this.#seen.keys()].some((mac) => !serves || mac < macText(this.#own));
  }
}
