/**
 * The lease of two nodes and nothing else: heartbeats, acknowledgements, silence, death, as in src/membership. Fast enough for
 * years. Two nodes are the hardest case: with more, others pass heartbeats on.
 */
import type { Dice } from './random.js';
import { INTERVAL_MS, LEASE_MS, MARGIN_MS } from './schedule.js';

const DELAY_MS = 0.5;
const LAG_MS = 1.5 * INTERVAL_MS;
const GREAT_LAG_MS = 2 * INTERVAL_MS;
const SILENT_MS = 3 * INTERVAL_MS;
/** Three losses among so many heartbeats make a pair worth looking at. */
const WINDOW = 10;

interface Side {
  nextSendMs: number;
  sentMs: number;
  /** When it heard the other, and when that heartbeat was sent. */
  heardMs: number;
  heardSentMs: number;
  /** Send time of its newest heartbeat that the other reports. */
  ackedMs: number;
}

/** Decides whether the heartbeat that side 0 or 1 sends at this time is lost. */
export type IsLost = (side: 0 | 1, atMs: number) => boolean;

/**
 * Runs from a state of rest until `done` says so or someone is ejected. Gives the time of an ejection, or null. `phaseMs`: how long
 * after the first side's heartbeats the other's are sent, 1 to 99.
 */
export function runPair(
  isLost: IsLost,
  done: (atMs: number, calm: boolean) => boolean,
  phaseMs: number,
): number | null {
  const last = -INTERVAL_MS;
  // Each has heard the other's last one; what that one reports is a heartbeat older.
  const first: Side = side(0, phaseMs + last, last);
  const other: Side = side(phaseMs, last, phaseMs + 2 * last);
  const sides: readonly [Side, Side] = [first, other];
  for (;;) {
    const sender: 0 | 1 = sides[0].nextSendMs <= sides[1].nextSendMs ? 0 : 1;
    const from = sides[sender];
    const to = sides[1 - sender]!;
    const nowMs = from.nextSendMs;
    if (isEjected(sides[0], nowMs) || isEjected(sides[1], nowMs)) return nowMs;
    from.sentMs = nowMs;
    if (!isLost(sender, nowMs)) deliver(from, to, nowMs);
    from.nextSendMs = nowMs + gapMs(from, nowMs);
    const calm = nowMs - sides[0].ackedMs < 2 * INTERVAL_MS && nowMs - sides[1].ackedMs < 2 * INTERVAL_MS;
    if (done(nowMs, calm)) return null;
  }
}

function side(nextSendMs: number, heardSentMs: number, ackedMs: number): Side {
  return { nextSendMs, sentMs: nextSendMs - INTERVAL_MS, heardMs: heardSentMs + DELAY_MS, heardSentMs, ackedMs };
}

function deliver(from: Side, to: Side, nowMs: number): void {
  const atMs = nowMs + DELAY_MS;
  if (atMs - to.heardMs > SILENT_MS) to.ackedMs = Math.max(to.ackedMs, atMs - LEASE_MS + INTERVAL_MS);
  to.heardMs = atMs;
  to.heardSentMs = nowMs;
  to.ackedMs = Math.max(to.ackedMs, from.heardSentMs);
  // Seen to lag, it sends sooner than planned.
  to.nextSendMs = Math.min(to.nextSendMs, Math.max(atMs, to.sentMs + gapMs(to, atMs)));
}

/** After how long it sends again, by the age of its acknowledgement. */
function gapMs({ ackedMs, heardMs }: Side, nowMs: number): number {
  if (nowMs - ackedMs > GREAT_LAG_MS && nowMs - heardMs <= SILENT_MS) return INTERVAL_MS / 6;
  return nowMs - ackedMs > LAG_MS ? INTERVAL_MS / 3 : INTERVAL_MS;
}

function isEjected(side: Side, nowMs: number): boolean {
  const silentMs = nowMs - side.heardMs;
  if (silentMs > LEASE_MS + MARGIN_MS) return true;
  const baseMs = silentMs > SILENT_MS ? side.sentMs : side.ackedMs;
  return nowMs >= baseMs + LEASE_MS;
}

/**
 * Ejections in `seconds` of a pair that loses each heartbeat with probability `loss`. At rest 20 heartbeats a second pass between
 * two nodes; only where three of them are lost within ten is the pair looked at closely, for fewer cannot cost a lease.
 */
export function countEjections(loss: number, seconds: number, dice: Dice): number {
  const slots = (seconds * 2000) / INTERVAL_MS;
  const scale = 1 / Math.log(1 - loss);
  let ejections = 0;
  let first = Number.NEGATIVE_INFINITY;
  let second = Number.NEGATIVE_INFINITY;
  for (let slot = Math.floor(Math.log(1 - dice.next()) * scale); slot < slots; ) {
    if (slot - first < WINDOW) {
      const { ejected, sends } = closely([0, second - first, slot - first], loss, dice);
      if (ejected) ejections++;
      slot = first + sends;
      first = second = Number.NEGATIVE_INFINITY;
    } else {
      first = second;
      second = slot;
    }
    slot += 1 + Math.floor(Math.log(1 - dice.next()) * scale);
  }
  return ejections;
}

/** `lost`: which sends, counted from the beginning, are lost for certain; those between are not, and later ones are drawn. */
function closely(
  lost: readonly number[],
  loss: number,
  dice: Dice,
): { readonly ejected: boolean; readonly sends: number } {
  const last = lost[2]!;
  let sends = -1;
  let lastLost = 0;
  const isLost = (): boolean => {
    sends++;
    const isThis = sends <= last ? lost.includes(sends) : dice.chance(loss);
    if (isThis) lastLost = sends;
    return isThis;
  };
  // At rest again only when the last loss is so far back that it belongs to no later run of losses.
  const phaseMs = dice.between(1, 99);
  const ejected = runPair(isLost, (_, calm) => calm && sends - lastLost >= WINDOW, phaseMs) !== null;
  return { ejected, sends };
}

/** The same without a short cut, for losses so frequent that there is no rest; bursts too. */
export function countEjectionsPlainly(isLost: IsLost, seconds: number): number {
  let ejections = 0;
  let offsetMs = 0;
  while (offsetMs < seconds * 1000) {
    const beganMs = offsetMs;
    const limitMs = seconds * 1000 - beganMs;
    const at = runPair(
      (sender, atMs) => isLost(sender, beganMs + atMs),
      (atMs) => atMs >= limitMs,
      INTERVAL_MS / 2,
    );
    if (at === null) break;
    ejections++;
    offsetMs += at + 2 * LEASE_MS;
  }
  return ejections;
}
