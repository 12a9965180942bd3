/**
 * Each authentic datagram is taken once: a sliding window of counters per (sender, incarnation), as in RFC 4303 section 3.4.3.
 *
 * Only what the cipher vouched for may be shown to the guard, so nobody without the key moves it. What a holder of old captures
 * can do: an older incarnation is refused once three are known; a capture of an incarnation yet to come cannot exist, for each node
 * draws its incarnations upwards. A guard that has just started knows no newest incarnation and takes an old capture for news:
 * then the first datagram of the living incarnation puts it right, and until then membership believes nobody who has not
 * named our own incarnation.
 *
 * The windows of a few older incarnations stay. Two hosts may use one name by mistake; both must be heard, or the one with the higher
 * number would silence the other, and with it a node that serves.
 */
import type { Incarnation, NodeName } from '../membership/messages.js';

const WINDOW = 2048;
/** Names that ever sent something authentic; more than four times the largest farm. */
const MAX_SENDERS = 256;
/** Incarnations of one name: the newest, that of a namesake, and one between. */
export const MAX_WINDOWS = 3;
/** Sources from which copies of one sender's datagrams are taken: its paths. Full means full, so one datagram makes no more copies. */
const MAX_COPY_SOURCES = 8;

export type Novelty = 'new' | 'copy' | 'replayed' | 'tooOld' | 'olderIncarnation' | 'tooManySenders';

interface Window {
  highest: number;
  /** Bit `counter % WINDOW` tells whether a counter in (highest - WINDOW, highest] was seen. */
  readonly seen: Uint8Array;
  /** Source -> highest counter seen by it. */
  readonly sources: Map<string, number>;
}

interface Sender {
  newest: Incarnation;
  /** By incarnation, in order of the last news of each. */
  readonly windows: Map<Incarnation, Window>;
  newestObituary: Incarnation;
}

export class ReplayGuard {
  readonly #senders = new Map<NodeName, Sender>();

  /**
   * Takes note of an authentic datagram. `copy`: seen already, but not by `source` yet: every heartbeat is sent on every path, and
   * a copy says that its path works, nothing more. `source` null: it was passed on, which says nothing of a path.
   */
  accept(name: NodeName, incarnation: Incarnation, counter: number, source: string | null): Novelty {
    const sender = this.#sender(name);
    if (sender === null) return 'tooManySenders';
    const window = windowOf(sender, incarnation);
    if (window === null) return 'olderIncarnation';
    const novelty = mark(window, counter);
    if (novelty === 'tooOld') return novelty;
    if (novelty === 'new') keep(sender, incarnation, window);
    const isNewHere = source !== null && noteSource(window.sources, source, counter);
    return novelty === 'replayed' && isNewHere ? 'copy' : novelty;
  }

  /** Whether an obituary sealed by `incarnation` may still say something: no newer incarnation was heard. Moves no window. */
  allowsObituary(name: NodeName, incarnation: Incarnation): 'new' | 'olderIncarnation' | 'tooManySenders' {
    const sender = this.#sender(name);
    if (sender === null) return 'tooManySenders';
    return incarnation < sender.newest && windowOf(sender, incarnation) === null ? 'olderIncarnation' : 'new';
  }

  /** Takes note that `name` said its `gone` incarnation and all older ones gone; false when it had said so before. */
  isNewObituary(name: NodeName, gone: Incarnation): boolean {
    const sender = this.#sender(name);
    if (sender === null || gone <= sender.newestObituary) return false;
    sender.newestObituary = gone;
    return true;
  }

  #sender(name: NodeName): Sender | null {
    const known = this.#senders.get(name);
    if (known !== undefined) return known;
    if (this.#senders.size >= MAX_SENDERS) return null;
    const sender: Sender = { newest: -1, windows: new Map(), newestObituary: -1 };
    this.#senders.set(name, sender);
    return sender;
  }
}

/**
 * Null: older than the newest, and not one of those remembered. One that was never heard takes a free place but nobody's: so nothing
 * that was heard in this guard's life is ever news again.
 */
function windowOf(sender: Sender, incarnation: Incarnation): Window | null {
  const known = sender.windows.get(incarnation);
  if (known !== undefined) return known;
  if (incarnation <= sender.newest && sender.windows.size >= MAX_WINDOWS) return null;
  sender.newest = Math.max(sender.newest, incarnation);
  return { highest: -1, seen: new Uint8Array(WINDOW / 8), sources: new Map() };
}

/** The one that has had no news for longest is forgotten; not the newest, which has just had some or is about to. */
function keep(sender: Sender, incarnation: Incarnation, window: Window): void {
  sender.windows.delete(incarnation);
  sender.windows.set(incarnation, window);
  if (sender.windows.size <= MAX_WINDOWS) return;
  for (const oldest of sender.windows.keys()) {
    if (oldest === sender.newest) continue;
    sender.windows.delete(oldest);
    return;
  }
}

function mark(window: Window, counter: number): 'new' | 'replayed' | 'tooOld' {
  if (counter <= window.highest - WINDOW) return 'tooOld';
  if (counter > window.highest) slide(window, counter);
  const bit = 1 << (counter & 7);
  const index = (counter % WINDOW) >> 3;
  if ((window.seen[index]! & bit) !== 0) return 'replayed';
  window.seen[index]! |= bit;
  return 'new';
}

/** Forgets the counters whose places the new ones take. */
function slide(window: Window, counter: number): void {
  if (counter - window.highest >= WINDOW) window.seen.fill(0);
  else {
    for (let next = window.highest + 1; next <= counter; next++) {
      window.seen[(next % WINDOW) >> 3]! &= ~(1 << (next % 8));
    }
  }
  window.highest = counter;
}

/** Whether `counter` is the highest that came by `source`. */
function noteSource(sources: Map<string, number>, source: string, counter: number): boolean {
  const highest = sources.get(source);
  if (highest === undefined && sources.size >= MAX_COPY_SOURCES) return false;
  if (highest !== undefined && counter <= highest) return false;
  sources.set(source, counter);
  return true;
}
