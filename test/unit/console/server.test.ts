import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { withChangedUser } from '../../../src/console/accounts.js';
import { HOST, PASSWORD, type Rig, rig } from './rig.js';

let console_: Rig;
beforeAll(async () => {
  console_ = await rig();
});

const drain = { method: 'POST', url: '/api/v1/commands', payload: { command: 'drain', node: 'n2' } } as const;
const codeOf = (response: { json: () => unknown }) => (response.json() as { error?: { code: string } }).error?.code;
const hintOf = (response: { json: () => unknown }) => (response.json() as { error?: { hint: string } }).error?.hint;

describe('every answer', () => {
  it('forbids inline scripts, other origins and frames', async () => {
    const { headers } = await console_.ask({ url: '/' });
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(policy).not.toMatch(/https?:|\*/);
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it('is refused to a name that somebody pointed here', async () => {
    const response = await console_.ask({ url: '/', headers: { host: 'evil.example:9443' } });
    expect(response.statusCode).toBe(421);
  });

  it.each(['10.77.0.1:9443', '[fd77::1]:9443', 'localhost:9443', 'HOST-A', 'n1:9443'])(
    'is given to %s',
    async (host) => {
      expect((await console_.ask({ url: '/', headers: { host } })).statusCode).toBe(200);
    },
  );

  it.each(['evil.n1', '[fd77::1', 'host-a.evil:9443', '10.77.0.1.evil'])('is refused to %s', async (host) => {
    expect((await console_.ask({ url: '/', headers: { host } })).statusCode).toBe(421);
  });
});

describe('logging in', () => {
  it('sets a cookie that scripts cannot read and other sites cannot send', async () => {
    const payload = { name: 'viewer', password: PASSWORD };
    const response = await console_.ask({ method: 'POST', url: '/api/v1/session', payload });
    expect(response.headers['set-cookie']).toMatch(
      /^__Host-covey=[A-Za-z0-9_-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict$/,
    );
  });

  it('says the same of a wrong name and a wrong password, and waits longer each time', async () => {
    const { ask, clock } = await rig();
    const attempt = (name: string, password: string) =>
      ask({ method: 'POST', url: '/api/v1/session', payload: { name, password } });
    const unknown = await attempt('nobody', 'x');
    const wrong = await attempt('admin', 'x');
    expect([unknown.statusCode, unknown.body]).toEqual([401, wrong.body]);
    for (let i = 0; i < 3; i++) await attempt('admin', 'x');
    const limited = await attempt('admin', PASSWORD);
    expect(limited.statusCode).toBe(429);
    expect(limited.headers['retry-after']).toBe('2');
    clock.nowMs += 2001;
    expect((await attempt('admin', PASSWORD)).statusCode).toBe(200);
  });

  it('is for the own page only', async () => {
    const payload = { name: 'viewer', password: PASSWORD };
    const headers = { origin: 'https://evil.example' };
    const response = await console_.ask({ method: 'POST', url: '/api/v1/session', payload, headers });
    expect(codeOf(response)).toBe('foreign');
  });

  it('ends after an hour without a deed, and at log-out', async () => {
    const { ask, login, clock } = await rig();
    const idle = await login('viewer');
    clock.nowMs += 3_500_000;
    // What an open page reads by itself is no deed.
    expect((await ask({ url: '/api/v1/audit' }, idle)).statusCode).toBe(200);
    clock.nowMs += 100_001;
    const over = await ask({ url: '/api/v1/audit' }, idle);
    expect([over.statusCode, hintOf(over)]).toEqual([401, 'nothing was done for an hour']);
    const busy = await login('operator');
    for (let hours = 0; hours < 3; hours++) {
      clock.nowMs += 3_500_000;
      expect((await ask(drain, busy)).statusCode).toBe(200);
    }
    // Nor is a question that it asks again by itself, as Explain does.
    const explaining = await login('viewer');
    const again = {
      method: 'POST' as const,
      url: '/api/v1/explain',
      payload: { address: '10.77.0.100' },
      headers: { 'x-covey-by-itself': '1' },
    };
    clock.nowMs += 3_500_000;
    expect((await ask(again, explaining)).statusCode).toBe(200);
    clock.nowMs += 100_001;
    expect((await ask(again, explaining)).statusCode).toBe(401);
    const other = await login('viewer');
    expect((await ask({ method: 'DELETE', url: '/api/v1/session' }, other)).statusCode).toBe(200);
    expect((await ask({ url: '/api/v1/session' }, other)).statusCode).toBe(401);
  });

  it('says at its end why it is over', async () => {
    const { ask, login, clock, accounts, sessions } = await rig();
    const why = async (as: { readonly cookie: string; readonly token: string }) =>
      hintOf(await ask({ url: '/api/v1/session' }, as));
    expect(hintOf(await ask({ url: '/api/v1/session' }))).toBe('');
    expect(await why({ cookie: `__Host-covey=${'x'.repeat(43)}`, token: '' })).toMatch(/started anew/);
    const elsewhere = await login('viewer');
    await ask({ method: 'DELETE', url: '/api/v1/session' }, elsewhere);
    expect(await why(elsewhere)).toMatch(/logged out/);
    const changed = await login('operator');
    sessions.endAllOf('operator');
    expect(await why(changed)).toBe('the account operator was changed');
    const removed = await login('viewer');
    // By another node's console: the sessions there are not those here.
    accounts.set(withChangedUser(accounts.book, 'viewer', { removed: true }, '2027-01-01T00:00:00.000Z'));
    expect(await why(removed)).toBe('the account viewer was changed');
    const long = await login('operator');
    for (let hours = 0; hours < 12; hours++) {
      clock.nowMs += 3_500_000;
      expect((await ask(drain, long)).statusCode).toBe(200);
    }
    clock.nowMs += 1_500_000;
    expect(await why(long)).toBe('it began 12 hours ago');
  });
});

describe('a change', () => {
  it('is done for an operator, passed to the agent, and written down', async () => {
    const { ask, login, asked, audit } = await rig();
    const response = await ask(drain, await login('operator'));
    expect(response.statusCode).toBe(200);
    expect(asked.at(-1)).toEqual({
      what: 'command',
      with: expect.objectContaining({ command: 'drain', node: 'n2', deadlineMs: null, now: false }),
    });
    expect(audit.newest(1)[0]).toMatchObject({ who: 'operator', what: 'drain n2', outcome: 'ok' });
  });

  it('is refused to a viewer, and that is written down', async () => {
    const { ask, login, asked, audit } = await rig();
    const response = await ask(drain, await login('viewer'));
    expect(response.statusCode).toBe(403);
    expect(asked.filter(({ what }) => what === 'command')).toEqual([]);
    expect(audit.newest(1)[0]).toMatchObject({
      who: 'viewer',
      outcome: 'this needs the role operator; viewer is viewer',
    });
  });

  it('is refused without a session, from another origin, and without the token', async () => {
    const own = await console_.login('operator');
    expect((await console_.ask(drain)).statusCode).toBe(401);
    const foreign = await console_.ask({ ...drain, headers: { origin: 'https://evil.example' } }, own);
    expect(codeOf(foreign)).toBe('foreign');
    const untold = await console_.server.inject({
      ...drain,
      headers: { host: HOST, cookie: own.cookie, 'x-covey-token': own.token },
    });
    expect(codeOf(untold)).toBe('foreign');
    const bare = await console_.ask(drain, { ...own, token: 'guess' });
    expect(codeOf(bare)).toBe('no-token');
    const ofAnother = await console_.ask(drain, { ...own, token: (await console_.login('operator')).token });
    expect(codeOf(ofAnother)).toBe('no-token');
  });

  it('says what is wrong with its body', async () => {
    const response = await console_.ask(
      { ...drain, payload: { command: 'explode', node: 'n2' } },
      await console_.login('operator'),
    );
    expect(response.statusCode).toBe(400);
    expect(response.body).toContain('command');
  });

  it('passes the refusal of the agent on', async () => {
    const refusal = Object.assign(new Error('node n9 is not known'), {
      code: 'no-such-node',
      httpStatus: 404,
      hint: 'see: covey status',
    });
    const { ask, login } = await rig({ command: async () => Promise.reject(refusal) });
    const response = await ask(drain, await login('operator'));
    expect([response.statusCode, codeOf(response)]).toEqual([404, 'no-such-node']);
  });
});

describe('a token of a script', () => {
  it('works without cookie and origin, within its role, until it is revoked', async () => {
    const { ask, login, server } = await rig();
    const admin = await login('admin');
    const made = (
      await ask({ method: 'POST', url: '/api/v1/tokens', payload: { name: 'ci', role: 'operator' } }, admin)
    ).json() as {
      id: string;
      token: string;
    };
    const headers = { host: HOST, authorization: `Bearer ${made.token}` };
    expect((await server.inject({ ...drain, headers })).statusCode).toBe(200);
    expect((await server.inject({ url: '/api/v1/users', headers })).statusCode).toBe(403);
    await ask({ method: 'DELETE', url: `/api/v1/tokens/${made.id}` }, admin);
    expect((await server.inject({ ...drain, headers })).statusCode).toBe(401);
  });
});

describe('users', () => {
  it('are made with a password that works, and lose their session with their role', async () => {
    const { ask, login } = await rig();
    const admin = await login('admin');
    const made = await ask({ method: 'POST', url: '/api/v1/users', payload: { name: 'ann', role: 'operator' } }, admin);
    const { password } = made.json() as { password: string };
    const session = await ask({ method: 'POST', url: '/api/v1/session', payload: { name: 'ann', password } });
    expect(session.json()).toMatchObject({ name: 'ann', role: 'operator' });
    const ann = {
      cookie: String(session.headers['set-cookie']).split(';')[0]!,
      token: (session.json() as { token: string }).token,
    };
    await ask({ method: 'PUT', url: '/api/v1/users/ann', payload: { role: 'viewer' } }, admin);
    expect((await ask(drain, ann)).statusCode).toBe(403);
    await ask({ method: 'DELETE', url: '/api/v1/users/ann' }, admin);
    expect((await ask({ url: '/api/v1/session' }, ann)).statusCode).toBe(401);
  });

  it('keep one admin', async () => {
    const { ask, login } = await rig();
    const response = await ask(
      { method: 'PUT', url: '/api/v1/users/admin', payload: { role: 'viewer' } },
      await login('admin'),
    );
    expect(codeOf(response)).toBe('last-admin');
  });

  it('change their own password with the old one, and keep their session', async () => {
    const { ask, login } = await rig();
    const viewer = await login('viewer');
    const put = (old: string) =>
      ask({ method: 'PUT', url: '/api/v1/password', payload: { old, new: 'another long one' } }, viewer);
    expect((await put('wrong')).statusCode).toBe(403);
    expect((await put(PASSWORD)).statusCode).toBe(200);
    expect((await ask({ url: '/api/v1/session' }, viewer)).statusCode).toBe(200);
  });
});

describe('the OpenAPI file', () => {
  const file = JSON.parse(readFileSync(join(import.meta.dirname, '../../../src/console/openapi.json'), 'utf8')) as {
    info: { version: string };
    paths: Record<string, Record<string, { 'x-role'?: string; security: unknown[] }>>;
  };

  it('is what the server says of itself', async () => {
    const served = (await console_.ask({ url: '/api/v1/openapi.json' })).json() as typeof file;
    expect({ ...file, info: { ...file.info, version: '0' } }).toEqual(served);
  });

  it('names no operation that the server does not answer, with the role that it asks for', async () => {
    for (const [path, operations] of Object.entries(file.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const url = path.replace(/\{\w+\}/g, 'x');
        const response = await console_.ask({
          method: method.toUpperCase() as 'GET',
          url,
          payload: method === 'get' ? undefined : {},
        });
        const open = method === 'get' ? 200 : 400;
        expect(response.statusCode, `${method} ${path}`).toBe(operation['x-role'] === undefined ? open : 401);
      }
    }
  });
});

it('every route but log-in asks for a role, and every change but log-in and a question is written down', async () => {
  const { allRoutes } = await import('../../../src/console/console.js');
  const routes = allRoutes({} as never);
  expect(routes.filter(({ role }) => role === null).map(({ method, path }) => `${method} ${path}`)).toEqual([
    'POST /session',
  ]);
  const silent = routes.filter(({ method, audit }) => method !== 'GET' && audit === null);
  expect(silent.map(({ path }) => path).sort()).toEqual(expect.arrayContaining(['/explain', '/session']));
  expect(silent.length).toBeLessThanOrEqual(3);
});

describe('the config', () => {
  const inForce = { version: 1, hash: 'aaaa', revision: 4, by: 'bob', text: 'farm: web' };
  const applied: unknown[] = [];
  const agent = {
    config: async (revision: number | null) =>
      revision === null ? inForce : { ...inForce, revision, text: 'farm: old' },
    apply: async (request: object) => {
      applied.push(request);
      return { version: 1, applied: true };
    },
  } as unknown as Parameters<typeof rig>[0];
  const apply = (payload: object) => ({ method: 'POST', url: '/api/v1/config/apply', payload }) as const;

  it('has the schema that the agent checks by', async () => {
    const schema = (await console_.ask({ url: '/api/v1/config/schema' }, await console_.login('viewer'))).json() as {
      properties: Record<string, unknown>;
    };
    expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(['farm', 'rules', 'console']));
  });

  it('is told as it is, and as it was at an earlier revision', async () => {
    const { ask, login } = await rig(agent);
    const viewer = await login('viewer');
    expect((await ask({ url: '/api/v1/config' }, viewer)).json()).toMatchObject({ revision: 4, text: 'farm: web' });
    expect((await ask({ url: '/api/v1/config?revision=2' }, viewer)).json()).toMatchObject({
      revision: 2,
      text: 'farm: old',
    });
    expect((await ask({ url: '/api/v1/config?revision=two' }, viewer)).statusCode).toBe(400);
  });

  it('is applied in the name of the user, and refused where another one came meanwhile', async () => {
    const { ask, login, audit } = await rig(agent);
    const admin = await login('admin');
    const old = await ask(apply({ text: 'farm: x', base: 'bbbb' }), admin);
    expect([old.statusCode, codeOf(old)]).toEqual([409, 'changed-meanwhile']);
    expect(old.body).toContain('bob has put revision 4 in force');
    expect(applied).toEqual([]);
    expect((await ask(apply({ text: 'farm: x', base: 'aaaa' }), admin)).statusCode).toBe(200);
    expect(applied).toEqual([{ text: 'farm: x', revision: null, dryRun: false, by: 'admin (console)' }]);
    expect(audit.newest(2).map(({ outcome }) => outcome)).toEqual([expect.stringContaining('meanwhile'), 'ok']);
  });
});

it('a console without any account says so, rather than that the password is wrong', async () => {
  const { ask, accounts } = await rig();
  Object.defineProperty(accounts, 'book', { get: () => ({ version: 1, users: [], tokens: [] }) });
  const response = await ask({ method: 'POST', url: '/api/v1/session', payload: { name: 'admin', password: 'x' } });
  expect([response.statusCode, codeOf(response)]).toEqual([503, 'no-account']);
});

it('a command goes to the agent with the name of the user, and of a token with its own', async () => {
  const by: (string | null | undefined)[] = [];
  const { ask, login, server } = await rig({
    command: async ({ command }, user) => {
      by.push(user);
      return { version: 1, command, node: 'n2', message: '' };
    },
  });
  await ask(drain, await login('operator'));
  const made = await ask(
    { method: 'POST', url: '/api/v1/tokens', payload: { name: 'nightly', role: 'operator' } },
    await login('admin'),
  );
  const { token } = made.json() as { token: string };
  await server.inject({ ...drain, headers: { host: HOST, authorization: `Bearer ${token}` } });
  expect(by).toEqual(['operator', 'token nightly']);
});
