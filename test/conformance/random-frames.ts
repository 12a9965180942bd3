/**
 * Random Ethernet frames, near enough to real ones that each rung of the verdict's ladder is met: whole packets, packets with
 * a few bytes changed, cut or lengthened ones, and noise. A seed gives the same frames for ever.
 */
import {
  arpRequest,
  CLIENT_MAC,
  checksum,
  client4,
  client6,
  control,
  ethernet,
  ethernetOf,
  ip,
  join,
  solicitation,
  uint16,
  VIP4,
  VIP6,
  withChecksum,
} from './frames.js';

/** Small state, good enough mixing, and every seed differs: mulberry32. */
export class Dice {
  constructor(private state: number) {}

  uint32(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  below(bound: number): number {
    return this.uint32() % bound;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.uint32() >>> 24;
    return bytes;
  }
}

const SERVICE_PORTS = [80, 443, 8000, 8050, 8101, 5432, 23, 53, 5000, 5010, 81, 1025, 0, 65535];
/** Few, so that keys meet the entries that the test has made. */
const CLIENT_PORTS = [40000, 40001, 40002, 40003, 1, 65535];
const HOSTS = [100, 101, 102, 0x0203, 0x4242];
const OTHER_VIP4 = Uint8Array.of(10, 77, 0, 51);

export class RandomFrames {
  private readonly dice: Dice;

  constructor(
    seed: number,
    /** MACs and addresses beside the usual ones that frames shall now and then come from. */
    private readonly macs: readonly Uint8Array[],
    /** MACs that frames go to, beside those that fit them. */
    private readonly destinations: readonly Uint8Array[],
  ) {
    this.dice = new Dice(seed);
  }

  next(): Uint8Array {
    const frame = this.addressed(this.whole());
    if (this.dice.chance(45)) return frame;
    const changed = this.mutated(frame);
    // A wrong IPv4 header checksum would hide most other faults, so it is usually put right again.
    return this.dice.chance(75) ? withHeaderChecksum(changed) : changed;
  }

  private whole(): Uint8Array {
    const { dice } = this;
    const kind = dice.below(20);
    if (kind === 0) return dice.bytes(dice.below(80));
    if (kind === 1) return control(dice.bytes(dice.below(40)));
    if (kind === 2)
      return arpRequest(dice.of([client4(dice.of(HOSTS)), VIP4, OTHER_VIP4]), dice.of([VIP4, VIP4, OTHER_VIP4]));
    if (kind === 3)
      return solicitation(dice.of([client6(dice.of(HOSTS)), new Uint8Array(16)]), dice.of([VIP6, client6(9)]));
    if (kind === 4) return ethernet(dice.of([0x88cc, 0x8100, 0x88a8, 46, 0x0800, 0x86dd]), dice.bytes(dice.below(80)));
    const source = dice.chance(45) ? client6(dice.of(HOSTS)) : client4(dice.of(HOSTS));
    const packet = source.length === 16 ? this.packet6(source) : this.packet4(source);
    return ethernetOf(packet, { source: this.sourceMac(), ...this.tag() });
  }

  private addressed(frame: Uint8Array): Uint8Array {
    if (frame.length >= 6 && this.dice.chance(40)) frame.set(this.dice.of(this.destinations), 0);
    return frame;
  }

  private sourceMac(): Uint8Array {
    return this.dice.chance(4) ? this.dice.of(this.macs) : CLIENT_MAC;
  }

  private tag(): { readonly tag?: number } {
    return this.dice.chance(15) ? { tag: this.dice.of([0, 0xe000, 5, 0xa005, 7, 0x0fff]) } : {};
  }

  private packet4(source: Uint8Array): Uint8Array {
    const [protocol, body] = this.transport(source);
    const packet = ip(protocol, source, this.dice.chance(90) ? VIP4 : OTHER_VIP4, body);
    if (this.dice.chance(15)) packet.set(uint16(this.dice.of([0x2000, 4, 0x2004, 0x4000, 1, 0x1fff])), 6);
    return withHeaderChecksum(packet, 0);
  }

  private packet6(source: Uint8Array): Uint8Array {
    const [protocol, body] = this.transport(source);
    const destination = this.dice.of([
      VIP6,
      VIP6,
      VIP6,
      VIP6,
      VIP6,
      VIP6,
      client6(9),
      Uint8Array.of(0xff, 2, ...new Uint8Array(13), 1),
    ]);
    const headers = this.dice.chance(35) ? this.dice.below(11) : 0;
    let next = protocol;
    let payload = body;
    for (let i = 0; i < headers; i++) {
      const kind = this.dice.of([43, 51, 60, 60, 44, i === headers - 1 ? 0 : 60]);
      payload = join(this.extension(kind, next), payload);
      next = kind;
    }
    const packet = ip(next, source, destination, payload);
    if (this.dice.chance(30)) packet[7] = 255;
    return packet;
  }

  private extension(kind: number, next: number): Uint8Array {
    const units = this.dice.below(3);
    if (kind === 44) {
      const field = this.dice.of([0, 1, 32, 33, 0xfff8]);
      return join(Uint8Array.of(next, 0), uint16(field), Uint8Array.of(0, 0, 0, this.dice.below(3)));
    }
    const length = kind === 51 ? (units + 2) * 4 : (units + 1) * 8;
    // AH lengths are multiples of 4, so that what follows may lie off the 8-byte grid.
    return join(Uint8Array.of(next, units), new Uint8Array(length - 2));
  }

  /** Protocol number and segment. */
  private transport(source: Uint8Array): [number, Uint8Array] {
    const { dice } = this;
    const isIpv6 = source.length === 16;
    const kind = dice.below(10);
    if (kind < 4) return [6, this.segment(dice.of(CLIENT_PORTS), dice.of(SERVICE_PORTS))];
    if (kind < 6) return [17, this.datagram(dice.of(CLIENT_PORTS), dice.of(SERVICE_PORTS))];
    if (kind === 6) return [dice.of([47, 50, 59, 132, isIpv6 ? 1 : 58]), dice.bytes(dice.below(40))];
    return [isIpv6 ? 58 : 1, isIpv6 ? this.icmp6(source) : this.icmp4(source)];
  }

  private segment(from: number, to: number): Uint8Array {
    const { dice } = this;
    const optionWords = dice.chance(20) ? dice.below(11) : 0;
    const offset = dice.chance(95) ? 5 + optionWords : dice.below(16);
    const flags = dice.of([2, 2, 0x10, 0x18, 0x11, 4, 0x14]);
    const head = join(
      uint16(from),
      uint16(to),
      dice.bytes(8),
      Uint8Array.of(offset << 4, flags, 0xff, 0xff, 0, 0, 0, 0),
    );
    return join(head, new Uint8Array(optionWords * 4), dice.bytes(dice.below(20)));
  }

  private datagram(from: number, to: number): Uint8Array {
    const data = this.dice.bytes(this.dice.below(40));
    const length = this.dice.chance(80) ? 8 + data.length : this.dice.below(60);
    return join(uint16(from), uint16(to), uint16(length), uint16(0), data);
  }

  private icmp4(source: Uint8Array): Uint8Array {
    const type = this.dice.of([8, 8, 3, 3, 11, 12, 0, 5, 13]);
    const quoted = [3, 11, 12].includes(type) ? this.quoted(source, VIP4) : this.dice.bytes(this.dice.below(16));
    return join(Uint8Array.of(type, this.dice.below(5), 0, 0, 0, 0, 0, 0), quoted);
  }

  private icmp6(source: Uint8Array): Uint8Array {
    const { dice } = this;
    const type = dice.of([128, 128, 1, 2, 3, 4, 129, 134, 135, 135, 136]);
    const head = Uint8Array.of(type, dice.chance(90) ? 0 : 1, 0, 0, 0, 0, 0, 0);
    if (type === 135) {
      const options = dice.of([
        new Uint8Array(0),
        join(Uint8Array.of(1, 1), CLIENT_MAC),
        Uint8Array.of(1, 1, 0x33, 0x33, 0, 0, 0, 1),
        dice.bytes(8),
      ]);
      const message = join(head, dice.of([VIP6, VIP6, client6(9)]), options);
      return dice.chance(85) ? withChecksum(58, source, VIP6, message, 2) : message;
    }
    return join(head, type <= 4 ? this.quoted(source, VIP6) : dice.bytes(dice.below(16)));
  }

  /** What a router gives back of a packet from the VIP to a client. */
  private quoted(client: Uint8Array, vip: Uint8Array): Uint8Array {
    const { dice } = this;
    const isIpv6 = vip.length === 16;
    const protocol = dice.of([6, 6, 17, isIpv6 ? 58 : 1, 47]);
    const echoReply = Uint8Array.of(dice.of(isIpv6 ? [129, 128] : [0, 8]), 0, 0, 0, 0, 0, 0, 0);
    const isIcmp = protocol === 58 || protocol === 1;
    let body = isIcmp ? echoReply : join(uint16(dice.of(SERVICE_PORTS)), uint16(dice.of(CLIENT_PORTS)), dice.bytes(4));
    let next = protocol;
    for (let i = isIpv6 && dice.chance(25) ? dice.below(11) : 0; i > 0; i--) {
      body = join(this.extension(60, next), body);
      next = 60;
    }
    const packet = ip(next, dice.chance(90) ? vip : dice.bytes(vip.length), client, body);
    if (!isIpv6 && dice.chance(10)) packet.set([0, dice.of([0, 4])], 6);
    return dice.chance(85) ? packet : packet.subarray(0, dice.below(packet.length));
  }

  private mutated(frame: Uint8Array): Uint8Array {
    const { dice } = this;
    let changed: Uint8Array = frame.slice();
    const what = dice.below(4);
    if (what === 0) changed = changed.slice(0, dice.below(changed.length + 1));
    if (what === 1) changed = join(changed, new Uint8Array(dice.below(24)));
    if (what >= 1 && changed.length > 0) {
      // Headers are where bytes matter.
      for (let i = dice.below(4); i >= 0; i--) changed[dice.below(Math.min(changed.length, 70))] = dice.below(256);
    }
    return changed;
  }
}

/** Puts the IPv4 header's checksum right where a header is; `offset` is where the IP packet starts. */
function withHeaderChecksum(bytes: Uint8Array, offset = bytes[12] === 0x81 ? 18 : 14): Uint8Array {
  const length = ((bytes[offset] ?? 0) & 15) * 4;
  if ((bytes[offset] ?? 0) >>> 4 !== 4 || length < 20 || offset + length > bytes.length) return bytes;
  const result = bytes.slice();
  result.set([0, 0], offset + 10);
  result.set(uint16(checksum(result.subarray(offset, offset + length))), offset + 10);
  return result;
}
