/**
 * What the agent does for consoles: answers who holds which bucket, gathers what the nodes say of themselves, carries the consoles'
 * words to each other. Nothing is sent between the nodes while no console asks.
 */
import { z } from 'zod';
import { BUCKETS } from '../buckets/contract.js';
import type {
  BucketsReport,
  ConsoleHandler,
  DoorReport,
  NodeSummary,
  PeersReport,
  SharedReport,
} from '../control/console-contract.js';
import { MAX_SHARED_BYTES, NOBODY } from '../control/console-contract.js';
import type { NodeName } from '../membership/messages.js';
import { MOST_CHECKS } from './check-summaries.js';
import type { BucketsSnapshot } from './contract.js';

/** Kind of the opaque link messages between the agents' desks. */
export const CONSOLE_MESSAGE = 'console';

/**
 * Members are asked again after this: at every turn of a console that is looked at, whose timers may be early. What a page shows is then
 * two turns old at most, which leaves a busy node a second to answer in before it is called stale.
 */
const ASK_EVERY_MS = 350;
/** However often one peer asks; its questions may come closer to each other than it asked them. */
const ANSWER_EVERY_MS = 250;
/** Consoles of many nodes ask at about the same time: they get one answer, and the host's connections are counted once. */
const SAME_ANSWER_MS = 150;
/** A summary this old is of a node that no longer answers. */
const FORGET_AFTER_MS = 60_000;
/** The longest document in its envelope; a summary with all the checks and rules that there can be is about as long. */
const MAX_MESSAGE_BYTES = MAX_SHARED_BYTES + 16 * 1024;
const MAX_WARNINGS = 8;

export type OwnSummary = Omit<NodeSummary, 'console'>;

export interface ConsoleDeskParts {
  readonly node: NodeName;
  readonly buckets: (plan: number) => Promise<BucketsSnapshot>;
  readonly plans: () => number;
  readonly summary: () => Promise<OwnSummary>;
  /** Where this node's console listens by the config in force; null: nowhere. */
  readonly console: () => string | null;
  /** To one member, or (null) to every living one. May be lost. */
  readonly tell: (to: NodeName | null, body: Uint8Array) => void;
  readonly openDoor: () => Promise<DoorReport>;
  readonly nowMs: () => number;
}

const counters = z.record(z.string(), z.union([z.number(), z.record(z.string(), z.number())]));
const summarySchema = z.object({
  uptimeMs: z.number(),
  counters,
  connections: z.number().nullable(),
  drain: z
    .object({ left: z.number(), connections: z.number().nullable(), remainingMs: z.number().nullable() })
    .nullable(),
  warnings: z.array(z.string()).max(MAX_WARNINGS),
  console: z.string().nullable(),
  checks: z
    .array(
      z.object({
        kind: z.enum(['checker', 'service']),
        name: z.string(),
        state: z.string(),
        detail: z.string(),
        note: z.string(),
      }),
    )
    .max(MOST_CHECKS)
    .optional(),
  rules: z
    .record(
      z.string(),
      z.object({ accepted: z.number(), relayed: z.number(), rejected: z.record(z.string(), z.number()) }),
    )
    .optional(),
});
/** A later release may say more; what is not known here is left out. */
const messageSchema = z.discriminatedUnion('type', [
  z.object({ version: z.literal(1), type: z.literal('ask') }),
  z.object({ version: z.literal(1), type: z.literal('summary'), summary: summarySchema }),
  z.object({ version: z.literal(1), type: z.literal('shared'), document: z.string().max(MAX_SHARED_BYTES) }),
]);
type Message =
  | Exclude<z.infer<typeof messageSchema>, { type: 'summary' }>
  | { readonly version: 1; readonly type: 'summary'; readonly summary: NodeSummary };

export class ConsoleDesk implements ConsoleHandler {
  readonly #parts: ConsoleDeskParts;
  readonly #summaries = new Map<NodeName, { readonly summary: NodeSummary; readonly atMs: number }>();
  readonly #answered = new Map<NodeName, number>();
  readonly #documents = new Map<NodeName, string>();
  #askedMs = Number.NEGATIVE_INFINITY;
  #ownWord: { readonly atMs: number; readonly word: Promise<OwnSummary> } | null = null;

  constructor(parts: ConsoleDeskParts) {
    this.#parts = parts;
  }

  async buckets(plan: number): Promise<BucketsReport> {
    const snapshot = await this.#parts.buckets(Math.min(plan, this.#parts.plans() - 1));
    const nodes = [...new Set([...snapshot.owners, ...snapshot.planned])].filter((name) => name !== null).sort();
    const index = new Map<string | null, number>(nodes.map((name, at) => [name, at]));
    const packed = (names: readonly (NodeName | null)[]) =>
      Buffer.from(names.map((name) => index.get(name) ?? NOBODY)).toString('base64');
    return {
      version: 1,
      plan,
      buckets: BUCKETS,
      nodes,
      owners: packed(snapshot.owners),
      planned: packed(snapshot.planned),
    };
  }

  async peers(): Promise<PeersReport> {
    const nowMs = this.#parts.nowMs();
    if (nowMs - this.#askedMs >= ASK_EVERY_MS) {
      this.#askedMs = nowMs;
      this.#say(null, { version: 1, type: 'ask' });
    }
    for (const [node, { atMs }] of this.#summaries) if (nowMs - atMs > FORGET_AFTER_MS) this.#summaries.delete(node);
    // Taken before this node's own word is waited for: else the answers to this very question would be in time at one call and late at
    // the next, and then a call would show the same word of a living node twice.
    const others = [...this.#summaries].map(([node, { summary, atMs }]) => ({ node, ageMs: nowMs - atMs, ...summary }));
    const own = { node: this.#parts.node, ageMs: 0, ...(await this.#own()) };
    return { version: 1, nodes: [own, ...others].sort((a, b) => (a.node < b.node ? -1 : 1)) };
  }

  openDoor(): Promise<DoorReport> {
    return this.#parts.openDoor();
  }

  async share(document: string | null): Promise<SharedReport> {
    if (document !== null) this.#say(null, { version: 1, type: 'shared', document });
    return { version: 1, documents: [...this.#documents].map(([node, text]) => ({ node, document: text })) };
  }

  /** What another member's desk said. It is authentic, but may be of another release. */
  told(from: NodeName, body: Uint8Array): void {
    const message = read(body);
    if (message === null) return;
    switch (message.type) {
      case 'ask':
        void this.#answer(from);
        break;
      case 'summary':
        this.#summaries.set(from, { summary: message.summary, atMs: this.#parts.nowMs() });
        break;
      case 'shared':
        this.#documents.set(from, message.document);
        break;
    }
  }

  async #answer(to: NodeName): Promise<void> {
    const nowMs = this.#parts.nowMs();
    if (nowMs - (this.#answered.get(to) ?? Number.NEGATIVE_INFINITY) < ANSWER_EVERY_MS) return;
    this.#answered.set(to, nowMs);
    try {
      this.#say(to, { version: 1, type: 'summary', summary: await this.#own() });
    } catch {
      // The membership thread did not answer: then this node has nothing to say of itself, and its silence shows as age.
    }
  }

  /** Where the console is to be is no part of the word that several get: one that ends by a new config asks for it at once. */
  async #own(): Promise<NodeSummary> {
    return { ...(await this.#word()), console: this.#parts.console() };
  }

  #word(): Promise<OwnSummary> {
    const atMs = this.#parts.nowMs();
    if (this.#ownWord !== null && atMs - this.#ownWord.atMs < SAME_ANSWER_MS) return this.#ownWord.word;
    const word = this.#parts
      .summary()
      .then((summary) => ({ ...summary, warnings: summary.warnings.slice(0, MAX_WARNINGS) }));
    this.#ownWord = { atMs, word };
    return word;
  }

  #say(to: NodeName | null, message: Message): void {
    this.#parts.tell(to, Buffer.from(JSON.stringify(message)));
  }
}

function read(body: Uint8Array): Message | null {
  if (body.length > MAX_MESSAGE_BYTES) return null;
  try {
    const parsed = messageSchema.safeParse(JSON.parse(Buffer.from(body).toString('utf8')));
    // The counters that a peer of another release lacks are shown as none.
    return parsed.success ? (parsed.data as unknown as Message) : null;
  } catch {
    return null;
  }
}
