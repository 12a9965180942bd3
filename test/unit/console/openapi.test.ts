/** What the OpenAPI file promises of answers, against what the server answers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ANSWERS, NAMED } from '../../../src/console/answers.js';
import { allRoutes } from '../../../src/console/console.js';
import { HOST, PASSWORD, type Rig, rig, statusOf } from './rig.js';

const text = readFileSync(join(import.meta.dirname, '../../../src/console/openapi.json'), 'utf8');
const file = JSON.parse(text) as {
  paths: Record<string, Record<string, { parameters?: object[]; responses: Record<string, { content: object }> }>>;
};
const pageToken = { $ref: '#/components/parameters/PageToken' };

describe('the file', () => {
  it('has a schema of the answer for every operation of the server, and for no other', () => {
    const routes = allRoutes({} as never).map(({ method, path }) => `${method} ${path}`);
    expect(Object.keys(ANSWERS).sort()).toEqual(routes.sort());
  });

  it('refers to nothing that is not in it', () => {
    const refs = [...text.matchAll(/"\$ref": "#\/([^"]+)"/g)].map(([, path]) => path!);
    const found = (path: string) =>
      path.split('/').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], file);
    expect(new Set(refs)).toContain('components/schemas/Status');
    expect(refs.filter((path) => found(path) === undefined)).toEqual([]);
  });

  it('describes the stream, itself, and the header that a change of the page carries', () => {
    expect(Object.keys(file.paths['/api/v1/live']!.get!.responses[200]!.content)).toEqual(['text/event-stream']);
    expect(file.paths['/api/v1/openapi.json']?.get).toBeDefined();
    expect(text).toContain('"name": "x-covey-token"');
    for (const [path, operations] of Object.entries(file.paths)) {
      for (const [method, { parameters = [] }] of Object.entries(operations)) {
        const isChange = method !== 'get' && !(path.endsWith('/session') && method === 'post');
        expect(JSON.stringify(parameters).includes(pageToken.$ref), `${method} ${path}`).toBe(isChange);
      }
    }
  });
});

describe('answers', () => {
  let console_: Rig;
  beforeAll(async () => {
    const revision = { revision: 1, at: '', by: 'ann', appliedOn: 'n1', hash: 'aa', inForce: true };
    const config = { version: 1, node: 'n1', ...revision, text: 'farm: web', file: '/etc/f', secretFiles: [] };
    console_ = await rig({
      apply: async () => Promise.reject(new Error('not asked here')),
      config: async () => config,
      configHistory: async () => ({ version: 1, node: 'n1', revisions: [revision] }),
    } as unknown as Parameters<typeof rig>[0]);
  });

  it('that read are as the file has them', async () => {
    const admin = await console_.login('admin');
    const reading = Object.keys(ANSWERS).filter((operation) => operation.startsWith('GET '));
    expect(reading.length).toBeGreaterThanOrEqual(12);
    for (const operation of reading) {
      const response = await console_.ask({ url: `/api/v1${operation.slice(4)}` }, admin);
      expect(response.statusCode, operation).toBe(200);
      expect(ANSWERS[operation]!.safeParse(response.json()).error, operation).toBeUndefined();
    }
  });

  it('that are not so would be noticed', () => {
    const { members, ...rest } = statusOf();
    expect(NAMED.Status.safeParse(rest).success).toBe(false);
    expect(NAMED.Status.safeParse({ ...rest, members, later: 'release' }).success).toBe(true);
  });

  it('to a log-in, a command and a new token are as the file has them', async () => {
    const payload = { name: 'admin', password: PASSWORD };
    const session = await console_.ask({ method: 'POST', url: '/api/v1/session', payload });
    expect(ANSWERS['POST /session']!.safeParse(session.json()).error).toBeUndefined();
    const admin = await console_.login('admin');
    const wanted = { name: 'ci', role: 'viewer' };
    const made = await console_.ask({ method: 'POST', url: '/api/v1/tokens', payload: wanted }, admin);
    expect(ANSWERS['POST /tokens']!.safeParse(made.json()).error).toBeUndefined();
    const order = { command: 'drain', node: 'n2' };
    const done = await console_.ask({ method: 'POST', url: '/api/v1/commands', payload: order }, admin);
    expect(ANSWERS['POST /commands']!.safeParse(done.json()).error).toBeUndefined();
  });
});

describe('GET /buckets', () => {
  const get = async ({ login, server }: Rig) => {
    const { cookie } = await login('viewer');
    return server.inject({ url: '/api/v1/buckets', headers: { host: HOST, cookie } });
  };
  const report = { version: 1, plan: 0, buckets: 4096, nodes: ['n1'], owners: 'AA==', planned: 'AA==' } as const;

  it('asks the agent while no page looks, once for all who ask at once, and says the age', async () => {
    let asked = 0;
    const console_ = await rig({
      buckets: async () => {
        asked += 1;
        return report;
      },
    });
    const [first, second] = await Promise.all([get(console_), get(console_)]);
    expect([first.json(), second.json(), asked]).toEqual([{ ...report, ageMs: 0 }, { ...report, ageMs: 0 }, 1]);
    console_.clock.nowMs += 1500;
    expect((await get(console_)).json()).toMatchObject({ ageMs: 1500 });
    console_.clock.nowMs += 501;
    expect([(await get(console_)).json(), asked]).toEqual([{ ...report, ageMs: 0 }, 2]);
  });

  it('says that the agent is gone, rather than what was', async () => {
    let isGone = false;
    const gone = Object.assign(new Error('no agent is running here'), { name: 'AgentNotRunningError' });
    const console_ = await rig({ buckets: async () => (isGone ? Promise.reject(gone) : report) });
    expect((await get(console_)).statusCode).toBe(200);
    isGone = true;
    console_.clock.nowMs += 2001;
    expect((await get(console_)).statusCode).toBe(503);
  });
});
