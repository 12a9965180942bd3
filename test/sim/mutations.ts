/**
 * Deliberate bugs, each with the lives that are aimed at it. A mutation is a wrong decision in {@link Rules} or a data plane that
 * does not do what the contract says; product code knows nothing of them.
 */
import type { Settings } from '../../src/membership/contract.js';
import { RULES, type Rules } from '../../src/membership/rules.js';
import { crossingViews, halfTold, lapsedAndUncounted, lateEnd, passedUnseen } from './aimed.js';
import {
  dividedByQuorum,
  dividedByWitness,
  echoes,
  ghost,
  meetsKeeper,
  namesakes,
  newKeys,
  smallTables,
} from './aimed-farms.js';
import { type PlaneFlaws, SOUND } from './dataplane.js';
import { Farm } from './farm.js';
import { type Focus, generate, type Size } from './generate.js';
import type { Flaws } from './host.js';
import type { Schedule } from './schedule.js';
import { type SealFlaws, SOUND_SEAL } from './seal.js';

export interface Mutation {
  readonly name: string;
  readonly flaws: Flaws;
  /** Which lives: theme, and what their faults are aimed at. */
  readonly focus: Focus;
  readonly size: Size;
  /** Lives tried at most; every one of them is clean without the mutation. */
  readonly lives: number;
  readonly change?: Partial<Schedule>;
  /** Lives made by hand instead of drawn ones. */
  readonly byHand?: (seed: number) => Schedule;
}

const SMALL: Size = { least: 2, most: 4 };

function mutation(
  name: string,
  rules: Partial<Rules>,
  focus: Focus,
  more: Partial<Omit<Mutation, 'name' | 'flaws' | 'focus'>> & {
    readonly plane?: Partial<PlaneFlaws>;
    readonly ticksFirst?: boolean;
    readonly seal?: Partial<SealFlaws>;
  } = {},
): Mutation {
  const { plane, seal, ticksFirst = false, ...rest } = more;
  const flaws: Flaws = {
    rules: { ...RULES, ...rules },
    plane: { ...SOUND, ...plane },
    ticksFirst,
    seal: { ...SOUND_SEAL, ...seal },
  };
  return { name, flaws, focus, size: SMALL, lives: 100, ...rest };
}

export const MUTATIONS: readonly Mutation[] = [
  mutation(
    'a lapsed lease is renewed by the next heartbeat',
    { leaseIsOver: () => false },
    {},
    { plane: { latchLease: false }, byHand: lapsedAndUncounted },
  ),
  mutation('the deadline counts from send time alone', { leaseBaseMs: (_, sentMs) => sentMs }, { theme: 'network' }),
  mutation(
    'a change of the config counts as none although not all were told',
    { switchCounts: () => true },
    {},
    { byHand: halfTold },
  ),
  mutation('nobody listens at the start', { listenMs: () => 0 }, { theme: 'crashes' }),
  mutation(
    'grants go without foreign keeps',
    { grantedKeeps: (own) => own },
    { theme: 'aimed', targets: ['end-offer'], strikes: ['mute'] },
  ),
  mutation(
    'a take-back is without foreign keeps',
    { keepExceptionsUntilConfirmed: () => false },
    { theme: 'aimed', targets: ['difference', 'ready'], strikes: ['kill', 'mute', 'lose'] },
  ),
  mutation(
    'the ring is replayed after a refusal',
    {},
    { theme: 'aimed', targets: ['ready', 'difference'], strikes: ['mute', 'lose'] },
    { plane: { replayDiscarded: true } },
  ),
  mutation('keeps end at FIN without linger', {}, { theme: 'peaceful' }, { plane: { lingerMs: 0 } }),
  mutation('a late end erases a newer keep', {}, {}, { plane: { ignoreSerials: true }, byHand: lateEnd }),
  mutation(
    'keeps of an earlier tenure count as arrived',
    { arrivalsEndWithTenure: () => false },
    { theme: 'aimed', targets: ['confirm', 'difference', 'keeps-are'], strikes: ['kill'] },
  ),
  mutation(
    'orphans are acquired without their keeps',
    { acquireNeedsKeeps: () => false, fetchLacking: () => false },
    { theme: 'aimed', targets: ['confirm', 'difference'], strikes: ['kill'] },
  ),
  mutation('lacking keeps are not fetched', { fetchLacking: () => false }, {}, { byHand: meetsKeeper }),
  mutation(
    'pending survives the death of the granter',
    { pendingEndsWithGranter: () => false },
    { theme: 'aimed', targets: ['ready', 'difference', 'offer'], strikes: ['kill'] },
    { change: { obituaryBudgetMs: 300 } },
  ),
  mutation('an older heartbeat erases newer keeps', { mayErase: () => true }, { theme: 'peaceful' }),
  mutation(
    'cut buckets do not count as held',
    { reportGranting: () => false },
    { theme: 'aimed', targets: ['difference', 'ready'], strikes: ['mute', 'stall', 'lose'] },
  ),
  mutation('agreement needs no echo', { echoCounts: () => true }, {}, { byHand: crossingViews }),
  mutation(
    'what others know of a member is not waited for',
    { knowledgeIsCurrent: () => true },
    {},
    { byHand: passedUnseen },
  ),
  mutation('a minority goes on', { heedQuorum: () => false }, {}, { byHand: dividedByQuorum }),
  mutation('a side without the witness goes on', { heedWitness: () => false }, {}, { byHand: dividedByWitness }),
  mutation('a table without room takes buckets', { heedRoom: () => false }, {}, { byHand: smallTables }),
  mutation('what is heard again is news', {}, {}, { byHand: echoes, seal: { takesReplays: true } }),
  mutation('only the newest key opens', {}, {}, { byHand: newKeys, seal: { opensActiveOnly: true } }),
  mutation('a recording counts as a member', { isFresh: () => true }, {}, { byHand: ghost }),
  mutation("a namesake's higher number buries the living", { heedVoice: () => false }, {}, { byHand: namesakes }),
  mutation(
    'a granter takes back after a time-out of its own',
    { takeBackAfterMs: (settings: Settings) => settings.intervalMs },
    { theme: 'aimed', targets: ['confirm', 'difference'], strikes: ['mute', 'stall', 'sever'] },
  ),
];

export interface Caught {
  readonly seed: number;
  readonly tried: number;
  readonly message: string;
}

/** The schedule of one life of a mutation's kind. */
export function lifeOf(mutation: Mutation, seed: number): Schedule {
  const drawn = mutation.byHand?.(seed) ?? generate(seed, mutation.size, mutation.focus);
  return { ...drawn, ...mutation.change };
}

/** The first life in which the mutation is caught; null: none. */
export function hunt(mutation: Mutation, lives: number = mutation.lives): Caught | null {
  for (let seed = 1; seed <= lives; seed++) {
    const violation = new Farm(lifeOf(mutation, seed), mutation.flaws).run();
    if (violation !== null) return { seed, tried: seed, message: violation.message };
  }
  return null;
}
