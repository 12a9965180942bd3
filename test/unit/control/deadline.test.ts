/** What waited longer than its sender did is not carried out, over a real socket. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ControlClient } from '../../../src/control/client.js';
import type { CommandRequest, ControlHandler } from '../../../src/control/contract.js';
import { DEADLINE_HEADER, monotonicMs, mustBeInTime } from '../../../src/control/deadline.js';
import { type ControlServer, listen } from '../../../src/control/server.js';

const DRAIN: CommandRequest = { command: 'drain', node: 'n3', deadlineMs: null };
let runDir: string;
let server: ControlServer | Server;
let done: string[];

beforeEach(() => {
  runDir = mkdtempSync(join(tmpdir(), 'covey-deadline-'));
  done = [];
});
afterEach(async () => {
  await server.close();
  rmSync(runDir, { recursive: true });
});

const handler = {
  command: async ({ command, node }: CommandRequest) => {
    done.push(`${command} ${node}`);
    return { version: 1, command, node: node!, message: 'done' };
  },
} as unknown as ControlHandler;

const sendDrain = (until: string) =>
  new Promise<number>((resolve, reject) => {
    const headers = { 'content-type': 'application/json', [DEADLINE_HEADER]: until };
    const path = { socketPath: join(runDir, 'agent.sock'), path: '/v1/command', method: 'POST' };
    request({ ...path, headers, agent: false }, (response) => resolve(response.resume().statusCode!))
      .on('error', reject)
      .end(JSON.stringify(DRAIN));
  });

it('is refused when its deadline is past, and done before', async () => {
  server = await listen(runDir, handler);
  expect(await sendDrain(String(monotonicMs() - 1))).toBe(409);
  expect(done).toEqual([]);
  expect(await sendDrain(String(monotonicMs() + 60_000))).toBe(200);
  // A sender of another release may say something else there.
  expect(await sendDrain('soon')).toBe(200);
  expect(done).toEqual(['drain n3', 'drain n3']);
});

it('is what the client asks for: as long as it waits itself', async () => {
  let heard: IncomingHttpHeaders = {};
  const fake = createServer((asked) => {
    heard = asked.headers;
  });
  server = fake;
  await new Promise<void>((up) => fake.listen(join(runDir, 'agent.sock'), up));
  const sentMs = monotonicMs();
  const failed = new ControlClient(runDir, 50).probe({ apply: true }).catch((error: Error) => error);
  const orderFailed = await new ControlClient(runDir, 50).reloadKeys().catch((error: { hint: string }) => error.hint);
  expect(orderFailed).toBe('what it has not begun by now it does not do any more');
  expect(Number(heard[DEADLINE_HEADER])).toBeGreaterThanOrEqual(sentMs + 50);
  expect(() => mustBeInTime(heard[DEADLINE_HEADER], monotonicMs() + 60_000)).toThrow(/after its deadline/);
  fake.closeAllConnections();
  expect(await failed).toBeInstanceOf(Error);
});
