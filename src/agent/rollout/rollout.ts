/**
 * The farm's config, kept the same on all members: an apply in two phases, and catching up for those that were away.
 *
 * Nobody switches unless everyone who lives is ready. After that there is no way back: whoever misses the word to switch, or was away,
 * hears from any member that the farm has a later config, fetches it, and says so. It is judged there as any other, and a text that
 * was never the farm's is left alone (see revision.ts). All words come by the sealed peer link.
 */
import { randomBytes } from 'node:crypto';
import type { Incarnation, NodeName } from '../../membership/messages.js';
import { Ballot } from './ballot.js';
import type { ApplyOutcome, NodeOutcome, PreparedConfig, RolloutParts } from './contract.js';
import { decodeConfigMessage, encodeConfigMessage } from './messages.js';
import { type ConfigEntry, hashOf, isNewer, isRenumbered, nextStamp, type Stamp } from './revision.js';

/** A conflict check takes 350 ms; a host that is busy, and a link that must be opened first, take the rest. */
export const PREPARE_WITHIN_MS = 5000;
export const COMMIT_WITHIN_MS = 3000;
/** Longer than a coordinator waits, so that its word comes first. */
export const PREPARED_LASTS_MS = PREPARE_WITHIN_MS + COMMIT_WITHIN_MS;
const LOOK_EVERY_MS = 10;
/** One that waits may do so for want of our config. */
const TELL_WAITING_EVERY_MS = 5000;
/** The others have it: this is for what no heartbeat shows, and must cost nothing at rest. */
const TELL_EVERY_MS = 60_000;
const FETCH_AGAIN_MS = 2000;

/** What is under way here: only one at a time. */
interface Underway {
  readonly id: string;
  readonly from: NodeName;
  readonly entry: ConfigEntry;
  prepared: PreparedConfig | null;
  readonly sinceMs: number;
}

interface Applying {
  readonly id: string;
  readonly votes: Ballot;
  readonly commits: Ballot;
}

/** The config cannot be applied; the message says why and the hint what to do. */
export class ApplyRefused extends Error {
  override readonly name = 'ApplyRefused';
}

/** A change that this node can make only at its start. */
export class NeedsRestart extends Error {
  override readonly name = 'NeedsRestart';
}

export class Rollout {
  readonly #parts: RolloutParts;
  #current: ConfigEntry;
  #highest = 0;
  #underway: Underway | null = null;
  #applying: Applying | null = null;
  readonly #told = new Map<NodeName, Incarnation>();
  #toldMs = Number.NEGATIVE_INFINITY;
  #toldWaitingMs = Number.NEGATIVE_INFINITY;
  #fetchedMs = Number.NEGATIVE_INFINITY;
  #keptForLater = '';

  /** @param text the config that is in force. */
  constructor(text: string, parts: RolloutParts) {
    this.#parts = parts;
    this.#current = parts.history.withHash(hashOf(text)) ?? this.#unknown(text, 0);
    if (this.#current.revision === 0) parts.history.add(this.#current);
    this.#highest = Math.max(0, ...parts.history.entries().map(({ revision }) => revision));
  }

  get current(): ConfigEntry {
    return this.#current;
  }

  /** The highest revision that is known in the farm. */
  get highest(): number {
    return this.#highest;
  }

  /** A config was read from the file by hand. It is nobody's business to take it back, so it counts as new as any that is known. */
  readByHand(text: string): void {
    if (hashOf(text) === this.#current.hash) return;
    this.#current = this.#unknown(text, this.#highest);
    this.#parts.history.add({ ...this.#current, revision: 0 });
    this.#tellAll();
  }

  /** To be called about twice a second. */
  async tick(): Promise<void> {
    const nowMs = this.#parts.nowMs();
    await this.#forgetStale(nowMs);
    const living = await this.#parts.living();
    const isTime = nowMs - this.#toldMs >= TELL_EVERY_MS;
    const isTimeForWaiting = isTime || nowMs - this.#toldWaitingMs >= TELL_WAITING_EVERY_MS;
    for (const { name, incarnation, isWaiting } of living) {
      if ((isWaiting ? isTimeForWaiting : isTime) || this.#told.get(name) !== incarnation) this.#tellHave(name);
    }
    if (isTime) this.#toldMs = nowMs;
    if (isTimeForWaiting) this.#toldWaitingMs = nowMs;
    this.#told.clear();
    for (const { name, incarnation } of living) this.#told.set(name, incarnation);
  }

  /** @throws {@link ApplyRefused} when an apply is under way; a refusal of the config itself is an outcome. */
  async apply(text: string, by: string): Promise<ApplyOutcome> {
    this.#demandIdle();
    const { node, history, living, wallTime } = this.#parts;
    const stamp = nextStamp(text, this.#highest + 1, this.#current, history.entries());
    const entry: ConfigEntry = { ...stamp, text, at: wallTime(), by, node };
    const id = randomBytes(12).toString('hex');
    // Taken before the first wait: two applies must not pass here.
    this.#underway = { id, from: node, entry, prepared: null, sinceMs: this.#parts.nowMs() };
    try {
      const others = (await living()).map(({ name }) => name);
      const votes = new Ballot([node, ...others]);
      this.#applying = { id, votes, commits: new Ballot([node, ...others]) };
      for (const name of others) this.#send(name, { type: 'prepare', id, entry });
      await this.#prepare(this.#underway);
      await this.#until(votes, PREPARE_WITHIN_MS);
      if (!votes.isUnanimous) return await this.#giveUp(others);
      // Each has told its membership what comes; now they hear of each other that all know, and nobody waits while they switch.
      await this.#parts.pause(this.#parts.hearingMs());
      return await this.#switchOver(others);
    } finally {
      await this.#drop(id);
      this.#applying = null;
    }
  }

  /** What another member said. */
  async told(from: NodeName, body: Uint8Array): Promise<void> {
    const message = decodeConfigMessage(body);
    switch (message?.type) {
      case 'prepare':
        return this.#asked(from, message.id, message.entry);
      case 'prepared':
        if (this.#applying?.id === message.id) this.#applying.votes.take(from, message.refusal);
        return;
      case 'commit':
        return this.#commit(from, message.id);
      case 'abort':
        return this.#aborted(from, message.id);
      case 'committed':
        if (this.#applying?.id === message.id) this.#applying.commits.take(from, message.failure);
        return;
      case 'have':
        return this.#heard(from, message.stamp);
      case 'fetch':
        if (message.hash === this.#current.hash) this.#send(from, { type: 'config', entry: this.#current });
        return;
      case 'config':
        return this.#catchUp(from, message.entry);
      case undefined:
    }
  }

  // As coordinator.

  async #giveUp(others: readonly NodeName[]): Promise<ApplyOutcome> {
    const { votes, id } = this.#applying!;
    for (const name of others) this.#send(name, { type: 'abort', id });
    const { silent, refusals, ready } = votes;
    const nodes: NodeOutcome[] = [
      ...refusals.map(({ node, why }): NodeOutcome => ({ node, outcome: 'refused', why })),
      ...silent.map((node): NodeOutcome => ({ node, outcome: 'silent', why: NO_ANSWER })),
      ...ready.map((node): NodeOutcome => ({ node, outcome: 'ready', why: '' })),
    ];
    const { changed = [], warnings = [] } = this.#underway?.prepared ?? {};
    this.#parts.record('warn', 'config-not-applied', { refusals, silent, by: this.#underway?.entry.by });
    return { applied: false, revision: this.#current.revision, changed, warnings, nodes: this.#inOrder(nodes) };
  }

  /** From here on it is the farm's config, whoever dies: one member that has switched is enough for all. */
  async #switchOver(others: readonly NodeName[]): Promise<ApplyOutcome> {
    const { id, votes, commits } = this.#applying!;
    const { changed, warnings } = this.#underway!.prepared!;
    const voters = new Set(votes.ready);
    commits.keepOnly(voters);
    for (const name of others) if (voters.has(name)) this.#send(name, { type: 'commit', id });
    await this.#commit(this.#parts.node, id);
    await this.#until(commits, COMMIT_WITHIN_MS);
    const nodes: NodeOutcome[] = [
      ...commits.ready.map((node): NodeOutcome => ({ node, outcome: 'switched', why: '' })),
      ...commits.refusals.map(({ node, why }): NodeOutcome => ({ node, outcome: 'failed', why })),
      ...commits.silent.map((node): NodeOutcome => ({ node, outcome: 'told', why: TAKES_IT_LATER })),
    ];
    return { applied: true, revision: this.#current.revision, changed, warnings, nodes: this.#inOrder(nodes) };
  }

  async #until(ballot: Ballot, withinMs: number): Promise<void> {
    const { nowMs, pause, living, node } = this.#parts;
    const endMs = nowMs() + withinMs;
    while (!ballot.isDecided && nowMs() < endMs) await pause(LOOK_EVERY_MS);
    if (!ballot.isDecided) ballot.keepOnly(new Set([node, ...(await living()).map(({ name }) => name)]));
  }

  #inOrder(nodes: readonly NodeOutcome[]): readonly NodeOutcome[] {
    const { node } = this.#parts;
    const rank = (name: string) => (name === node ? '' : name);
    return nodes.toSorted((a, b) => (rank(a.node) < rank(b.node) ? -1 : 1));
  }

  // As one of those who are asked.

  async #asked(from: NodeName, id: string, entry: ConfigEntry): Promise<void> {
    const refusal = this.#whyNot(entry);
    if (refusal !== null) return this.#send(from, { type: 'prepared', id, refusal });
    this.#underway = { id, from, entry, prepared: null, sinceMs: this.#parts.nowMs() };
    await this.#prepare(this.#underway);
  }

  #whyNot({ revision, hash, text }: ConfigEntry): string | null {
    if (this.#underway !== null) return underwayText(this.#underway.from);
    if (hashOf(text) !== hash) return 'the text does not fit its hash';
    if (revision > this.#current.revision) return null;
    return `this node has revision ${this.#current.revision} already: try again, ${revision} is not newer`;
  }

  /** Gets ready, and votes. */
  async #prepare(underway: Underway): Promise<void> {
    const { id, from, entry } = underway;
    try {
      const prepared = await this.#parts.prepare(entry.text);
      // The coordinator may have given up meanwhile.
      if (this.#underway !== underway) return await prepared.abort();
      underway.prepared = prepared;
      this.#vote(from, id, null);
    } catch (error) {
      if (this.#underway === underway && from !== this.#parts.node) this.#underway = null;
      this.#vote(from, id, messageOf(error));
    }
  }

  #vote(coordinator: NodeName, id: string, refusal: string | null): void {
    if (coordinator === this.#parts.node) this.#applying?.votes.take(coordinator, refusal);
    else this.#send(coordinator, { type: 'prepared', id, refusal });
  }

  async #commit(from: NodeName, id: string): Promise<void> {
    const underway = this.#underway;
    if (underway?.id !== id || underway.from !== from || underway.prepared === null) return;
    const { entry, prepared } = underway;
    let failure: string | null = null;
    try {
      await prepared.commit();
      this.#inForce(entry, 'config-applied', { coordinator: from, changed: prepared.changed });
    } catch (error) {
      failure = messageOf(error);
      await prepared.abort();
      this.#parts.record('error', 'config-not-switched', { revision: entry.revision, error: failure });
    } finally {
      if (this.#underway === underway) this.#underway = null;
    }
    if (from === this.#parts.node) this.#applying?.commits.take(from, failure);
    else this.#send(from, { type: 'committed', id, failure });
  }

  async #aborted(from: NodeName, id: string): Promise<void> {
    if (this.#underway?.from === from) await this.#drop(id);
  }

  async #drop(id: string): Promise<void> {
    const underway = this.#underway;
    if (underway?.id !== id) return;
    this.#underway = null;
    await underway.prepared?.abort();
  }

  /** The coordinator died, or its word was lost: what the others did is heard from them. */
  async #forgetStale(nowMs: number): Promise<void> {
    const underway = this.#underway;
    if (underway === null || underway.from === this.#parts.node) return;
    if (nowMs - underway.sinceMs < PREPARED_LASTS_MS) return;
    const { from, entry } = underway;
    this.#parts.record('warn', 'config-apply-forgotten', { coordinator: from, revision: entry.revision });
    await this.#drop(underway.id);
  }

  // Catching up.

  #heard(from: NodeName, theirs: Stamp): void {
    this.#highest = Math.max(this.#highest, theirs.revision);
    if (isRenumbered(theirs, this.#current)) {
      this.#current = { ...this.#current, ...theirs };
      this.#parts.history.add(this.#current);
      return;
    }
    const nowMs = this.#parts.nowMs();
    if (!isNewer(theirs, this.#current) || this.#underway !== null || nowMs - this.#fetchedMs < FETCH_AGAIN_MS) return;
    if (theirs.hash === this.#keptForLater) return;
    this.#fetchedMs = nowMs;
    this.#send(from, { type: 'fetch', hash: theirs.hash });
  }

  async #catchUp(from: NodeName, entry: ConfigEntry): Promise<void> {
    if (this.#underway !== null || !isNewer(entry, this.#current) || hashOf(entry.text) !== entry.hash) return;
    const underway: Underway = { id: entry.hash, from, entry, prepared: null, sinceMs: this.#parts.nowMs() };
    this.#underway = underway;
    const was = this.#current.revision;
    const facts = { revision: entry.revision, was, from, by: entry.by };
    try {
      const prepared = await this.#parts.prepare(entry.text);
      if (this.#underway !== underway) return await prepared.abort();
      await prepared.commit();
      this.#inForce(entry, 'config-caught-up', { ...facts, changed: prepared.changed });
    } catch (error) {
      await this.#cannotCatchUp(entry, error, facts);
    } finally {
      if (this.#underway === underway) this.#underway = null;
    }
  }

  async #cannotCatchUp(entry: ConfigEntry, error: unknown, facts: Readonly<Record<string, unknown>>): Promise<void> {
    const { record, keepForLater } = this.#parts;
    record('error', 'config-not-caught-up', { ...facts, error: messageOf(error) });
    if (!(error instanceof NeedsRestart)) return;
    try {
      await keepForLater(entry.text);
      this.#keptForLater = entry.hash;
      record('warn', 'config-kept-for-restart', {
        ...facts,
        hint: 'restart this node: covey stop, then start its agent',
      });
    } catch (cause) {
      record('error', 'config-not-written', { ...facts, error: messageOf(cause) });
    }
  }

  #inForce(entry: ConfigEntry, event: string, fields: Readonly<Record<string, unknown>>): void {
    this.#current = entry;
    this.#highest = Math.max(this.#highest, entry.revision);
    this.#parts.history.add(entry);
    this.#parts.record('info', event, { revision: entry.revision, by: entry.by, ...fields });
    this.#tellAll();
  }

  #tellAll(): void {
    for (const name of this.#told.keys()) this.#tellHave(name);
  }

  #tellHave(to: NodeName): void {
    const { revision, hash, supersedes } = this.#current;
    this.#send(to, { type: 'have', stamp: { revision, hash, supersedes: [...supersedes] } });
  }

  #send(to: NodeName, message: Parameters<typeof encodeConfigMessage>[0]): void {
    this.#parts.tell(to, encodeConfigMessage(message));
  }

  #demandIdle(): void {
    if (this.#underway !== null) throw new ApplyRefused(underwayText(this.#underway.from));
  }

  /** True while a config is being judged or switched to: nothing else may change it then. */
  get isBusy(): boolean {
    return this.#underway !== null;
  }

  #unknown(text: string, revision: number): ConfigEntry {
    const { node, wallTime } = this.#parts;
    return { revision, hash: hashOf(text), supersedes: [], text, at: wallTime(), by: 'the config file', node };
  }
}

const NO_ANSWER = `no answer within ${PREPARE_WITHIN_MS / 1000} s`;
const TAKES_IT_LATER = 'ready, and has not said yet that it switched; it takes the config when it hears of it';

const underwayText = (from: NodeName) => `another config is being applied just now, by ${from}: try again in a moment`;

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
