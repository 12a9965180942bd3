/** Reach in the in-memory data plane: which frames may be ours by their destination MAC, who answers whom, who relays to whom. */
import { NOBODY, type ReachMember, type ReachMode, type ReachPlan, type TableOp } from '../buckets/contract.js';
import { chooseIngress } from '../buckets/ingress.js';
import { bytesAt } from './packet.js';

/** Whom a frame's destination MAC means. `shared`: the vMAC or the multicast vMAC; `group`: any other group, broadcast too. */
export type MacKind = 'own' | 'shared' | 'group' | 'other';

type ReachOp = Extract<TableOp, { op: 'reach' }>;

/** The multicast vMAC: the vMAC with its group bit set. */
export function groupOf(vmac: Uint8Array): Uint8Array {
  const mac = vmac.slice();
  mac[0]! |= 1;
  return mac;
}

export class Reach {
  mode: ReachMode = 'flood';
  private members: readonly ReachMember[] = [];
  private self: number = NOBODY;
  private plans: readonly ReachPlan[] = [];

  constructor(
    private readonly mac: Uint8Array,
    private vmac: Uint8Array,
    private seed: number,
  ) {}

  setShape(vmac: Uint8Array, seed: number): void {
    this.vmac = vmac;
    this.seed = seed;
  }

  set({ mode, members, self, plans }: ReachOp): void {
    this.mode = mode;
    this.members = members;
    this.self = self;
    this.plans = plans;
  }

  /** True when a member that answers now does not with `members`: some asker may point at it, whoever the hash says. */
  isLeftBy(members: readonly ReachMember[]): boolean {
    const answers = (mac: Uint8Array) => members.some((member) => member.answers && bytesAt(member.mac, 0, mac));
    return this.members.some((member) => member.answers && !answers(member.mac));
  }

  kindOf(frame: Uint8Array): MacKind {
    if (bytesAt(frame, 0, this.mac)) return 'own';
    const isShared = bytesAt(frame, 1, this.vmac.subarray(1)) && (frame[0]! | 1) === (this.vmac[0]! | 1);
    if (isShared) return 'shared';
    return (frame[0]! & 1) === 1 ? 'group' : 'other';
  }

  /** True when the frame comes from a member's MAC. */
  isFromMember(frame: Uint8Array, offset = 6): boolean {
    return this.members.some(({ mac }) => bytesAt(frame, offset, mac));
  }

  /** What we put into answers. */
  answerMac(): Uint8Array {
    if (this.mode === 'relay') return this.mac;
    return this.mode === 'multicast' ? groupOf(this.vmac) : this.vmac;
  }

  /**
   * True when we answer this question. With `relay` one member does, but whoever asks a member directly knows it already, and wants
   * to hear from it.
   */
  answers(frame: Uint8Array, asker: Uint8Array, vip: Uint8Array): boolean {
    if (this.mode !== 'relay') return true;
    if (this.kindOf(frame) === 'own') return this.members[this.self]?.answers ?? false;
    return this.isChosen(asker, vip);
  }

  isChosen(asker: Uint8Array, vip: Uint8Array): boolean {
    return this.self !== NOBODY && chooseIngress(asker, vip, this.members, this.seed) === this.self;
  }

  /** MACs of the members that must see a frame of this bucket which came to us, in the order in which copies go out. */
  targetsOf(plan: number, bucket: number): Uint8Array[] {
    const relayPlan = this.plans[plan];
    if (relayPlan === undefined || bucket < 0) return [];
    const last = relayPlan.last[bucket]!;
    const isTarget = (index: number): boolean =>
      index !== this.self && (relayPlan.targets[2 * bucket + (index >>> 5)]! & (1 << (index & 31))) !== 0;
    const indexes = Array.from(this.members.slice(0, 64).keys()).filter(isTarget);
    const ordered = [...indexes.filter((index) => index !== last), ...indexes.filter((index) => index === last)];
    return ordered.map((index) => this.members[index]!.mac);
  }
}
