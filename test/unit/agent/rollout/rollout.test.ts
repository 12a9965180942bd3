/** Two phases and catching up, with every message that can be lost, and every node that can die, at the worst moment. */
import { describe, expect, it } from 'vitest';
import { hashOf } from '../../../../src/agent/rollout/revision.js';
import { NeedsRestart, PREPARE_WITHIN_MS } from '../../../../src/agent/rollout/rollout.js';
import { Bed, outcomes } from './bed.js';

const farm = () => new Bed(['n1', 'n2', 'n3']);

describe('all switch, or nobody does', () => {
  it('switches all, and counts', async () => {
    const bed = farm();
    const outcome = await bed.node('n2').rollout.apply('two', 'anna');
    expect(outcome).toMatchObject({ applied: true, revision: 1, changed: ['one -> two'] });
    expect(outcomes(outcome)).toEqual(['n2 switched', 'n1 switched', 'n3 switched']);
    expect(bed.inForce()).toEqual(['two', 'two', 'two']);
    expect((await bed.node('n1').rollout.apply('three', 'anna')).revision).toBe(2);
    expect(bed.node('n3').seen('config-applied')).toMatchObject([{ by: 'anna' }, { by: 'anna', coordinator: 'n1' }]);
  });

  it('a member refuses: nobody switches, and it is told who and why', async () => {
    const bed = farm();
    bed.node('n3').judge = () => {
      throw new Error('interface eth9 is not here');
    };
    const outcome = await bed.node('n1').rollout.apply('two', 'anna');
    expect(outcome).toMatchObject({ applied: false, revision: 0 });
    expect(outcome.nodes).toContainEqual({ node: 'n3', outcome: 'refused', why: 'interface eth9 is not here' });
    await bed.pause(0);
    expect(bed.inForce()).toEqual(['one', 'one', 'one']);
    expect(bed.nodes.map(({ prepared }) => prepared)).toEqual([0, 0, 0]);
  });

  it('the node that was asked refuses: nobody switches', async () => {
    const bed = farm();
    bed.node('n1').judge = () => {
      throw new Error('the disk is full');
    };
    const outcome = await bed.node('n1').rollout.apply('two', 'anna');
    expect(outcomes(outcome)).toEqual(['n1 refused', 'n2 ready', 'n3 ready']);
    await bed.pause(0);
    expect(bed.nodes.map(({ prepared }) => prepared)).toEqual([0, 0, 0]);
    expect(bed.inForce()).toEqual(['one', 'one', 'one']);
  });

  it('a living member is silent: nobody switches, within a bound', async () => {
    const bed = farm();
    bed.passes = (_from, to) => to !== 'n2';
    const outcome = await bed.node('n1').rollout.apply('two', 'anna');
    expect(outcomes(outcome)).toEqual(['n1 ready', 'n2 silent', 'n3 ready']);
    expect(bed.nowMs).toBeLessThan(PREPARE_WITHIN_MS + 100);
    expect(bed.inForce()).toEqual(['one', 'one', 'one']);
  });

  it('a member that dies while it is asked has no vote', async () => {
    const bed = farm();
    bed.passes = (_from, to, { type }) => {
      if (to === 'n2' && type === 'prepare') bed.node('n2').isAlive = false;
      return true;
    };
    expect(outcomes(await bed.node('n1').rollout.apply('two', 'anna'))).toEqual(['n1 switched', 'n3 switched']);
  });

  it('two applies at once: at most one is done, the other says who is ahead', async () => {
    const bed = farm();
    const [a, b] = await Promise.all([
      bed.node('n1').rollout.apply('two', 'anna'),
      bed.node('n2').rollout.apply('three', 'bert'),
    ]);
    expect([a.applied, b.applied]).not.toEqual([true, true]);
    const why = [...a.nodes, ...b.nodes].filter(({ outcome }) => outcome === 'refused').map((node) => node.why);
    expect(why.join()).toContain('another config is being applied just now');
    expect(new Set(bed.inForce()).size).toBe(1);
    const third = bed.node('n1').rollout.apply('four', 'anna');
    await expect(bed.node('n1').rollout.apply('five', 'anna')).rejects.toThrow(/being applied just now, by n1/);
    expect((await third).applied).toBe(true);
  });
});

describe('after the word to switch', () => {
  it('a member that dies between prepare and commit takes the config on its return, and says so', async () => {
    const bed = farm();
    bed.passes = (_from, to, { type }) => {
      if (to === 'n3' && type === 'commit') bed.node('n3').isAlive = false;
      return true;
    };
    const outcome = await bed.node('n1').rollout.apply('two', 'anna');
    expect(outcomes(outcome)).toEqual(['n1 switched', 'n2 switched']);
    bed.passes = () => true;
    bed.node('n3').restart('one');
    await bed.live(3000);
    expect(bed.inForce()).toEqual(['two', 'two', 'two']);
    expect(bed.revisions()).toEqual([1, 1, 1]);
    expect(bed.node('n3').seen('config-caught-up')).toMatchObject([{ revision: 1, was: 0, by: 'anna' }]);
  });

  it('a member that misses the word takes the config when it hears of it', async () => {
    const bed = farm();
    bed.passes = (_from, to, { type }) => !(to === 'n3' && type === 'commit');
    const outcome = await bed.node('n1').rollout.apply('two', 'anna');
    expect(outcomes(outcome)).toEqual(['n1 switched', 'n2 switched', 'n3 told']);
    await bed.live(20_000);
    expect(bed.inForce()).toEqual(['two', 'two', 'two']);
    expect(bed.node('n3').prepared).toBe(0);
  });

  it('the coordinator dies between its commits: whoever has switched brings the others along', async () => {
    const bed = farm();
    bed.passes = (_from, to, { type }) => {
      if (type !== 'commit') return true;
      if (to === 'n2')
        setImmediate(() => {
          bed.node('n1').isAlive = false;
        });
      return to === 'n2';
    };
    void bed.node('n1').rollout.apply('two', 'anna');
    await bed.live(1000);
    bed.node('n1').isAlive = false;
    expect(bed.node('n2').inForce).toBe('two');
    bed.passes = () => true;
    await bed.live(20_000);
    expect(bed.node('n3').inForce).toBe('two');
    bed.node('n1').restart('one');
    await bed.live(3000);
    expect(bed.inForce()).toEqual(['two', 'two', 'two']);
  });

  it('the coordinator dies before its first commit: nobody switches, and the farm can go on', async () => {
    const bed = farm();
    bed.passes = (_from, _to, { type }) => type !== 'commit' && type !== 'abort';
    bed.node('n1').onCommit = () => {
      bed.node('n1').isAlive = false;
      throw new Error('killed');
    };
    void bed.node('n1').rollout.apply('two', 'anna');
    await bed.live(12_000);
    bed.passes = () => true;
    expect(bed.inForce()).toEqual(['one', 'one', 'one']);
    expect(bed.node('n2').seen('config-apply-forgotten')).toHaveLength(1);
    expect(bed.node('n2').prepared).toBe(0);
    expect((await bed.node('n2').rollout.apply('three', 'bert')).applied).toBe(true);
  });

  it('one that was ready and cannot switch then says so, and the others have it', async () => {
    const bed = farm();
    bed.node('n2').onCommit = () => {
      throw new Error('the data plane does not answer');
    };
    const outcome = await bed.node('n1').rollout.apply('two', 'anna');
    expect(outcome.nodes).toContainEqual({ node: 'n2', outcome: 'failed', why: 'the data plane does not answer' });
    bed.node('n2').onCommit = () => undefined;
    await bed.live(20_000);
    expect(bed.inForce()).toEqual(['two', 'two', 'two']);
  });
});

describe('a node that was away', () => {
  const away = async () => {
    const bed = farm();
    await bed.node('n1').rollout.apply('two', 'anna');
    bed.node('n3').isAlive = false;
    await bed.node('n1').rollout.apply('three', 'anna');
    await bed.node('n1').rollout.apply('four', 'anna');
    return bed;
  };

  it.each([true, false])('takes the newer config, whether it has its memory (%s) or not', async (withHistory) => {
    const bed = await away();
    bed.node('n3').restart('two', withHistory);
    await bed.live(3000);
    expect(bed.inForce()).toEqual(['four', 'four', 'four']);
    expect(bed.revisions()).toEqual([3, 3, 3]);
  });

  it('keeps a text that was never the farm`s: it is somebody`s own work', async () => {
    const bed = await away();
    bed.node('n3').restart('edited by hand');
    await bed.live(20_000);
    expect(bed.node('n3').inForce).toBe('edited by hand');
    expect(bed.node('n1').inForce).toBe('four');
    expect(bed.node('n3').rollout.highest).toBe(3);
    // And that one can be given to all.
    const outcome = await bed.node('n3').rollout.apply('edited by hand', 'anna');
    expect(outcome).toMatchObject({ applied: true, revision: 4 });
    expect(new Set(bed.inForce())).toEqual(new Set(['edited by hand']));
  });

  it('brings a newer one with it: those who had the older one take it', async () => {
    const bed = farm();
    for (const name of ['n2', 'n3']) bed.node(name).isAlive = false;
    await bed.node('n1').rollout.apply('two', 'anna');
    for (const name of ['n2', 'n3']) bed.node(name).restart('one');
    await bed.live(3000);
    expect(bed.inForce()).toEqual(['two', 'two', 'two']);
  });

  it('after a roll-back, the config rolled back from is the old one', async () => {
    const bed = farm();
    await bed.node('n1').rollout.apply('two', 'anna');
    bed.node('n3').isAlive = false;
    await bed.node('n1').rollout.apply('one', 'anna');
    bed.node('n3').restart('two');
    await bed.live(3000);
    expect(bed.inForce()).toEqual(['one', 'one', 'one']);
    expect(bed.revisions()).toEqual([2, 2, 2]);
  });

  it('two configs of one number, made while the farm was in two parts, are both left alone', async () => {
    const bed = farm();
    bed.node('n3').isAlive = false;
    await bed.node('n1').rollout.apply('left', 'anna');
    for (const name of ['n1', 'n2']) bed.node(name).isAlive = false;
    bed.node('n3').restart('one');
    await bed.node('n3').rollout.apply('right', 'bert');
    for (const name of ['n1', 'n2']) bed.node(name).isAlive = true;
    await bed.live(20_000);
    expect(bed.inForce()).toEqual(['left', 'left', 'right']);
  });

  it('what can change only at a start is kept for the next one', async () => {
    const bed = await away();
    bed.node('n3').restart('two');
    bed.node('n3').judge = () => {
      throw new NeedsRestart('interface: this cannot change while the node runs');
    };
    await bed.live(20_000);
    expect(bed.node('n3').inForce).toBe('two');
    expect(bed.node('n3').keptForLater).toBe('four');
    expect(bed.node('n3').seen('config-kept-for-restart')).toHaveLength(1);
  });

  it('a file read by hand is not taken back by what others had before', async () => {
    const bed = await away();
    const n2 = bed.node('n2');
    n2.inForce = 'two';
    n2.rollout.readByHand('two');
    await bed.live(20_000);
    expect(n2.inForce).toBe('two');
    expect(n2.rollout.current.hash).toBe(hashOf('two'));
  });
});

describe('messages', () => {
  it('go once a minute while all have one config, so that links can rest', async () => {
    const bed = farm();
    await bed.live(5_000);
    let told = 0;
    bed.passes = () => {
      told++;
      return true;
    };
    await bed.live(180_000);
    expect(told / (3 * 2)).toBeGreaterThanOrEqual(2);
    expect(told / (3 * 2)).toBeLessThanOrEqual(3);
  });

  it('of another version, or broken, change nothing', async () => {
    const bed = farm();
    for (const text of ['', '{', '{"version":2,"type":"commit","id":"a"}', '{"version":1,"type":"have"}']) {
      await bed.node('n1').rollout.told('n2', Buffer.from(text));
    }
    expect(bed.inForce()).toEqual(['one', 'one', 'one']);
  });

  it('a text that does not fit its hash is refused', async () => {
    const bed = farm();
    const entry = {
      revision: 9,
      hash: 'a'.repeat(16),
      supersedes: [hashOf('one')],
      text: 'x',
      at: '',
      by: '',
      node: 'n2',
    };
    const body = Buffer.from(JSON.stringify({ version: 1, type: 'config', entry }));
    await bed.node('n1').rollout.told('n2', body);
    expect(bed.node('n1').inForce).toBe('one');
  });
});
