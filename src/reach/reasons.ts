/** Why the farm uses the mode that it does, when this node could do better: what other members said of themselves. Pure. */
import type { ReachStatus } from '../membership/contract.js';
import type { NodeName } from '../membership/messages.js';
import { rankOf } from './chooser.js';
import type { Capability } from './contract.js';

interface Said {
  readonly best: Capability;
  readonly why: string;
}

export class Reasons {
  readonly #said = new Map<NodeName, Said>();
  /** Who pulled the farm down to the mode in use, as long as this node could do better. */
  #down: { readonly mode: string; readonly by: NodeName; readonly why: string } | null = null;

  /** What a member, this node among them, can do by its own evidence. */
  say(name: NodeName, said: Said): void {
    this.#said.set(name, said);
  }

  /** @param best what this node could do; null: not known. */
  follow(mode: string, best: Capability | null): void {
    if (best === null || rankOf(best) <= rankOf(mode)) this.#down = null;
    else if (this.#down?.mode !== mode) {
      const limit = [...this.#said].find(([, said]) => rankOf(said.best) <= rankOf(mode));
      if (limit !== undefined) this.#down = { mode, by: limit[0], why: limit[1].why };
    }
  }

  reason({ mode, why }: ReachStatus): string {
    if (this.#down === null || this.#down.mode !== mode) return why;
    const { by, why: then } = this.#down;
    const isOver = ![...this.#said.values()].some((said) => rankOf(said.best) <= rankOf(mode));
    return `at ${by}, ${then}${isOver ? '; it works again, and goes up only when told: covey probe --apply' : ''}`;
  }
}
