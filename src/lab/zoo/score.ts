/** What became of the zoo's requests, event by event. Pure. */
import { gaps } from '../tally.js';

/** `http6`: to the IPv6 VIP. */
export type RequestKind = 'http' | 'http6' | 'udp';

export interface Outcome {
  readonly kind: RequestKind;
  readonly id: string;
  /** ms of the machine's clock. */
  readonly sentMs: number;
  /** Until the answer, or until it was given up. */
  readonly tookMs: number;
  /** Who answered; null: nobody. */
  readonly node: string | null;
  readonly error: string | null;
}

export type PhaseName = 'calm' | 'kill' | 'return' | 'drain' | 'start';

/** From one event to the next. */
export interface Phase {
  readonly name: PhaseName;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface PhaseScore {
  readonly name: PhaseName;
  readonly requests: number;
  /** Without an answer within {@link LATE_MS}. */
  readonly failed: number;
  /** Of these: connections that broke, datagrams that were never answered. */
  readonly lost: number;
  /** The lost ones by kind and error, for people: `udp timeout 3, http6 ECONNRESET 1`. */
  readonly losses: string;
  /** The longest stretch from the first to the last of a row of failed requests. */
  readonly gapMs: number;
}

/** An answer after this is as good as none: Linux repeats a lost SYN after 1 s, which would hide that it was lost. */
const LATE_MS = 1000;
/** Where frames are lost all the time: requests sent this close to one another are looked at together. */
const AROUND_MS = 100;
/** In a lossy network a failed request is part of an outage when this share of those around it failed, and otherwise the network's. */
const OUTAGE_SHARE = 0.25;

const hasFailed = ({ node, tookMs }: Outcome): boolean => node === null || tookMs > LATE_MS;

/** Requests belong to the phase in which they were sent. */
export function scorePhases(
  outcomes: readonly Outcome[],
  phases: readonly Phase[],
  lossy: boolean,
): readonly PhaseScore[] {
  const sorted = [...outcomes].sort((left, right) => left.sentMs - right.sentMs);
  return phases.map(({ name, fromMs, toMs }) => {
    const sent = sorted.filter(({ sentMs }) => sentMs >= fromMs && sentMs < toMs);
    const failed = sent.filter(hasFailed);
    const ofOutages = lossy ? failed.filter((one) => isOutage(one, sent)) : failed;
    const lost = failed.filter(({ node }) => node === null);
    return {
      name,
      requests: sent.length,
      failed: failed.length,
      lost: lost.length,
      losses: countedBy(lost.map(({ kind, error }) => `${kind} ${error}`)),
      gapMs: Math.max(
        0,
        ...gaps(
          ofOutages.map(({ sentMs }) => sentMs),
          lossy ? AROUND_MS : undefined,
        ),
      ),
    };
  });
}

function countedBy(labels: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].map(([label, count]) => `${label} ${count}`).join(', ');
}

function isOutage(one: Outcome, sent: readonly Outcome[]): boolean {
  const around = sent.filter(({ sentMs }) => Math.abs(sentMs - one.sentMs) <= AROUND_MS);
  return around.filter(hasFailed).length >= around.length * OUTAGE_SHARE;
}

/** Ids that were served more than once, by one node or by several: there must be none. */
export function servedTwice(servedIds: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const id of servedIds) {
    if (seen.has(id)) twice.add(id);
    seen.add(id);
  }
  return [...twice];
}
