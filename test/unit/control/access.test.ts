/** Who may do what on the socket, and what is written down of them. The kernel's part is played by the test. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { requesterOf, requesterText, requesterWay } from '../../../src/control/access.js';
import { ControlClient } from '../../../src/control/client.js';
import type { ControlHandler, Requester } from '../../../src/control/contract.js';
import { type ControlServer, listen } from '../../../src/control/server.js';
import { healthy } from '../cli/reports.js';

describe('the name of who asks', () => {
  it.each([
    [{ uid: 1000, user: 'alice' }, undefined, 'alice (uid 1000)'],
    [{ uid: 4711, user: null }, undefined, 'uid 4711'],
    [{ uid: 0, user: 'root' }, 'alice', 'root (uid 0), by sudo for alice as the command says'],
    [{ uid: 0, user: 'root' }, 'root', 'root (uid 0)'],
    [{ uid: 0, user: 'root' }, 'x\ny', 'root (uid 0)'],
    [{ uid: 1000, user: 'alice' }, 'bob', 'alice (uid 1000)'],
    [null, 'bob', 'somebody whom the kernel does not name'],
  ] as const)('%j, who claims %j, is %s', (credentials, claimed, text) => {
    expect(requesterText(requesterOf(credentials, claimed))).toBe(text);
  });
});

describe('the name of a console’s user', () => {
  const credentials = { uid: 990, user: 'covey' };
  it.each([
    ['ann', 'ann (console)'],
    ['token%20nightly%20%C3%A9', 'token nightly é (console)'],
    ['a%0Ab', 'a b (console)'],
    ['%', 'covey (uid 990)'],
    ['', 'covey (uid 990)'],
    [undefined, 'covey (uid 990)'],
    ['x'.repeat(500), `${'x'.repeat(80)} (console)`],
  ])('%j is %s', (claimed, text) => expect(requesterText(requesterOf(credentials, claimed, true))).toBe(text));

  it('counts on the console’s own socket only', () => {
    expect(requesterText(requesterOf(credentials, 'ann'))).toBe('covey (uid 990)');
    expect(requesterWay(requesterOf(credentials, 'ann'))).toBe('control socket');
    expect(requesterWay(requesterOf(credentials, undefined, true))).toBe('console');
  });

  it('goes with a command, whatever is in it', async () => {
    const runDir = mkdtempSync(join(tmpdir(), 'covey-access-'));
    const by: Requester[] = [];
    const handler = {
      command: async ({ command }: { command: string }, who: Requester) => {
        by.push(who);
        return { version: 1, command, node: 'n1', message: '' };
      },
    } as unknown as ControlHandler;
    const server = await listen(runDir, handler, { groupId: null, credentials: () => credentials, isConsole: true });
    try {
      const drain = { command: 'drain', node: null, deadlineMs: null } as const;
      await new ControlClient(runDir).command(drain, 'token a b: é\r\nx: y');
      expect(by[0]?.consoleUser).toBe('token a b: é  x: y');
    } finally {
      await server.close();
      rmSync(runDir, { recursive: true });
    }
  });
});

describe('a socket with a group', () => {
  let runDir: string;
  let server: ControlServer;
  let peer: { uid: number; user: string | null } | null;
  const asked: Requester[] = [];
  const handler = {
    status: async () => healthy(),
    command: async ({ command }: { command: string }, by: Requester) => {
      asked.push(by);
      return { version: 1, command, node: 'n1', message: 'done' };
    },
    probe: async () => ({ version: 1 }),
  } as unknown as ControlHandler;
  const drain = { command: 'drain', node: null, deadlineMs: null } as const;

  beforeEach(async () => {
    runDir = mkdtempSync(join(tmpdir(), 'covey-access-'));
    server = await listen(runDir, handler, { groupId: process.getgid!(), credentials: () => peer });
  });
  afterEach(async () => {
    await server.close();
    rmSync(runDir, { recursive: true });
  });

  it('lets the group in, and nobody else', () => {
    expect(statSync(server.socketPath).mode & 0o777).toBe(0o660);
    expect(statSync(runDir).mode & 0o777).toBe(0o750);
  });

  it('lets its members read, and change nothing', async () => {
    peer = { uid: 54_321, user: 'alice' };
    const client = new ControlClient(runDir);
    expect((await client.status()).version).toBe(1);
    for (const attempt of [client.command(drain), client.probe({ apply: false }), client.reload(), client.reloadKeys()])
      await expect(attempt).rejects.toMatchObject({ code: 'not-allowed', message: /alice may look/ });
    expect(asked).toEqual([]);
  });

  it('refuses those whom the kernel does not name', async () => {
    peer = null;
    await expect(new ControlClient(runDir).command(drain)).rejects.toMatchObject({ code: 'not-allowed' });
  });

  it('lets root do everything, and notes for whom', async () => {
    peer = { uid: 0, user: 'root' };
    await new ControlClient(runDir, undefined, 'alice').command(drain);
    expect(asked.splice(0)).toEqual([{ uid: 0, user: 'root', claimed: 'alice' }]);
  });
});
