/**
 * The zoo: the whole life of a farm in each network, with `reach: auto`. No request may be lost by a return, a drain or a start, none may
 * be served twice, and the reach must be one that works there. Times are the business of `npm run zoo`.
 */
import { describe, expect, it } from 'vitest';
import { PROFILE_NAMES } from '../../src/lab/network/profiles.js';
import { live } from '../../src/lab/zoo/life.js';

const LAB = 'test-zoo';
/** A life takes half a minute; a machine that is busy with other things may need longer. */
const LIFE_TIMEOUT_MS = 150_000;
/** Under the default lease of 500 ms a machine that stands still for so long fences nodes, and that is no fault of theirs. */
const LONG_LEASE = '{ heartbeat: { lease: 1500ms } }';

describe.sequential('the zoo', () => {
  it.each(PROFILE_NAMES.map((name) => [name]))('%s', { timeout: LIFE_TIMEOUT_MS }, async (network) => {
    const said: string[] = [];
    const life = await live({ network, lab: LAB, overrides: [LONG_LEASE] }, (line) => said.push(line));
    expect(life.faults, said.join('\n')).toEqual([]);
  });
});
