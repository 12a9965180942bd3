/**
 * What a node tells the core, by what it judges. Pure: time comes in.
 *
 * The core takes every offer down at once and none up by itself. So here is said when the farm may go up: at the first evidence of a node that had
 * begun alone, when switches have forgotten a leaked vMAC, and after the configured calm.
 */
import { REACH_MODES } from '../buckets/contract.js';
import type { Capability, Judgement } from './contract.js';

export type Choice =
  | { readonly type: 'offer'; readonly best: Capability; readonly why: string; readonly before: Capability | null }
  /** This node's own offer may go up. */
  | { readonly type: 'up' }
  /** Every node's may. */
  | { readonly type: 'all-up'; readonly why: string };

/** So long after the start a node that hears nobody is alone. */
export const ALONE_AFTER_MS = 1500;
/** Unclear or bad evidence is waited with for so long: questions may have been lost. */
export const PATIENCE_MS = 3000;

/** Place among the modes: `none` -1, `flood` the highest. */
export const rankOf = (mode: string): number => (REACH_MODES as readonly string[]).indexOf(mode);

export class Chooser {
  readonly #startedMs: number;
  readonly #calmMs: number | null;
  #best: Capability | null = null;
  #why = '';
  /** The mode was chosen without knowing how the others are reached: the first real evidence may raise it. */
  #isProvisional = false;
  #hasDropped = false;
  /** In use when a leak began; null: there is none. */
  #modeBeforeLeak: string | null = null;
  #betterSinceMs: number | null = null;

  /** @param calmMs null: up only by command. */
  constructor(startedMs: number, calmMs: number | null) {
    this.#startedMs = startedMs;
    this.#calmMs = calmMs;
  }

  /** What was told last; null: nothing yet. */
  get told(): { readonly best: Capability; readonly why: string } | null {
    return this.#best === null ? null : { best: this.#best, why: this.#why };
  }

  /** Nothing is told yet, or only what was better than nothing. */
  get isOpen(): boolean {
    return this.#best === null || this.#isProvisional;
  }

  /** Evidence of this node took its offer down once. From then on only people take it up again, or the configured calm. */
  get hasDropped(): boolean {
    return this.#hasDropped;
  }

  /** People said that it may go up: what was before counts no more. */
  forgive(): void {
    this.#hasDropped = false;
  }

  /** @param mode in use by the farm. @param isLeaked switches may know the vMAC at one port. */
  step(nowMs: number, judgement: Judgement, mode: string, isLeaked: boolean): readonly Choice[] {
    const best = this.#decide(nowMs, judgement);
    if (best === null) return [];
    const isFirst = this.#best === null;
    const choices: Choice[] = [];
    if (best !== this.#best || judgement.why !== this.#why) {
      choices.push({ type: 'offer', best, why: judgement.why, before: this.#best });
      // What was chosen without knowing the others was no more than a guess.
      const isWorse = this.#best !== null && rankOf(best) < rankOf(this.#best);
      if (isWorse && !isLeaked && !this.#isProvisional) this.#hasDropped = true;
      this.#best = best;
      this.#why = judgement.why;
    }
    if (isFirst) this.#isProvisional = isUnclear(judgement);
    else if (this.#isProvisional) {
      this.#isProvisional = false;
      if (rankOf(best) > rankOf('relay')) choices.push({ type: 'all-up', why: 'other nodes can be probed with now' });
    }
    if (this.#isForgotten(mode, isLeaked))
      choices.push({ type: 'all-up', why: 'switches have forgotten the leaked MAC' });
    if (this.#isCalm(nowMs, best, mode)) choices.push({ type: 'up' });
    return choices;
  }

  /** Null: nothing is to be said yet. */
  #decide(nowMs: number, judgement: Judgement): Capability | null {
    const elapsedMs = nowMs - this.#startedMs;
    if (this.#best === null) {
      const patienceMs = judgement.isAlone ? ALONE_AFTER_MS : PATIENCE_MS;
      if ((isUnclear(judgement) || judgement.best === 'none') && elapsedMs < patienceMs) return null;
      return judgement.best ?? 'relay';
    }
    // What the gateway shows may come a little later than the decision of a node that begins alone.
    if (this.#isProvisional && judgement.isAlone && rankOf(judgement.best ?? 'none') > rankOf(this.#best))
      return judgement.best;
    // Whom we have lost changes nothing of what the network can do, and silence or too few probes are no evidence.
    return isUnclear(judgement) ? null : judgement.best;
  }

  /** A leak is over, and it was what took the farm down. */
  #isForgotten(mode: string, isLeaked: boolean): boolean {
    const before = this.#modeBeforeLeak;
    this.#modeBeforeLeak = isLeaked ? (before ?? mode) : null;
    return !isLeaked && before !== null && rankOf(before) > rankOf(mode);
  }

  #isCalm(nowMs: number, best: Capability, mode: string): boolean {
    this.#betterSinceMs = rankOf(best) > rankOf(mode) ? (this.#betterSinceMs ?? nowMs) : null;
    if (this.#calmMs === null || this.#betterSinceMs === null || nowMs - this.#betterSinceMs < this.#calmMs)
      return false;
    this.#betterSinceMs = nowMs;
    return true;
  }
}

const isUnclear = ({ best, isAlone, isVague }: Judgement) => best === null || isAlone || isVague;
