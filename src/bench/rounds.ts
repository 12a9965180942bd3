/** Runs a scenario: beds up, rounds from bed to bed, beds down. Knows nothing of labs and programs. */
import type { Bed, BedOptions, FigureResult, Peer, PeerResult, Sample, Scenario, ScenarioResult } from './contract.js';
import { figureResult } from './statistics.js';

export interface RoundOptions extends BedOptions {
  readonly rounds: number;
  /** After this time no further measurement begins; of {@link RoundOptions.nowMs}. */
  readonly endMs: number;
  readonly nowMs: () => number;
}

interface Course {
  readonly peer: Peer;
  readonly samples: (Sample | null)[];
  readonly notes: string[];
  /** Why it could not be set up. */
  failure: string | null;
}

/**
 * `absent` are the peers of the scenario that `peers` does not have. One that cannot be set up (a kernel without its module, say) joins
 * them, and the others are measured.
 */
export async function runScenario(
  scenario: Scenario,
  peers: readonly Peer[],
  absent: ScenarioResult['absent'],
  options: RoundOptions,
): Promise<ScenarioResult> {
  const courses = peers.map((peer): Course => ({ peer, samples: [], notes: [], failure: null }));
  const groups = scenario.isOneByOne === true ? courses.map((course) => [course]) : [courses];
  let isCut = false;
  for (const group of groups) isCut = (await runGroup(group, options)) || isCut;
  const { id, title, about, base, figures } = scenario;
  const ofBase = courses.find(({ peer }) => peer.name === base)?.samples ?? null;
  const results = courses.filter(({ failure }) => failure === null).map((one) => resultOf(one, scenario, ofBase));
  const failed = courses.flatMap(({ peer: { name }, failure }) =>
    failure === null ? [] : [{ name, reason: `${SET_UP_FAILED}${failure}`, install: null }],
  );
  return { id, title, about, base, figures, absent: [...absent, ...failed], isCut, peers: results };
}

const SET_UP_FAILED = 'could not be set up: ';

/** Peers that should have taken part, and of which nothing is known. */
export function failedPeers({ absent, peers }: ScenarioResult): readonly string[] {
  const notSetUp = absent.filter(({ reason }) => reason.startsWith(SET_UP_FAILED));
  const notMeasured = peers.filter(({ figures }) => Object.keys(figures).length === 0);
  return [...notSetUp, ...notMeasured].map(({ name }) => name);
}

/** @returns whether the time was over too early. */
async function runGroup(courses: readonly Course[], options: RoundOptions): Promise<boolean> {
  const beds = new Map<Course, Bed>();
  try {
    for (const course of courses) {
      options.signal.throwIfAborted();
      const bed = await setUp(course, options);
      if (bed !== null) beds.set(course, bed);
    }
    const isCut = await rounds(beds, options);
    for (const [{ notes }, bed] of beds) notes.push(...((await bed.notes?.()) ?? []));
    return isCut;
  } finally {
    // One that cannot be removed must not keep the others standing.
    const ends = await Promise.allSettled([...beds.values()].map((bed) => bed.close()));
    const reasons = ends.flatMap((end) => (end.status === 'rejected' ? [textOf(end.reason)] : []));
    for (const reason of reasons) options.say(`clean-up failed: ${reason}; the next run of this scenario tries again`);
  }
}

async function setUp(course: Course, options: RoundOptions): Promise<Bed | null> {
  options.say(`setting up: ${course.peer.name}`);
  try {
    return await course.peer.setUp(options);
  } catch (cause) {
    options.signal.throwIfAborted();
    course.failure = textOf(cause);
    options.say(`${course.peer.name} ${SET_UP_FAILED}${course.failure}`);
    return null;
  }
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

async function rounds(beds: ReadonlyMap<Course, Bed>, options: RoundOptions): Promise<boolean> {
  for (let round = 0; round < options.rounds; round++) {
    for (const [course, bed] of rotated([...beds], round)) {
      if (options.signal.aborted) return true;
      if (options.nowMs() >= options.endMs) {
        options.say(`the time is over after ${round} of ${options.rounds} rounds`);
        return true;
      }
      await measure(course, bed, round, options);
    }
  }
  return false;
}

async function measure(course: Course, bed: Bed, round: number, options: RoundOptions): Promise<void> {
  const where = `round ${round + 1} of ${options.rounds}, ${course.peer.name}`;
  try {
    const sample = await bed.measure();
    course.samples[round] = sample;
    options.say(
      `${where}: ${Object.entries(sample)
        .map(([id, value]) => `${id} ${rounded(value)}`)
        .join(', ')}`,
    );
  } catch (cause) {
    if (options.signal.aborted) return;
    course.samples[round] = null;
    const why = textOf(cause);
    course.notes.push(`round ${round + 1} is void: ${why}`);
    options.say(`${where}: void: ${why}`);
  }
}

function rounded(value: number): string {
  return value >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(4)));
}

/** Who goes first changes from round to round: the first of a round may find the machine in another state than the last. */
export function rotated<T>(list: readonly T[], by: number): readonly T[] {
  const at = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

function resultOf(course: Course, { figures, base }: Scenario, ofBase: readonly (Sample | null)[] | null): PeerResult {
  const { peer, notes } = course;
  const results: Record<string, FigureResult> = {};
  for (const { id } of figures) {
    const result = figureResult(id, course.samples, peer.name === base ? null : ofBase);
    if (result !== null) results[id] = result;
  }
  return { name: peer.name, about: peer.about, figures: results, notes };
}
