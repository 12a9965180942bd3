/**
 * Who says to have a VIP: ARP and neighbour advertisements that are not this farm's. Pure.
 *
 * ARP is not authenticated, so a claim while the node serves is told and changes nothing (I7). Only before a VIP is taken it makes the node
 * wait, as RFC 5227 asks.
 */
import { formatAddress } from '../buckets/address.js';
import type { NodeName } from '../membership/messages.js';
import { isNodeName, MAX_NAME_BYTES } from '../wire/bounds.js';
import type { Claim } from './contract.js';
import {
  ETHER,
  type Ethernet,
  groupMac,
  macText,
  parseAdvertisement,
  parseArp,
  parseIp,
  sameBytes,
} from './packets.js';

/** What the farm knows of itself. */
export interface OwnFarm {
  readonly vips: readonly Uint8Array[];
  readonly mac: Uint8Array;
  readonly vmac: Uint8Array;
  readonly probeMac: Uint8Array;
  /** 8 bytes. */
  readonly farmId: Uint8Array;
}

interface Stranger {
  readonly id: string;
  readonly node: NodeName;
}

/** Claims are forgotten when they were not repeated for this long. */
export const CLAIM_LASTS_MS = 30_000;
/** Hosts of a segment that send heartbeats; more than a farm and a half. */
const MAX_HOSTS = 256;
/** A control frame begins with the length of its datagram (addons/dataplane/src/io/control_frame.h). */
const CONTROL_HEADER_BYTES = 2;
/** Place of farm id and sender in a sealed datagram (wire/seal.ts). */
const SEALED = { magic: 'COVY', farmId: 6, nameLength: 32, name: 33 } as const;

/** A claim, and from where its frame came. */
interface Seen {
  readonly vip: string;
  readonly mac: string;
  readonly from: string;
  /** As told by another member; null: to be looked up here. */
  readonly farm: Stranger | null;
  atMs: number;
}

export class Claims {
  readonly #farm: OwnFarm;
  readonly #members = new Set<string>();
  readonly #strangers = new Map<string, Stranger>();
  readonly #seen = new Map<string, Seen>();

  constructor(farm: OwnFarm) {
    this.#farm = farm;
    this.#members.add(macText(farm.mac));
  }

  /** MACs that belong to the farm, by what members have proved. */
  setMembers(macs: readonly string[]): void {
    for (const mac of macs) if (this.#members.size < MAX_HOSTS) this.#members.add(mac);
  }

  /** Takes a captured frame. @returns the claim when it is new, or new again. */
  take(frame: Ethernet, nowMs: number): Claim | null {
    if (frame.type === ETHER.control) {
      this.#learn(frame);
      return null;
    }
    const found = this.#claimIn(frame);
    const from = macText(frame.from);
    if (found === null || this.#isOurs(found.mac) || this.#members.has(from)) return null;
    return this.#note({ vip: formatAddress(found.vip), mac: macText(found.mac), from, farm: null, atMs: nowMs });
  }

  /** A claim that another member saw. @returns true when it is new, or new again. */
  add({ vip, mac, farm }: Claim, nowMs: number): boolean {
    return this.#note({ vip, mac, from: mac, farm, atMs: nowMs }) !== null;
  }

  /**
   * Those of the last `withinMs`, by all that is known now: who claimed may have shown since to be a member, or of another farm. A
   * farm that answers from several nodes is one.
   */
  current(nowMs: number, withinMs = CLAIM_LASTS_MS): readonly Claim[] {
    for (const [key, { atMs }] of this.#seen) if (nowMs - atMs > CLAIM_LASTS_MS) this.#seen.delete(key);
    const isOther = ({ from, mac }: Seen) => !this.#members.has(from) && !this.#members.has(mac);
    const recent = [...this.#seen.values()].filter((seen) => nowMs - seen.atMs <= withinMs && isOther(seen));
    const claims = recent.map((seen) => this.#claim(seen));
    return [...new Map(claims.map((claim) => [keyOf(claim), claim])).values()];
  }

  #note(seen: Seen): Claim | null {
    const claim = this.#claim(seen);
    const isKnown = this.current(seen.atMs).some((known) => keyOf(known) === keyOf(claim));
    if (this.#seen.size < MAX_HOSTS) this.#seen.set(`${seen.vip} ${seen.mac} ${seen.from}`, seen);
    return isKnown ? null : claim;
  }

  #claim({ vip, mac, from, farm }: Seen): Claim {
    return { vip, mac, farm: farm ?? this.#strangers.get(from) ?? null };
  }

  /** Heartbeats carry farm id and name in clear: a MAC that sends ours is a member's, any other is another farm's. */
  #learn({ from, payload }: Ethernet): void {
    const sealed = payload.subarray(CONTROL_HEADER_BYTES);
    if (sealed.length < SEALED.name || !SEALED.magic.split('').every((c, i) => sealed[i] === c.charCodeAt(0))) return;
    const mac = macText(from);
    const id = sealed.subarray(SEALED.farmId, SEALED.farmId + 8);
    if (sameBytes(id, this.#farm.farmId)) {
      if (this.#members.size < MAX_HOSTS) this.#members.add(mac);
      return;
    }
    const length = Math.min(sealed[SEALED.nameLength]!, MAX_NAME_BYTES);
    const node = String.fromCharCode(...sealed.subarray(SEALED.name, SEALED.name + length));
    if (!isNodeName(node) || (this.#strangers.size >= MAX_HOSTS && !this.#strangers.has(mac))) return;
    // A host that was a member once may serve another farm now. Who lives in this one is told again all the time (setMembers).
    if (mac !== macText(this.#farm.mac)) this.#members.delete(mac);
    this.#strangers.set(mac, { id: [...id].map((byte) => byte.toString(16).padStart(2, '0')).join(''), node });
  }

  #claimIn(frame: Ethernet): { readonly vip: Uint8Array; readonly mac: Uint8Array } | null {
    const arp = parseArp(frame);
    if (arp !== null) return this.#claimOf(arp.senderAddress, arp.senderMac);
    const packet = frame.type === ETHER.ipv6 ? parseIp(frame) : null;
    const advertisement = packet === null ? null : parseAdvertisement(packet);
    return advertisement === null ? null : this.#claimOf(advertisement.target, advertisement.mac ?? frame.from);
  }

  #claimOf(address: Uint8Array, mac: Uint8Array): { readonly vip: Uint8Array; readonly mac: Uint8Array } | null {
    return this.#farm.vips.some((vip) => sameBytes(vip, address)) ? { vip: address, mac } : null;
  }

  #isOurs(mac: Uint8Array): boolean {
    const { vmac, probeMac } = this.#farm;
    const own = [vmac, groupMac(vmac), probeMac, groupMac(probeMac)];
    return own.some((ours) => sameBytes(ours, mac)) || this.#members.has(macText(mac));
  }
}

const keyOf = ({ vip, mac, farm }: Claim) => `${vip} ${farm?.id ?? mac}`;

/** For people: who claims the VIP. */
export function claimText({ vip, mac, farm }: Claim): string {
  const who = farm === null ? `the host with MAC ${mac}` : `node ${farm.node} of another Covey farm (id ${farm.id})`;
  return farm === null ? `${vip} belongs to ${who}` : `${vip} is also served by ${who}, at ${mac}`;
}
