/**
 * Frames that come from the vMAC (I5). One of them teaches every switch on its way that the vMAC is at one port, and until the switches
 * forget (IEEE 802.1Q: 300 s by default) frames for the VIP go there alone. Pure.
 */
import { formatAddress } from '../buckets/address.js';
import { ETHER, type Ethernet, macText, parseArp, parseIp, sameBytes } from './packets.js';

/** Ageing time of a switch by default, and a little. */
export const FORGOTTEN_AFTER_MS = 310_000;

export interface Leak {
  readonly atMs: number;
  readonly count: number;
  /** What the newest frame was, for whoever looks for the culprit. */
  readonly evidence: string;
}

export class Leaks {
  readonly #vmac: Uint8Array;
  #last: Leak | null = null;

  constructor(vmac: Uint8Array) {
    this.#vmac = vmac;
  }

  /** @returns the leak when the frame is one. */
  take(frame: Ethernet, nowMs: number): Leak | null {
    if (!sameBytes(frame.from, this.#vmac)) return null;
    this.#last = { atMs: nowMs, count: (this.#last?.count ?? 0) + 1, evidence: evidenceOf(frame) };
    return this.#last;
  }

  /** The newest one as long as switches may remember it. */
  remembered(nowMs: number): Leak | null {
    return this.#last !== null && nowMs - this.#last.atMs < FORGOTTEN_AFTER_MS ? this.#last : null;
  }
}

function evidenceOf(frame: Ethernet): string {
  const arp = parseArp(frame);
  if (arp !== null) {
    const [address, mac] = [formatAddress(arp.senderAddress), macText(arp.senderMac)];
    return `ARP to ${macText(frame.to)}, which says that ${address} is at ${mac}`;
  }
  const packet = parseIp(frame);
  if (packet === null) return `EtherType ${frame.type.toString(16).padStart(4, '0')} to ${macText(frame.to)}`;
  const family = frame.type === ETHER.ipv4 ? 'IPv4' : 'IPv6';
  return `${family} from ${formatAddress(packet.from)} to ${formatAddress(packet.to)}, at ${macText(frame.to)}`;
}
