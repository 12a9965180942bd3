/** Commands to one node, to all, and to one after the other. */
import { describe, expect, it } from 'vitest';
import { whatLacks } from '../../../src/cli/rolling.js';
import type { CommandRequest, StatusReport } from '../../../src/control/contract.js';
import { AgentNotRunningError, ControlError } from '../../../src/control/errors.js';
import type { MemberStatus } from '../../../src/membership/contract.js';
import { covey } from './fake-parts.js';
import { healthy, member } from './reports.js';

const three = () => [member('n2'), member('n1'), member('n3')].map((one) => ({ ...one, share: 1 / 3, incarnation: 5 }));

/** A farm that restarts what it is told to, within `steps` looks; a node in `broken` never comes back. */
class FakeFarm {
  members: MemberStatus[] = three();
  readonly told: string[] = [];
  nowMs = 0;
  #steps = new Map<string, number>();

  constructor(readonly broken: readonly string[] = []) {}

  readonly control = {
    status: async (): Promise<StatusReport> => {
      for (const [node, left] of this.#steps) this.#step(node, left);
      if (this.members.find(({ name }) => name === 'n1')!.state === 'stopped')
        throw new AgentNotRunningError('/run/covey');
      return healthy({ node: 'n1', members: this.members });
    },
    command: async ({ command, node }: CommandRequest) => {
      this.told.push(`${command} ${node}`);
      this.#steps.set(node!, 4);
      return { version: 1 as const, command, node: node!, message: `${node} restarts` };
    },
  };

  readonly parts = {
    nowMs: () => this.nowMs,
    pause: async (ms: number) => {
      this.nowMs += ms;
      return true;
    },
  };

  #step(node: string, left: number): void {
    this.#steps.set(node, left - 1);
    if (left === 3) this.#set(node, { state: 'draining' });
    if (left === 2) this.#set(node, { state: 'stopped', share: 0, heldBuckets: 0 });
    if (left === 1 && !this.broken.includes(node)) this.#set(node, { state: 'up', share: 0.1, incarnation: 6 });
    if (left === 0 && !this.broken.includes(node)) this.#set(node, { share: 1 / 3 });
  }

  #set(node: string, change: Partial<MemberStatus>): void {
    this.members = this.members.map((one) => (one.name === node ? { ...one, ...change } : one));
  }
}

describe('a rolling restart', () => {
  it('tells one at a time, the asked node last, each when the one before has its share back', async () => {
    const farm = new FakeFarm();
    const { out, err, exitCode } = await covey('restart --all --rolling', farm);
    expect(err).toBe('');
    expect(exitCode).toBe(0);
    expect(farm.told).toEqual(['restart n2', 'restart n3', 'restart n1']);
    expect(out.split('\n')).toMatchObject([
      '1 of 3: n2 restarts',
      expect.stringMatching(/^1 of 3: n2 is back with its share after \d/),
      '2 of 3: n3 restarts',
      expect.stringMatching(/^2 of 3: n3 is back/),
      '3 of 3: n1 restarts',
      expect.stringMatching(/^3 of 3: n1 is back/),
      '',
    ]);
  });

  it('stops at the first that does not come back, and says which were not told', async () => {
    const farm = new FakeFarm(['n2']);
    const { err, exitCode } = await covey('restart --rolling --wait 5s', farm);
    expect(exitCode).toBe(1);
    expect(farm.told).toEqual(['restart n2']);
    expect(err).toContain('1 of 3: n2 is stopped, 5 s after its drain: stopping here');
    expect(err).toContain('n3 was not told');
    expect(err).toContain('n1 was not told');
    expect(farm.nowMs).toBeGreaterThanOrEqual(5000);
    expect(farm.nowMs).toBeLessThan(8000);
  });

  it('gives an object a line for programs', async () => {
    const { out } = await covey('restart --rolling --json', new FakeFarm());
    const steps = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(steps.map(({ node, step }) => `${node} ${step}`)).toEqual(
      ['n2', 'n3', 'n1'].flatMap((node) => [`${node} told`, `${node} back`]),
    );
    expect(steps.every(({ version, command }) => version === 1 && command === 'restart')).toBe(true);
  });

  it('does not begin in a farm that is not whole, unless forced', async () => {
    const farm = new FakeFarm();
    farm.members = farm.members.map((one) => (one.name === 'n3' ? { ...one, state: 'dead', share: 0 } : one));
    const refused = await covey('restart --rolling', farm);
    expect(refused.exitCode).toBe(2);
    expect(refused.err).toContain('the farm is not whole');
    expect(farm.told).toEqual([]);
    await covey('restart --rolling --force', farm);
    expect(farm.told).toEqual(['restart n2', 'restart n1']);
  });

  it('says what happened when it is interrupted', async () => {
    const farm = new FakeFarm();
    const { err, exitCode } = await covey('restart --rolling', {
      ...farm,
      control: farm.control,
      parts: { pause: async () => false },
    });
    expect(exitCode).toBe(1);
    expect(err).toContain('interrupted; n2 was told, and goes on');
    expect(farm.told).toEqual(['restart n2']);
  });
});

describe('all nodes', () => {
  it('are told whatever becomes of one, and the exit code says so', async () => {
    const told: (string | null)[] = [];
    const control = {
      status: async () => healthy({ node: 'n1', members: [...three(), { ...member('n4'), state: 'dead' as const }] }),
      command: async ({ command, node }: CommandRequest) => {
        told.push(node);
        if (node === 'n2') throw new ControlError('unreachable', 'n2 did not say within 4 s whether it took the order');
        return { version: 1 as const, command, node: node!, message: `${node} drains` };
      },
    };
    const { out, err, exitCode } = await covey('drain --all', { control });
    expect(told).toEqual(['n2', 'n3', 'n1']);
    expect(out).toBe('n3 drains\nn1 drains\n');
    expect(err).toContain('n2: n2 did not say');
    expect(err).toContain('n4: is dead');
    expect(exitCode).toBe(1);
    const json = JSON.parse((await covey('drain --all --json', { control })).out) as {
      nodes: { node: string; ok: boolean }[];
    };
    expect(json.nodes.map(({ node, ok }) => [node, ok])).toEqual([
      ['n2', false],
      ['n3', true],
      ['n4', false],
      ['n1', true],
    ]);
  });

  it('are not one node as well', async () => {
    expect((await covey('stop n2 --all')).exitCode).toBe(2);
    expect((await covey('stop --rolling')).exitCode).toBe(2);
  });
});

describe('a node is back', () => {
  const expected = { node: 'n2', formerIncarnation: 4, share: 1 / 3 };
  const lacks = (change: Partial<MemberStatus>, over: Partial<StatusReport> = {}) =>
    whatLacks(
      healthy({
        node: 'n1',
        members: three().map((one) => (one.name === 'n2' ? { ...one, ...change } : one)),
        ...over,
      }),
      expected,
    );

  it('when it is up under a new incarnation, with its share, in a view that all agree on', () => {
    expect(lacks({})).toBeNull();
    expect(lacks({ incarnation: 4 })).toBe('n2 has not begun to leave');
    expect(lacks({ state: 'waiting', reason: 'deaf' })).toBe('n2 is waiting (deaf)');
    expect(lacks({ share: 0.2 })).toBe('n2 is up with 20 % of the clients, and had 33 %');
    expect(lacks({}, { view: { digest: 'x', agreed: false } })).toContain('do not agree');
  });

  it('with what its weight gives it, where it had none before', () => {
    const start = { node: 'n2', formerIncarnation: null, share: null };
    const report = (share: number) => healthy({ node: 'n1', members: three().map((one) => ({ ...one, share })) });
    expect(whatLacks(report(0.33), start)).toBeNull();
    expect(whatLacks(report(0.1), start)).not.toBeNull();
  });
});
