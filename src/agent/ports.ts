/** What the membership thread needs of the world. `src/cli/entry` hands in the real ones, tests hand in others. */
import type { DataPlane } from '../dataplane/contract.js';
import type { Core, Directive } from '../membership/contract.js';
import type { Endpoint, Incarnation, LinkMessage, NodeName } from '../membership/messages.js';
import type { Transport } from '../wire/transport.js';

/** Seals what we broadcast and opens what we hear: the part of wire's Transport that the shell uses. */
export type HeartbeatSeal = Pick<
  Transport,
  'sealHeartbeat' | 'sealPassedOn' | 'sealObituary' | 'open' | 'setIncarnation' | 'counters' | 'keys' | 'keysInUse'
>;

/** One way by which heartbeats travel. */
export interface HeartbeatPath {
  /** `raw`, `echo` or `udp:<network>`. */
  readonly name: string;
  send(datagram: Uint8Array): void;
  /** Something authentic came by it. */
  heard?(): void;
  /** False: there is no need of it, so nobody is to hear of it. Absent: true. */
  readonly isUsed?: boolean;
  health(): { readonly ok: boolean; readonly detail: string };
  close(): void;
}

/** The reliable, ordered link between members. */
export interface MemberLink {
  endpoints(): readonly Endpoint[];
  /** Where a member listens, from its newest heartbeat. */
  learn(name: NodeName, incarnation: Incarnation, endpoints: readonly Endpoint[]): void;
  send(to: NodeName, message: LinkMessage): void;
  setIncarnation(incarnation: Incarnation): void;
  close(): void;
}

export interface ShellParts {
  readonly core: Core;
  readonly dataPlane: DataPlane;
  readonly seal: HeartbeatSeal;
  readonly link: MemberLink;
  /** All paths but `raw`, which is the data plane's control frames. */
  readonly paths: readonly HeartbeatPath[];
  readonly counters: BigUint64Array;
  readonly persistIncarnation: (incarnation: Incarnation) => void;
  /** IPv4 addresses (4 bytes) of hosts on the VIP's interface that were there lately, no members among them where that is known. */
  readonly neighbours: () => readonly Uint8Array[];
  readonly onDirective: (directive: ShellNotice) => void;
}

/** Directives that the shell does not obey itself. */
export type ShellNotice = Extract<Directive, { readonly type: 'state' | 'log' | 'stopped' | 'incarnation' }>;
