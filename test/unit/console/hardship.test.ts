/** What may come by the network, and what may fail on the host. Nothing of it may end the console, or make it say what is not true. */
import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { MemoryFiles, PASSWORD, type Rig, rig } from './rig.js';

const drain = { method: 'POST', url: '/api/v1/commands', payload: { command: 'drain', node: 'n2' } } as const;
const open: { close: () => unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

describe('a cookie', () => {
  const ugly = [
    '',
    '=',
    ';;;',
    '__Host-covey',
    '__Host-covey=',
    '__Host-covey=\u00ff\u00fe',
    `__Host-covey=${'A'.repeat(7000)}`,
  ];
  it.each([...ugly, '__Host-covey=../../etc/passwd; __Host-covey=%00', 'a=b; __Host-covey="x"; $Path=/'])(
    'of %j is nobody’s',
    async (cookie) => {
      const { ask } = await rig();
      const response = await ask({ url: '/api/v1/status' }, { cookie, token: 'x' });
      expect(response.statusCode).toBe(401);
    },
  );

  it('that is set twice counts once, the first', async () => {
    const { ask, login } = await rig();
    const own = await login('viewer');
    const twice = { ...own, cookie: `__Host-covey=guess; ${own.cookie}` };
    expect((await ask({ url: '/api/v1/status' }, twice)).statusCode).toBe(401);
  });
});

describe('a session', () => {
  it('ends with the password that it began with, also when that was changed elsewhere', async () => {
    const { ask, login, accounts } = await rig();
    const own = await login('operator');
    expect((await ask({ url: '/api/v1/session' }, own)).statusCode).toBe(200);
    const other = structuredClone(accounts.book);
    const user = other.users.find(({ name }) => name === 'operator')!;
    Object.assign(user, { hash: 'changed on n2', revision: user.revision + 1 });
    accounts.learn(JSON.stringify(other));
    expect((await ask({ url: '/api/v1/session' }, own)).statusCode).toBe(401);
  });

  it('is not lost because another user logs in thousands of times', async () => {
    const { ask, login, sessions } = await rig();
    const own = await login('admin');
    const first = sessions.begin('viewer', 'x');
    for (let n = 0; n < 5000; n++) sessions.begin('viewer', 'x');
    expect((await ask({ url: '/api/v1/session' }, own)).statusCode).toBe(200);
    expect(sessions.find(first.id)).toBeNull();
  });
});

it('thousands of attempts to log in are refused without one hash each, and the right password counts again 5 min later', async () => {
  const { ask, clock } = await rig();
  const attempt = (password: string) =>
    ask({ method: 'POST', url: '/api/v1/session', payload: { name: 'admin', password } });
  const answers = await Promise.all(Array.from({ length: 2000 }, (_, n) => attempt(`guess ${n}`)));
  const counts = answers.map(({ statusCode }) => statusCode);
  expect(counts.filter((code) => code === 401).length).toBeLessThanOrEqual(6);
  expect(counts.every((code) => code === 401 || code === 429)).toBe(true);
  clock.nowMs += 301_000;
  expect((await attempt(PASSWORD)).statusCode).toBe(200);
});

describe('a full disk', () => {
  class FullDisk extends MemoryFiles {
    isFull = false;
    override replace(name: string, text: string): void {
      if (this.isFull) throw new Error('ENOSPC: no space left on device');
      super.replace(name, text);
    }
    override append(name: string, text: string): void {
      if (this.isFull) {
        // As a real one: a part of the line finds room.
        super.append(name, text.slice(0, 10));
        throw new Error('ENOSPC: no space left on device');
      }
      super.append(name, text);
    }
  }

  it('keeps nobody from logging in and steering, and the record is whole again when there is room', async () => {
    const disk = new FullDisk();
    const { ask, login, asked, audit } = await rig({}, disk);
    disk.isFull = true;
    const own = await login('operator');
    expect((await ask(drain, own)).statusCode).toBe(200);
    expect(asked.at(-1)?.what).toBe('command');
    expect(audit.writeError).toContain('ENOSPC');
    disk.isFull = false;
    await ask(drain, own);
    expect(audit.writeError).toBe('');
    const lines = disk.read('audit.ndjson')!.trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { what: string }).what)).toEqual([
      'log in',
      'drain n2',
      'drain n2',
    ]);
  });

  it('lets no account be changed, says so, and nothing has changed', async () => {
    const disk = new FullDisk();
    const { ask, login } = await rig({}, disk);
    const admin = await login('admin');
    disk.isFull = true;
    const made = await ask({ method: 'POST', url: '/api/v1/users', payload: { name: 'eve', role: 'admin' } }, admin);
    expect(made.statusCode).toBe(507);
    expect(made.json()).toMatchObject({ error: { code: 'not-kept', message: expect.stringContaining('ENOSPC') } });
    const { users } = (await ask({ url: '/api/v1/users' }, admin)).json() as { users: { name: string }[] };
    expect(users.map(({ name }) => name)).toEqual(['admin', 'operator', 'viewer']);
  });
});

/** A page that opens the stream by a real connection, and reads when it is told to. */
async function stream({ server, login }: Rig): Promise<Socket> {
  const { cookie } = await login('viewer');
  await server.listen({ host: '127.0.0.1', port: 0 });
  open.push(server);
  const { port } = server.server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  open.push({ close: () => socket.destroy() });
  socket.on('error', () => undefined);
  socket.write(`GET /api/v1/live HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncookie: ${cookie}\r\n\r\n`);
  await once(socket, 'data');
  return socket;
}

const eventually = async (what: string, condition: () => boolean) => {
  const endMs = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`not within 30 s: ${what}`);
    await new Promise((done) => setTimeout(done, 10));
  }
};

describe('a page', () => {
  it('that does not read is cut off, and the others go on', async () => {
    let turn = 0;
    // Much at once, so that the test need not wait for what an hour would bring.
    const much = 'x'.repeat(1 << 20);
    const buckets = async () => ({
      version: 1 as const,
      plan: 0,
      buckets: 4096,
      nodes: [],
      owners: '',
      planned: `${turn++}${much}`,
    });
    const console_ = await rig({ buckets });
    const socket = await stream(console_);
    socket.pause();
    const heard: string[] = [];
    open.push({ close: console_.live.listen(({ event }) => heard.push(event)) }, console_.live);
    console_.live.start();
    await eventually('it is cut off', () => console_.live.listeners === 1);
    const before = heard.length;
    await eventually('the others go on', () => heard.length > before);
  });

  it('hears which role who looks has, with the next frame after it was changed', async () => {
    const console_ = await rig();
    const socket = await stream(console_);
    let text = '';
    socket.on('data', (part: Buffer) => {
      text += part;
    });
    open.push(console_.live);
    console_.live.start();
    const other = structuredClone(console_.accounts.book);
    const user = other.users.find(({ name }) => name === 'viewer')!;
    Object.assign(user, { role: 'operator', revision: user.revision + 1 });
    console_.accounts.learn(JSON.stringify(other));
    await eventually('it is told', () => text.includes('event: role\ndata: {"role":"operator"}'));
    Object.assign(user, { hash: 'changed', revision: user.revision + 1 });
    console_.accounts.learn(JSON.stringify(other));
    await eventually('it is over', () => text.includes('event: over'));
  });

  it('that is closed is forgotten', async () => {
    const console_ = await rig();
    const socket = await stream(console_);
    expect(console_.live.listeners).toBe(1);
    socket.destroy();
    await eventually('it is forgotten', () => console_.live.listeners === 0);
  });

  it('is one of 64 at most', async () => {
    const { live, ask, login } = await rig();
    for (let n = 0; n < 64; n++) live.listen(() => undefined);
    expect((await ask({ url: '/api/v1/live' }, await login('viewer'))).statusCode).toBe(503);
  });
});

it('half a request, garbage and a body without end get a refusal or nothing', async () => {
  const console_ = await rig();
  const socket = await stream(console_);
  const { port } = console_.server.server.address() as AddressInfo;
  const garbage = connect(port, '127.0.0.1', () => garbage.write('\x16\x03\x01\x02\x00nonsense\r\n\r\n'));
  const [answer] = (await once(garbage, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 400/);
  const large = request({
    port,
    host: '127.0.0.1',
    method: 'POST',
    path: '/api/v1/session',
    headers: { 'content-type': 'application/json', 'content-length': 1 << 30 },
  });
  large.on('error', () => undefined);
  large.flushHeaders();
  const [refusal] = (await once(large, 'response')) as [{ statusCode: number }];
  expect(refusal.statusCode).toBe(413);
  large.destroy();
  expect(socket.destroyed).toBe(false);
  expect((await console_.ask({ url: '/' })).statusCode).toBe(200);
});
