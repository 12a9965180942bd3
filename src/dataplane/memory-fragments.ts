/**
 * What first fragments announced, for the later ones that carry no ports; and later ones that came before their first. Both are
 * bounded in number and in time.
 */
import type { Announced } from './classify.js';
import type { Packet } from './packet.js';

/** Linux gives up reassembly after 30 s (net.ipv4.ipfrag_time). */
export const FRAGMENT_LIFE_MS = 30_000;
export const MAX_FRAGMENTS = 1024;

interface Entry extends Announced {
  readonly untilMs: number;
}

export class FragmentTable {
  /** In order of insertion, so the oldest goes first. */
  private readonly entries = new Map<string, Entry>();

  announce(frame: Uint8Array, packet: Packet, announced: Announced, nowMs: number): void {
    const text = datagramText(frame, packet);
    this.entries.delete(text);
    if (this.entries.size >= MAX_FRAGMENTS) this.entries.delete(this.entries.keys().next().value!);
    this.entries.set(text, { ...announced, key: announced.key.slice(), untilMs: nowMs + FRAGMENT_LIFE_MS });
  }

  find(frame: Uint8Array, packet: Packet, nowMs: number): Announced | undefined {
    const entry = this.entries.get(datagramText(frame, packet));
    return entry !== undefined && nowMs < entry.untilMs ? entry : undefined;
  }

  clear(): void {
    this.entries.clear();
  }
}

/** At most so many early fragments, each no longer than a jumbo frame, wait so long. */
export const MAX_EARLY = 128;
export const MAX_EARLY_BYTES = 9216;
export const EARLY_LIFE_MS = 1000;

interface Early {
  readonly frame: Uint8Array;
  readonly datagram: string;
  readonly untilMs: number;
}

export class EarlyFragments {
  /** In order of arrival. */
  private waiting: Early[] = [];

  /** Takes a copy; gives how many frames are lost by it: the oldest, to make room, or itself when it is too long. */
  push(frame: Uint8Array, packet: Packet, nowMs: number): number {
    if (frame.length > MAX_EARLY_BYTES) return 1;
    const lost = this.waiting.length >= MAX_EARLY ? 1 : 0;
    if (lost > 0) this.waiting.shift();
    this.waiting.push({
      frame: frame.slice(),
      datagram: datagramText(frame, packet),
      untilMs: nowMs + EARLY_LIFE_MS,
    });
    return lost;
  }

  /** Those of the datagram that `frame` begins, in order of arrival; they wait no longer. */
  take(frame: Uint8Array, packet: Packet): readonly Uint8Array[] {
    if (this.waiting.length === 0) return [];
    const text = datagramText(frame, packet);
    const taken = this.waiting.filter(({ datagram }) => datagram === text);
    if (taken.length > 0) this.waiting = this.waiting.filter(({ datagram }) => datagram !== text);
    return taken.map((early) => early.frame);
  }

  /** Gives how many have waited too long; they are gone. */
  expire(nowMs: number): number {
    const before = this.waiting.length;
    if (before > 0) this.waiting = this.waiting.filter(({ untilMs }) => untilMs > nowMs);
    return before - this.waiting.length;
  }

  /** Forgets all, and says how many. */
  clear(): number {
    const count = this.waiting.length;
    this.waiting = [];
    return count;
  }
}

/**
 * What identifies a datagram (RFC 791; RFC 8200 section 4.5). The protocol counts for IPv4 only: a later IPv6 fragment
 * names the header behind the fragment header, which may be an option that the first one's walk has passed.
 */
function datagramText(frame: Uint8Array, { source, destination, isIpv6, protocol, fragmentId }: Packet): string {
  const length = isIpv6 ? 16 : 4;
  const ends = [...frame.subarray(source, source + length), ...frame.subarray(destination, destination + length)];
  return String.fromCharCode(isIpv6 ? 0xffff : protocol, fragmentId >>> 16, fragmentId & 0xffff, ...ends);
}
