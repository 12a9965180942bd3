/** How a console ends: those who asked have their answers, nobody else is taken, and pages hear where to go on. */
import { expect, it, vi } from 'vitest';
import { movedUrl } from '../../../src/console/addresses.js';
import type { Frame } from '../../../src/console/contract.js';
import { Ending } from '../../../src/console/ending.js';
import { Live, type LiveAgent } from '../../../src/console/live.js';
import { rig, statusOf } from './rig.js';

it('waits for answers that are owed, and not for ever', async () => {
  const ending = new Ending();
  const [one, other] = [{}, {}];
  ending.asked(one);
  ending.asked(other);
  ending.begin();
  const settled = vi.fn();
  const waiting = ending.settled(60_000).then(settled);
  ending.answered(one);
  await Promise.resolve();
  expect(settled).not.toHaveBeenCalled();
  ending.answered(other);
  await waiting;
  ending.asked(one);
  await ending.settled(1);
});

it('brings the answer of an apply home, and refuses what comes later', async () => {
  let applied: (report: object) => void = () => undefined;
  const slow = () => new Promise<never>((done) => (applied = done as typeof applied));
  const { login, ask, ending } = await rig({ apply: slow, config: async () => ({}) as never });
  const admin = await login('admin');
  const answer = ask({ method: 'POST', url: '/api/v1/config/apply', payload: { text: 'farm: web' } }, admin);
  await vi.waitFor(() => expect(applied.length).toBe(1));
  ending.begin();
  const settled = ending.settled(60_000);
  expect((await ask({ method: 'GET', url: '/api/v1/status' }, admin)).statusCode).toBe(503);
  applied({ applied: true });
  expect((await answer).json()).toEqual({ applied: true });
  await settled;
});

/** A page that looks at a console at 0.0.0.0:9443 while the nodes go over to `listen`; n3 has not, or where it is by its own word. */
async function farewell(listen: string | null, { isAgentThere = true, late = '0.0.0.0:9443' } = {}) {
  const said = (node: string, ageMs: number, console: string | null) => ({ node, ageMs, console });
  const peers = async () => {
    if (!isAgentThere) throw new Error('gone');
    return { version: 1, nodes: [said('n1', 0, listen), said('n2', 100, listen), said('n3', 200, late)] };
  };
  const agent = { status: async () => statusOf(), peers, buckets: async () => ({}), events: async () => ({}) };
  const nowMs = () => performance.now();
  const parts = { fingerprint: 'AA', listen: '0.0.0.0:9443', nowMs, wallMs: () => Date.now() };
  const live = new Live({ ...parts, agent: agent as unknown as LiveAgent });
  const frames: Frame[] = [];
  live.listen(({ event, data }) => event === 'frame' && frames.push(data as Frame));
  await vi.waitFor(() => expect(live.status).not.toBeNull());
  await live.farewell();
  live.close();
  return frames.at(-1)!;
}

it('tells pages in its last frame where the consoles are then, also those of nodes that have not said it yet', async () => {
  const { moved, consoles } = await farewell('0.0.0.0:9444');
  expect(moved).toEqual({ listen: '0.0.0.0:9444' });
  expect(consoles.map(({ url }) => url)).toEqual(['https://10.77.0.2:9444/', 'https://10.77.0.3:9444/']);
});

it('leaves a console that was elsewhere where it was', async () => {
  const { consoles } = await farewell('0.0.0.0:9444', { late: '10.9.9.9:7' });
  expect(consoles.map(({ url }) => url)).toEqual(['https://10.77.0.2:9444/', 'https://10.9.9.9:7/']);
});

it('offers no console where the config has none', async () => {
  const { moved, consoles } = await farewell(null);
  expect(moved).toEqual({ listen: null });
  expect(consoles).toEqual([]);
});

it('says nothing of a move where there is none: it begins anew, or the node ends', async () => {
  expect(await farewell('0.0.0.0:9443')).not.toHaveProperty('moved');
  expect(await farewell(null, { isAgentThere: false })).not.toHaveProperty('moved');
});

it('sends a page to where it can come', () => {
  expect(movedUrl('0.0.0.0:9444', '10.77.0.1')).toBe('https://10.77.0.1:9444/');
  expect(movedUrl('[::]:9444', '[fd77::1]')).toBe('https://[fd77::1]:9444/');
  expect(movedUrl('10.9.9.9:1', 'n1')).toBe('https://10.9.9.9:1/');
  expect(movedUrl('127.0.0.1:1', 'n1')).toBeNull();
  expect(movedUrl('127.0.0.1:1', 'localhost')).toBe('https://127.0.0.1:1/');
});
