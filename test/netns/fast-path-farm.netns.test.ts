/**
 * A farm whose kernels take packets by themselves, under clients that stay: nothing planned breaks or loses anything, and a fault concerns
 * the node that has it alone. Each datagram and each request has an id of its own, which whoever takes it writes down.
 *
 *     client 10.77.0.100, .101 ... ---- switch ---- n1, n2, n3
 *       | datagrams by connection; requests on TCP connections that are kept, by connection (port 80) and by client (port 8000)
 */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KnownFarm } from '../../bench/farm/continuity/events.js';
import { labKill, labStall, labStart } from '../../src/lab/lab.js';
import { VIP } from '../../src/lab/names.js';
import { agentProcesses, signalAll } from '../../src/lab/processes.js';
import { type Background, ROOT, until, useFarm } from './farm.js';
import { expectOneOwner, isWhole, MembershipBed, pass, type Testimony } from './membership-bed.js';

const farm = useFarm('fastpath', { overrides: ['{ capture: auto }'] });
const bed = new MembershipBed(farm);
/** What the kernel takes by itself needs packets, and time between events. */
const CALM_MS = 1500;
const hasPython = spawnSync('python3', ['--version']).status === 0;
if (!hasPython) console.warn("skipped: another program at the interface of a farm's node: python3 is not installed");
const ADDRESSES = Array.from({ length: 12 }, (_, index) => `10.77.0.${101 + index}`);

interface Session {
  readonly index: number;
  readonly port: number;
  readonly requests: number;
  readonly nodes: readonly string[];
  readonly sockets: readonly number[];
  readonly errors: readonly string[];
}

let prefixes = 0;

async function sessions(): Promise<{ stop(): Promise<readonly Session[]> }> {
  const clients = ADDRESSES.flatMap((from) => [80, 8000].map((port) => ({ from, port })));
  const options = { vip: VIP, prefix: `s${++prefixes}`, pauseMs: 30, clients };
  const script = `${ROOT}/test/netns/fixtures/sessions.mjs`;
  const child: Background = farm.background('client', ['node', script, JSON.stringify(options)]);
  await until('the sessions run', () => child.stdout().includes('running'));
  return {
    async stop() {
      child.stop();
      if ((await child.ended) !== 0) throw new Error(`the sessions ended: ${child.stderr()}`);
      return JSON.parse(child.stdout().split('\n')[1]!) as readonly Session[];
    },
  };
}

const taken = (node: string) => bed.counters(node, ['acceptedInKernel']);

/** Until the kernel of each of `nodes` has taken packets that it had not taken when this was called. */
async function takenEverywhere(nodes: readonly string[] = farm.nodes): Promise<void> {
  for (const node of nodes) {
    const before = await taken(node);
    await until(`the kernel of ${node} takes packets`, async () => (await taken(node)) > before + 20).catch(
      async (cause) => {
        const { software, members, counters } = await bed.status(node);
        const shares = members.map(({ name, state, share }) => `${name} ${state} ${share}`).join(', ');
        throw new Error(`${cause.message}; ${software.engineReason}; ${shares}; ${JSON.stringify(counters)}`, {
          cause,
        });
      },
    );
  }
}

/** All are up, and each has its third: a client that comes before a newcomer has its share stays with the others. */
async function shared(): Promise<void> {
  await bed.whole();
  const shares = async () => (await bed.status('n1')).members.map(({ share }) => share);
  await until('each has its share', async () => (await shares()).every((share) => share > 0.3));
}

const unanswered = ({ datagrams }: Testimony) => datagrams.filter(({ answers }) => answers.length === 0);
const failed = ({ connections }: Testimony) => connections.filter(({ answers }) => answers.length === 0);
const broken = (all: readonly Session[]) =>
  all.filter(({ errors, nodes, sockets }) => errors.length > 0 || nodes.length !== 1 || sockets.length !== 1);

beforeAll(async () => {
  for (const address of ADDRESSES) await farm.exec('client', ['ip', 'address', 'add', `${address}/24`, 'dev', 'eth0']);
});

afterAll(() => {
  delete process.env.COVEY_FAST_PATH;
});

describe.sequential('a farm with the fast path', () => {
  it('every node says that it has it', async () => {
    await bed.whole();
    for (const node of farm.nodes) expect((await bed.status(node)).software.engineReason).toMatch(/; with fast path$/);
  });

  it('I3: no connection breaks and no request is lost by what is done on purpose', { timeout: 90_000 }, async () => {
    const known = new KnownFarm(farm.lab, farm.nodes, farm.nodes);
    const witness = await bed.witness();
    const clients = await sessions();
    const events = [
      () => known.drain('n3'),
      () => known.join('n3'),
      () => known.weight('n2', 3),
      () => known.reload(false),
      () => known.weight('n2', 1),
      () => known.reload(true),
    ];
    for (const event of events) {
      await pass(CALM_MS);
      await takenEverywhere(known.up);
      await event().act();
      await known.settle();
    }
    await takenEverywhere();
    const seen = await clients.stop();
    const testimony = await witness.stop();
    expect(broken(seen)).toEqual([]);
    expect(new Set(seen.flatMap(({ nodes }) => nodes)), 'every node had some').toEqual(new Set(farm.nodes));
    expect(failed(testimony)).toEqual([]);
    expect(unanswered(testimony)).toEqual([]);
    expectOneOwner(testimony);
  });

  it.each([
    ['kill -9', (node: string) => labKill(farm.lab, node)],
    ['SIGSTOP', (node: string) => labStall(farm.lab, node)],
  ])(
    '%s of a node breaks its own connections alone, and nothing is taken twice',
    { timeout: 60_000 },
    async (_, fault) => {
      await shared();
      const witness = await bed.witness();
      const clients = await sessions();
      await pass(CALM_MS);
      await takenEverywhere();
      await fault('n2');
      await until('the others have it all', async () => isWhole(await bed.statusOrNull('n1'), ['n1', 'n3']));
      await pass(CALM_MS);
      await labStart(farm.lab, 'n2');
      await shared();
      // Who was there before stays where he is.
      const late = await sessions();
      await takenEverywhere();
      expect(broken(await late.stop())).toEqual([]);
      const seen = await clients.stop();
      const testimony = await witness.stop();
      // A connection of n2 is reset, or asks another node over a new socket.
      const others = seen.filter(({ nodes }) => nodes[0] !== 'n2');
      expect(others.length).toBeGreaterThan(5);
      expect(others.length).toBeLessThan(seen.length);
      expect(broken(others)).toEqual([]);
      expectOneOwner(testimony);
    },
  );

  it('kill -9 of an agent alone: others take its share at once, and nothing is taken twice', {
    timeout: 60_000,
  }, async () => {
    await shared();
    for (let kill = 0; kill < 3; kill++) {
      const witness = await bed.witness();
      const clients = await sessions();
      await pass(CALM_MS);
      await takenEverywhere();
      signalAll(agentProcesses(farm.lab, 'n2').slice(1), 'SIGKILL');
      await until('the others have it all', async () => isWhole(await bed.statusOrNull('n1'), ['n1', 'n3']));
      await shared();
      const others = (await clients.stop()).filter(({ nodes }) => nodes[0] !== 'n2');
      expect(others.length).toBeGreaterThan(5);
      expect(broken(others)).toEqual([]);
      expectOneOwner(await witness.stop());
    }
  });

  it.skipIf(!hasPython)('`status` says so when a node had to give it up', { timeout: 60_000 }, async () => {
    await shared();
    const reason = async () => (await bed.status('n3')).software.engineReason;
    const witness = await bed.witness();
    const clients = await sessions();
    for (let time = 1; time <= 4; time++) {
      await takenEverywhere(['n3']);
      expect(await reason()).toMatch(/; with fast path$/);
      const before = await bed.counters('n3', ['injectErrors']);
      farm.background('n3', ['python3', '-u', `${ROOT}/test/netns/fixtures/tcx-pass.py`, 'eth0', 'before']);
      await until('the loss is counted', async () => (await bed.counters('n3', ['injectErrors'])) > before + 64);
    }
    await until('it says so', async () => /; without fast path: another program .*restart Covey$/.test(await reason()));
    await clients.stop();
    expectOneOwner(await witness.stop());
  });

  it('works beside a node that has it switched off', { timeout: 60_000 }, async () => {
    await labKill(farm.lab, 'n3');
    process.env.COVEY_FAST_PATH = 'off';
    await labStart(farm.lab, 'n3');
    delete process.env.COVEY_FAST_PATH;
    await shared();
    expect((await bed.status('n3')).software.engineReason).toMatch(/; without fast path: switched off$/);
    const witness = await bed.witness();
    const clients = await sessions();
    await takenEverywhere(['n1', 'n2']);
    const seen = await clients.stop();
    const testimony = await witness.stop();
    expect(broken(seen)).toEqual([]);
    expect(unanswered(testimony)).toEqual([]);
    expectOneOwner(testimony);
    expect(testimony.taken.get('n3')).toBeGreaterThan(20);
    expect(await taken('n3')).toBe(0);
  });
});
