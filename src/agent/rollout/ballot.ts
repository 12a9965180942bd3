/** The votes on one apply: all must be ready, or nobody switches. Pure. */
import type { NodeName } from '../../membership/messages.js';

export interface Refusal {
  readonly node: NodeName;
  readonly why: string;
}

export class Ballot {
  readonly #open: Set<NodeName>;
  readonly #ready = new Set<NodeName>();
  readonly #refusals: Refusal[] = [];

  constructor(names: Iterable<NodeName>) {
    this.#open = new Set(names);
  }

  /** Only the first word of each counts, and only of those who were asked. `why` null: ready. */
  take(node: NodeName, why: string | null): void {
    if (!this.#open.delete(node)) return;
    if (why === null) this.#ready.add(node);
    else this.#refusals.push({ node, why });
  }

  /** Whoever has died meanwhile has no vote: it takes the farm's config when it is back. */
  keepOnly(living: ReadonlySet<NodeName>): void {
    for (const name of [...this.#open]) if (!living.has(name)) this.#open.delete(name);
  }

  get isDecided(): boolean {
    return this.#open.size === 0;
  }

  get silent(): readonly NodeName[] {
    return [...this.#open].sort();
  }

  get ready(): readonly NodeName[] {
    return [...this.#ready].sort();
  }

  get refusals(): readonly Refusal[] {
    return this.#refusals.toSorted((a, b) => (a.node < b.node ? -1 : 1));
  }

  get isUnanimous(): boolean {
    return this.isDecided && this.#refusals.length === 0;
  }
}
