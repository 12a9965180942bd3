/**
 * The decisions of the protocol on which an invariant hangs, as small functions. Product code always runs {@link RULES}; the
 * simulation replaces one at a time by a wrong one and shows that it notices (design.md section 5, mutations).
 */
import type { Settings } from './contract.js';
import type { KeeperList } from './messages.js';

export interface Rules {
  /** From which time the lease counts. `acksMs`: per counted peer, send time of our newest heartbeat that it reports. */
  leaseBaseMs(acksMs: readonly number[], newestSendMs: number): number;
  /** True when a lease that ran out at `deadlineMs` is over for good. */
  leaseIsOver(nowMs: number, deadlineMs: number): boolean;
  /** How long a starting node listens before it counts. */
  listenMs(settings: Settings): number;
  /** True when a tick came so late that heartbeats may wait unread. */
  tickIsLate(lateMs: number, settings: Settings): boolean;
  /** True when the echo of a peer is about our present view. */
  echoCounts(echoedDigest: string, echoedSequence: number, digest: string, digestSinceSequence: number): boolean;
  /** True when what we know of a peer is as new as what another peer has seen of it. */
  knowledgeIsCurrent(knownSequence: number, gainedSequence: number): boolean;
  /** The exceptions that go with a grant. */
  grantedKeeps(own: readonly KeeperList[], foreign: readonly KeeperList[]): readonly KeeperList[];
  /** True when buckets being granted are reported until the confirmation was seen. */
  reportGranting(): boolean;
  /** True when exceptions of a grant stay until it is confirmed, so that a take-back has them. */
  keepExceptionsUntilConfirmed(): boolean;
  /** True when a pending grant ends with its granter. */
  pendingEndsWithGranter(): boolean;
  /** True when keeps that had arrived count no more once the bucket has left us. */
  arrivalsEndWithTenure(): boolean;
  /** True when an owner asks for keeps that it hears of and lacks. */
  fetchLacking(): boolean;
  /** True when a heartbeat of a keeper may erase keeps that a message with `knownSequence` brought. */
  mayErase(heartbeatSequence: number, knownSequence: number): boolean;
  /** True when keeps of all living keepers must be there before orphans are acquired. */
  acquireNeedsKeeps(): boolean;
  /** True when a cut waits until every member shows the granter's view, and so relays to the new owner too. */
  relaysMustKnow(): boolean;
  /** True when a table without room for exceptions refuses the buckets that they belong to. */
  heedRoom(): boolean;
  /** True when a minority may not serve, where a majority is asked for. */
  heedQuorum(): boolean;
  /** True when a node that misses others may serve only while its witness answers, where there is one. */
  heedWitness(): boolean;
  /** True when a heartbeat is no recording: it names our present incarnation, as nobody could before. */
  isFresh(namesUs: boolean): boolean;
  /** True when an incarnation that goes on speaking is not gone, whatever one with a higher number says: a namesake may have it. */
  heedVoice(): boolean;
  /** True when a change of the config that is under way makes no difference. */
  switchCounts(isKnownToAll: boolean): boolean;
  /** True when a granter may take back without a refusal. */
  takeBackAfterMs(settings: Settings): number;
}

export const RULES: Rules = {
  leaseBaseMs: (acksMs, newestSendMs) => (acksMs.length === 0 ? newestSendMs : Math.min(...acksMs)),
  leaseIsOver: (nowMs, deadlineMs) => nowMs >= deadlineMs,
  listenMs: (settings) => settings.leaseMs + settings.marginMs,
  tickIsLate: (lateMs, settings) => lateMs > settings.intervalMs / 2,
  echoCounts: (echoedDigest, echoedSequence, digest, since) => echoedDigest === digest && echoedSequence >= since,
  knowledgeIsCurrent: (knownSequence, gainedSequence) => knownSequence >= gainedSequence,
  grantedKeeps: (own, foreign) => [...own, ...foreign],
  reportGranting: () => true,
  keepExceptionsUntilConfirmed: () => true,
  pendingEndsWithGranter: () => true,
  arrivalsEndWithTenure: () => true,
  fetchLacking: () => true,
  mayErase: (heartbeatSequence, knownSequence) => heartbeatSequence > knownSequence,
  acquireNeedsKeeps: () => true,
  relaysMustKnow: () => true,
  heedRoom: () => true,
  heedQuorum: () => true,
  heedWitness: () => true,
  isFresh: (namesUs) => namesUs,
  heedVoice: () => true,
  switchCounts: (isKnownToAll) => isKnownToAll,
  takeBackAfterMs: () => Number.POSITIVE_INFINITY,
};
