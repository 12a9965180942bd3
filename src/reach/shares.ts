/**
 * Compares how many frames each node has captured. With `flood` and `multicast` all see the same ones, so a node that sees hardly any
 * of many is left out by the network, whatever becomes of probes. Pure.
 */
import type { NodeName } from '../membership/messages.js';
import type { FarmView } from './contract.js';
import type { Sender } from './evidence.js';

/** Frames within the window that another node must have seen more than we, to mean something. */
const MANY_FRAMES = 400;
const WINDOW_MS = 4000;
/** Of the other's frames: less than this part is "hardly any". */
const HARDLY_ANY = 0.1;

interface Sample {
  readonly atMs: number;
  readonly own: number;
  readonly others: ReadonlyMap<number, { readonly name: NodeName; readonly frames: number }>;
}

export class Shares {
  #samples: Sample[] = [];
  #mode = '';

  /** @returns what is wrong, as a clause; empty: nothing. Called about twice a second. */
  compare(senders: readonly Sender[], own: number, view: FarmView | null, nowMs: number): string {
    const mode = view?.state === 'up' ? view.reach.mode : '';
    if (mode !== this.#mode) this.#samples = [];
    this.#mode = mode;
    if (mode !== 'flood' && mode !== 'multicast') return '';
    const others = new Map(
      senders
        .filter((sender) => sender.isProven && sender.carrier.mode === mode)
        .map(({ run, name, carrier }) => [run, { name, frames: carrier.framesSeen }]),
    );
    this.#samples = [...this.#samples.filter(({ atMs }) => nowMs - atMs <= WINDOW_MS), { atMs: nowMs, own, others }];
    const oldest = this.#samples[0]!;
    if (nowMs - oldest.atMs < WINDOW_MS * 0.7) return '';
    const seen = own - oldest.own;
    for (const [run, { name, frames }] of others) {
      const before = oldest.others.get(run);
      const theirs = before === undefined ? 0 : frames - before.frames;
      if (theirs > MANY_FRAMES && seen < theirs * HARDLY_ANY) {
        const seconds = Math.round((nowMs - oldest.atMs) / 1000);
        return `in ${seconds} s ${name} captured ${theirs} frames, this node ${seen}`;
      }
    }
    return '';
  }
}
