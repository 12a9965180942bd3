/**
 * What the gateway shows of the network. It stands for all clients that are no members: its frames come to us as theirs do.
 *
 * The best question is an ARP probe (sender address 0.0.0.0, RFC 5227) whose sender MAC is the probe vMAC: the answer goes to that MAC, which no
 * switch knows, and the asked host learns nothing from it. So it is seen whether a stranger's frame to an unknown MAC reaches every
 * node, also where nodes do not hear each other; and with the group address, whether the gateway answers to such a MAC at all.
 */
import { formatAddress } from '../buckets/address.js';
import type { Delivered, GatewayReport } from './contract.js';
import { MISSED_ROUNDS } from './evidence.js';
import {
  ARP,
  arpPacket,
  arpRequest,
  BROADCAST,
  ETHER,
  type Ethernet,
  echoRequest,
  ethernet,
  groupMac,
  macText,
  parseArp,
  parseEchoReply,
  parseIp,
  sameBytes,
} from './packets.js';

export interface GatewayParts {
  /** 4 bytes. */
  readonly address: Uint8Array;
  readonly own: { readonly mac: Uint8Array; readonly address: Uint8Array };
  readonly probeMac: Uint8Array;
  readonly vip: Uint8Array | null;
  /** Tells our echoes from those of others: uint16. */
  readonly identifier: number;
  readonly send: (frame: Uint8Array) => void;
}

type Question = 'arp' | 'echo' | 'vip' | 'flood' | 'multicast';

export class Gateway {
  readonly #parts: GatewayParts;
  #mac: Uint8Array | null = null;
  #sequence = 0;
  /** Questions in a row without an answer; null: never asked. */
  readonly #unanswered = new Map<Question, number>();
  readonly #answered = new Set<Question>();

  constructor(parts: GatewayParts) {
    this.#parts = parts;
  }

  get address(): Uint8Array {
    return this.#parts.address;
  }

  /** Asks everything once. `isServing`: the VIP is ours, so its echo may be sent. */
  ask(isServing: boolean): void {
    const { own, address, probeMac } = this.#parts;
    this.#put('arp', arpRequest(own.mac, own.address, address));
    this.#put('flood', this.#askFor(probeMac));
    this.#put('multicast', this.#askFor(groupMac(probeMac)));
    if (this.#mac === null) return;
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#put('echo', this.#echo(own.address));
    if (isServing && this.#parts.vip !== null) this.#put('vip', this.#echo(this.#parts.vip));
  }

  take(frame: Ethernet): void {
    const { address, probeMac, own } = this.#parts;
    const arp = parseArp(frame);
    if (arp !== null) {
      if (arp.operation !== ARP.reply || !sameBytes(arp.senderAddress, address)) return;
      if (sameBytes(frame.to, probeMac)) this.#heard('flood');
      else if (sameBytes(frame.to, groupMac(probeMac))) this.#heard('multicast');
      else if (sameBytes(frame.to, own.mac)) {
        this.#mac = arp.senderMac.slice();
        this.#heard('arp');
      }
      return;
    }
    const packet = parseIp(frame);
    const echo = packet === null ? null : parseEchoReply(packet);
    if (packet === null || echo === null || !sameBytes(packet.from, address)) return;
    if (this.#parts.vip !== null && sameBytes(packet.to, this.#parts.vip)) this.#heard('vip');
    else if (echo.identifier === this.#parts.identifier) this.#heard('echo');
  }

  /** Whether its frames arrive here when they are for the probe vMAC, or for its group address. */
  delivered(question: 'flood' | 'multicast'): Delivered {
    const unanswered = this.#unanswered.get(question) ?? 0;
    if (this.#answered.has(question) && unanswered < MISSED_ROUNDS) return 'yes';
    // It must answer at all for its silence to mean something.
    return unanswered >= MISSED_ROUNDS && this.#answers('arp') ? 'no' : 'unknown';
  }

  report(): GatewayReport {
    const address = formatAddress(this.#parts.address);
    const mac = this.#mac === null ? '' : macText(this.#mac);
    const reachesVip = this.#unanswered.has('vip') ? this.#answers('vip') : null;
    return { address, mac, answers: this.#answers('echo'), reachesVip };
  }

  #answers(question: Question): boolean {
    return this.#answered.has(question) && (this.#unanswered.get(question) ?? 0) < MISSED_ROUNDS;
  }

  #put(question: Question, frame: Uint8Array): void {
    this.#unanswered.set(question, (this.#unanswered.get(question) ?? 0) + 1);
    this.#parts.send(frame);
  }

  #heard(question: Question): void {
    this.#answered.add(question);
    this.#unanswered.set(question, 0);
  }

  /** "Who has the gateway's address? Tell this MAC", from our own. */
  #askFor(mac: Uint8Array): Uint8Array {
    const zeros = new Uint8Array(6);
    const arp = {
      operation: ARP.request,
      senderMac: mac,
      senderAddress: zeros.subarray(0, 4),
      targetMac: zeros,
      targetAddress: this.#parts.address,
    };
    return ethernet(this.#mac ?? BROADCAST, this.#parts.own.mac, ETHER.arp, arpPacket(arp));
  }

  #echo(from: Uint8Array): Uint8Array {
    const { address, identifier, own } = this.#parts;
    const payload = new Uint8Array(32).fill(0x43);
    return ethernet(this.#mac!, own.mac, ETHER.ipv4, echoRequest(from, address, identifier, this.#sequence, payload));
  }
}
