/**
 * The peer link: reliable, ordered, sealed messages between two members, over TCP.
 *
 *   caller ---- TCP ----> listener      each direction of a pair has a connection of its own: who sends, calls
 *          hello  -------->
 *          <-------- hello
 *          alive (sealed)->             only now does the listener believe the caller
 *          data, alive --->
 *          <--------- alive
 *
 * What is sent to one peer arrives in order, once, or `onDown` says that some of it may be lost.
 */
import type { Endpoint, Incarnation, NodeName } from '../membership/messages.js';
import type { FarmKeyring } from './crypto.js';

export interface LinkTimes {
  /** TCP and hellos, for each address of a peer. */
  readonly connectTimeoutMs: number;
  /** Wait after a failure; doubles up to `backoffMaxMs`. */
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** While messages go, both ends of a connection say this often that they live; silence for `silentMs` ends it. */
  readonly aliveMs: number;
  readonly silentMs: number;
  /** The same for one on which no message went for `restAfterMs`, see link-watch.ts. */
  readonly restAfterMs: number;
  readonly restAliveMs: number;
  readonly restSilentMs: number;
}

export const LINK_TIMES: LinkTimes = {
  connectTimeoutMs: 1000,
  backoffMinMs: 50,
  backoffMaxMs: 2000,
  aliveMs: 500,
  silentMs: 2000,
  restAfterMs: 5000,
  restAliveMs: 10_000,
  restSilentMs: 40_000,
};

/** Why a connection did not come to be or ended, and what else is worth counting. */
export const LINK_COUNTERS = [
  'connected',
  'connectFailed',
  'accepted',
  'strangersEvicted',
  'helloTimeout',
  'helloMalformed',
  'helloOtherFarm',
  'helloUnknownKey',
  'helloBadProof',
  'helloOtherPeer',
  'badSeal',
  'frameTooLong',
  'messageTooLong',
  'silent',
  'queueOverflow',
  'messagesSent',
  'messagesReceived',
  'messagesLost',
  'down',
] as const;
export type LinkCounter = (typeof LINK_COUNTERS)[number];

export interface LinkOptions {
  readonly name: NodeName;
  readonly incarnation: Incarnation;
  readonly keyring: FarmKeyring;
  readonly farmId: Uint8Array;
  /** 0: any free one. */
  readonly port: number;
  /** Addresses that are not to be advertised: the VIPs. */
  readonly hidden: readonly string[];
  /** Called in order for each peer; the bytes are the callee's. */
  readonly onMessage: (from: NodeName, incarnation: Incarnation, message: Uint8Array) => void;
  /** A connection from or to `peer` ended, or could not be had: messages in flight may be lost. */
  readonly onDown: (peer: NodeName, why: string) => void;
  readonly times?: LinkTimes;
  /** Address to listen on; the default is all. Then it is the only one advertised. */
  readonly host?: string;
}

export interface LinkPeerStatus {
  readonly peer: NodeName;
  readonly state: 'idle' | 'connecting' | 'open' | 'waiting';
  readonly queuedBytes: number;
  /** Why the last connection failed; empty when none did. */
  readonly lastError: string;
}

export interface LinkStatus {
  readonly port: number;
  readonly peers: readonly LinkPeerStatus[];
  /** Names of those who are connected to us. */
  readonly callers: readonly NodeName[];
  readonly counters: Readonly<Record<LinkCounter, number>>;
}

export interface PeerLink {
  /** Opens the port; rejects with the errno when it is taken. */
  listen(): Promise<readonly Endpoint[]>;
  /** Where we can be reached now, best first: at most 8, without link-local and hidden ones. Empty before `listen`. */
  endpoints(): readonly Endpoint[];
  /** Where a member listens. A newer incarnation ends the connection to the older one; an older one changes nothing. */
  learn(name: NodeName, incarnation: Incarnation, endpoints: readonly Endpoint[]): void;
  /** Only these members go on; the connections of all others end. */
  setPeers(names: ReadonlySet<NodeName>): void;
  /**
   * Queues `message`, which must not change afterwards. Connects where needed. A peer never learned of: down at once.
   * Throws RangeError for more than 16 MiB. A queue of more than 64 MiB is dropped, the peer reported down.
   */
  send(to: NodeName, message: Uint8Array): void;
  /** We go on as a newer incarnation: all connections end, new ones carry it. */
  setIncarnation(incarnation: Incarnation): void;
  /** For connections opened from now on. Where a key was removed, all connections end: some may stand on it. */
  setKeyring(keyring: FarmKeyring): void;
  status(): LinkStatus;
  /** Ends all; nothing is called afterwards. */
  close(): Promise<void>;
}
