/**
 * Deafness: frames no longer come in on the VIP's interface, while ours may still go out. A deaf node must say so and wait: it serves
 * nobody, and the others, who hear it, may not take its buckets while it claims them.
 *
 * A dead peer on a quiet network looks the same. So neighbours are asked first (an ARP probe each): whatever is captured, from
 * whomever, is proof that we hear. The last one left, once a frame has come to it, never becomes deaf.
 */
import { type CaptureState, type HoldReason, RAW_PATH } from './contract.js';
import { SILENT_INTERVALS } from './lease.js';
import type { Peer, State } from './state.js';

/** Neighbours are asked once all peers are silent for this many intervals. */
const ASK_AFTER_INTERVALS = 1.5;
/** Where a tick came late and so they were asked late, they have this long at least. */
const ANSWER_INTERVALS = 0.5;
/** And while we are deaf, this seldom: our first frame may be an answer. */
const ASK_AGAIN_INTERVALS = 10;

const TROUBLE: Readonly<Record<Exclude<CaptureState, 'running'>, string>> = {
  'no-carrier': 'no carrier: the cable is out, or its other end is down',
  down: 'it is set down',
  gone: 'there is none of that name',
};

/**
 * The others may still hear us, and their leases count from the last heartbeat that we heard of them: sent up to an interval before
 * the cable went out. They must hear that we wait before those end, an interval earlier, or the whole farm would lapse with us.
 */
function deafAfterMs({ settings: { leaseMs, intervalMs } }: State): number {
  return Math.max(SILENT_INTERVALS * intervalMs, leaseMs - 2 * intervalMs);
}

/** While we come late, frames may lie unread: then what counts is how long there had been silence before. */
const isOld = (s: State, sinceMs: number) => (s.lateSinceMs ?? s.nowMs) - sinceMs >= deafAfterMs(s);

/** When the next look is due. */
export function deafnessDueMs(s: State): number {
  const dueMs = Math.min(s.framesMovedMs, s.captureRanMs) + deafAfterMs(s);
  return dueMs > s.nowMs ? dueMs : Number.POSITIVE_INFINITY;
}

/**
 * What the data plane says of its interface. A frame that came since we last looked may have come right then: dated any later, deafness
 * would be noticed an interval late, when the leases of those that hear us may have run out.
 */
export function noteCapture(s: State, framesSeen: number, capture: CaptureState): void {
  s.framesMoved = framesSeen !== s.framesSeen;
  if (s.framesMoved) s.sawFrame = true;
  if (s.framesMoved || !s.dataPlaneSeen) {
    s.framesMovedMs = s.dataPlaneSeen ? s.lookedMs : s.nowMs;
    s.othersMovedMs = Number.POSITIVE_INFINITY;
    s.unansweredMs = Number.POSITIVE_INFINITY;
  }
  s.framesSeen = framesSeen;
  s.lookedMs = s.nowMs;
  s.dataPlaneSeen = true;
  if (capture === 'running') s.captureRanMs = s.nowMs;
  s.capture = capture;
}

/** At each tick. */
export function noticeDeafness(s: State): void {
  if (!s.dataPlaneSeen) return;
  const { capture } = s;
  if (capture === 'running') s.conditions.delete('interface');
  else if (isOld(s, s.captureRanMs)) set(s, 'interface', TROUBLE[capture]);
  const why = deafness(s);
  if (why === null) s.conditions.delete('deaf');
  else set(s, 'deaf', why);
  askNeighbours(s);
}

function set(s: State, reason: HoldReason, detail: string): void {
  s.conditions.set(reason, detail);
}

/** Why we must be deaf; null: we are not. Once deaf, only a frame is proof of the contrary. */
function deafness(s: State): string | null {
  if (s.framesMoved || !isOld(s, s.framesMovedMs)) return null;
  const before = s.conditions.get('deaf');
  if (before !== undefined) return before;
  const peers = [...s.peers.values()];
  if (peers.length === 0 && waitsForFirstFrame(s)) return 'no frame captured since the start';
  const couldAnswer = s.nowMs - s.unansweredMs >= ANSWER_INTERVALS * s.settings.intervalMs;
  if (!couldAnswer) return null;
  if (peers.length === 0) return isUnproved(s) ? 'no frame captured since the last peer fell silent' : null;
  if (peers.every(({ heardMs }) => isOld(s, heardMs))) return 'no peer heard, no frame captured';
  // Members that are heard by other ways alone may be barred from this one; then neighbours answer us, or there is nobody to serve.
  const provenSilent = !s.sawFrame || isOld(s, s.rawHeardMs) || isOld(s, s.unansweredMs);
  const outdone = isOld(s, s.othersMovedMs) && provenSilent;
  return outdone ? `no frame captured, while others see some` : null;
}

/** Where no frame ever came, no client can be served either: nothing is lost by waiting for the first one. */
function waitsForFirstFrame({ sawFrame, metPeers, settings: { electorate, node } }: State): boolean {
  return !sawFrame && (metPeers || electorate.some((name) => name !== node));
}

/** The last one left was called that on silence alone, and no frame has come since: it may be the others who are left. */
function isUnproved(s: State): boolean {
  return s.peers.size === 0 && s.framesMovedMs < s.aloneSinceMs;
}

function askNeighbours(s: State): void {
  const { intervalMs } = s.settings;
  const isDeaf = s.conditions.has('deaf');
  const isQuiet = (sinceMs: number) => s.nowMs - sinceMs >= ASK_AFTER_INTERVALS * intervalMs;
  const allSilent = [...s.peers.values()].every((p: Peer) => isQuiet(p.heardMs));
  const isDoubtful = s.peers.size > 0 ? allSilent || isQuiet(s.othersMovedMs) : isUnproved(s);
  const suspects = isDoubtful && isQuiet(s.framesMovedMs);
  if (!isDeaf && !suspects) return;
  if (isDeaf && s.nowMs - s.askedMs < ASK_AGAIN_INTERVALS * intervalMs) return;
  s.askedMs = s.nowMs;
  s.unansweredMs = Math.min(s.unansweredMs, s.nowMs);
  s.emit({ type: 'ask-neighbours' });
}

/** The last time that someone was heard on the VIP's interface. */
export function noteRaw(s: State, path: string): void {
  if (path === RAW_PATH) s.rawHeardMs = s.nowMs;
}
