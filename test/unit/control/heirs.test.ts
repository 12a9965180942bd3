import { describe, expect, it } from 'vitest';
import { emptiedText, heirsOf } from '../../../src/control/heirs.js';
import type { MemberStatus } from '../../../src/membership/contract.js';

type Standing = Pick<MemberStatus, 'name' | 'state' | 'weight'>;
/** `n1 up`, `n2 up 0` with a weight. */
const farm = (...nodes: string[]): Standing[] =>
  nodes.map((node) => {
    const [name, state, weight = '1'] = node.split(' ');
    return { name: name!, state: state as Standing['state'], weight: Number(weight) };
  });

describe('who would serve without a node', () => {
  it('are those that are up with a weight, else those that drain', () => {
    expect(heirsOf('n1', farm('n1 up', 'n2 up', 'n3 draining'))).toEqual({ how: 'up', names: ['n2'] });
    expect(heirsOf('n1', farm('n1 up', 'n2 stopped', 'n3 draining'))).toEqual({ how: 'draining', names: ['n3'] });
    expect(heirsOf('n1', farm('n1 up', 'n2 stopped', 'n3 waiting'))).toEqual({ how: 'nobody', names: [] });
    expect(heirsOf('n1', farm('n1 up', 'n2 up 0', 'n3 draining'))).toEqual({ how: 'nobody', names: [] });
  });
});

describe('what a farm loses by a node that leaves', () => {
  const lost = (command: 'drain' | 'stop' | 'restart', members: Standing[], deadlineMs?: number | null) =>
    emptiedText({ command, node: 'n1', members, ...(deadlineMs === undefined ? {} : { deadlineMs }) });

  it('is nothing while others go on, or where it serves nobody', () => {
    expect(lost('stop', farm('n1 up', 'n2 up'))).toBeNull();
    expect(lost('stop', farm('n1 waiting', 'n2 stopped'))).toBeNull();
    expect(lost('restart', farm('n1 stopped', 'n2 dead'))).toBeNull();
  });

  it('is everything, at once or at the end of its drain, where no other is up', () => {
    const last = farm('n1 up', 'n2 stopped', 'n3 dead');
    expect(lost('stop', last)).toBe(
      'no other node is up (n2 is stopped, n3 is dead): nobody would serve: the VIPs would be dead until a node is started',
    );
    expect(lost('drain', last, 60_000)).toContain(
      "n1 would serve until its drain's deadline in 60 s, and then nobody would serve",
    );
    expect(lost('drain', last, null)).toContain('n1 would serve until it is stopped');
    expect(lost('restart', last)).toMatch(/until its drain's deadline, and then nobody .* dead until n1 is back$/);
    expect(lost('stop', farm('n1 up'))).toMatch(/^there is no other node: nobody would serve/);
    expect(lost('stop', farm('n1 up', 'n2 up 0'))).toMatch(/^no other node has a weight \(n2 is up with weight 0\)/);
  });

  it('is everything a little later where the others drain', () => {
    const text = lost('stop', farm('n1 up', 'n2 draining', 'n3 draining'));
    expect(text).toContain('n2, n3 would serve until drained, and then nobody would serve');
  });
});
