/**
 * What people order on one node is told to all, so that the record of who did what outlives the node where it was typed. The node where
 * it was typed and the one that carries it out both tell it, for either may be gone a moment later; it is noted once.
 *
 * News are for people: they change nothing, may be lost, and what is of a later release is left alone.
 */
import { z } from 'zod';
import type { NodeName } from '../membership/messages.js';

/** Kind of the opaque link messages. Agents of earlier releases do not know it, and leave it alone. */
export const ORDER_NEWS_KIND = 'order-news';

const newsSchema = z.object({
  version: z.literal(1),
  command: z.enum(['drain', 'stop', 'start', 'restart', 'apply']),
  /** What it is done to; null: the farm. */
  node: z.string().min(1).max(63).nullable(),
  /** Who ordered it, and where: `anna (console) on n2`. */
  by: z.string().max(300),
});

export type News = Omit<z.infer<typeof newsSchema>, 'version'>;

const MAX_BYTES = 2048;
/** The two that tell of an order do so within the time of an answer. */
const SAME_WITHIN_MS = 5000;
/** Of one node in a minute: a script that goes wild there must not push everything else out of the timelines of all. */
const MOST_A_MINUTE = 60;
const MINUTE_MS = 60_000;

export interface OrderNewsParts {
  readonly node: NodeName;
  /** To every living member, by the peer link. */
  readonly tell: (kind: string, body: Uint8Array) => void;
  readonly note: (news: News, from: NodeName) => void;
  readonly nowMs: () => number;
}

export class OrderNews {
  readonly #parts: OrderNewsParts;
  /** Newest last. */
  #noted: readonly { readonly text: string; readonly from: NodeName; readonly atMs: number }[] = [];

  constructor(parts: OrderNewsParts) {
    this.#parts = parts;
  }

  tell(news: News): void {
    const { command, node, by } = news;
    this.#parts.tell(ORDER_NEWS_KIND, Buffer.from(JSON.stringify({ version: 1, command, node, by })));
    // What this node has ordered comes back from the node that carries it out.
    this.#isNew(news, this.#parts.node);
  }

  /** A message by the peer link. What this node is told to do itself it notes when it does it. */
  told(from: NodeName, body: Uint8Array): void {
    const news = newsIn(body);
    if (news === null || news.node === this.#parts.node || !this.#isNew(news, from)) return;
    this.#parts.note(news, from);
  }

  #isNew(news: News, from: NodeName): boolean {
    const atMs = this.#parts.nowMs();
    const text = JSON.stringify([news.command, news.node, news.by]);
    this.#noted = this.#noted.filter((noted) => atMs - noted.atMs < MINUTE_MS);
    const isKnown = this.#noted.some(
      (noted) => noted.text === text && noted.from !== from && atMs - noted.atMs < SAME_WITHIN_MS,
    );
    if (isKnown || this.#noted.filter((noted) => noted.from === from).length >= MOST_A_MINUTE) return false;
    this.#noted = [...this.#noted, { text, from, atMs }];
    return true;
  }
}

/** Null: of another version than ours, or nothing that we know. */
function newsIn(body: Uint8Array): News | null {
  if (body.length > MAX_BYTES) return null;
  try {
    const parsed = newsSchema.safeParse(JSON.parse(Buffer.from(body).toString('utf8')));
    if (!parsed.success) return null;
    const { version, ...news } = parsed.data;
    return news;
  } catch {
    return null;
  }
}
