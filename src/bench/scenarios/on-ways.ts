/** Peers of a scenario from ways: each in a lab of its own. */
import { labDown } from '../../lab/lab.js';
import type { Bed, BedOptions, Peer, Program, Sample } from '../contract.js';
import type { OpenWay, Way } from '../ways/contract.js';

export interface OnWays {
  /** Part of the names of the labs. */
  readonly id: string;
  readonly isOwner: boolean;
  /** Besides those of the way. */
  readonly needs: readonly Program[];
  /** Starts what is talked to. */
  readonly prepare: (open: OpenWay) => Promise<void>;
  readonly measure: (open: OpenWay, options: BedOptions) => Promise<Sample>;
}

export function peerOn(way: Way, scenario: OnWays): Peer {
  const { name, about } = way;
  const needs = [...scenario.needs, ...way.needs];
  return { name, about, needs, setUp: (options) => setUp(way, scenario, options) };
}

async function setUp(way: Way, scenario: OnWays, options: BedOptions): Promise<Bed> {
  const { signal, say, overrides } = options;
  const lab = `bench-${scenario.id}-${labWord(way.name)}`;
  const open = await prepared(lab, async () => {
    const opened = await way.open({ lab, isOwner: scenario.isOwner, signal, say, overrides });
    await scenario.prepare(opened);
    return opened;
  });
  return {
    measure: () => scenario.measure(open, options),
    ...(open.notes === undefined ? {} : { notes: open.notes }),
    close: () => open.hosts.down(),
  };
}

/** What was built before a failure is removed. */
async function prepared(lab: string, build: () => Promise<OpenWay>): Promise<OpenWay> {
  try {
    return await build();
  } catch (cause) {
    await labDown(lab);
    throw cause;
  }
}

/** A peer's name as part of the name of a lab. */
function labWord(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
}
