import { chmodSync, existsSync, linkSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ControlClient } from '../../../src/control/client.js';
import type {
  CommandRequest,
  ControlHandler,
  EventsQuery,
  ExplainQuery,
  SetRequest,
} from '../../../src/control/contract.js';
import { TRACE_BATCH, TRACE_BYTES } from '../../../src/control/contract.js';
import {
  AgentNotRunningError,
  AgentRunningError,
  ControlAccessError,
  ControlError,
  SocketError,
} from '../../../src/control/errors.js';
import { type ControlServer, listen } from '../../../src/control/server.js';
import { healthy } from '../cli/reports.js';

let runDir: string;
let server: ControlServer | null = null;
let asked: unknown[];

const handler: ControlHandler = {
  status: async () => healthy(),
  explain: async (query: ExplainQuery) => {
    asked.push(query);
    throw new ControlError('refused', 'no lease', 'wait a moment');
  },
  command: async (request: CommandRequest) => {
    asked.push(request);
    return { version: 1, command: request.command, node: request.node ?? 'n1', message: 'done' };
  },
  events: async (query: EventsQuery) => {
    asked.push(query);
    return { version: 1, events: [], lastSeq: 0 };
  },
  reload: async () => {
    throw new ControlError('bad-config', 'covey.yaml:3:5: rules: expected a list', 'the old one stays');
  },
  set: async (request: SetRequest) => {
    asked.push(request);
    return { version: 1, node: 'n1', name: request.name, message: 'done' };
  },
  apply: async (request) => {
    asked.push(request);
    const rest = { changed: [], warnings: [], diff: [], nodes: [] };
    return { version: 1, node: 'n1', dryRun: request.dryRun, applied: !request.dryRun, revision: 7, ...rest };
  },
  config: async (revision) => {
    asked.push(revision);
    const entry = { revision: revision ?? 7, at: '', by: 'anna', appliedOn: 'n1', hash: '', inForce: true };
    return { version: 1, node: 'n1', ...entry, text: 'farm: web\n', file: '/etc/covey/covey.yaml', secretFiles: [] };
  },
  configHistory: async () => ({ version: 1, node: 'n1', revisions: [] }),
  invite: async ({ port }) => {
    asked.push(port);
    return { version: 1, node: 'n1', code: 'AAAA', port: port ?? 7948, addresses: [], until: '' };
  },
  probe: async () => {
    throw new ControlError('refused', 'no capture', 'npm rebuild cap');
  },
  metrics: async () => ({ version: 1, text: 'covey_uptime_seconds 1\n' }),
  trace: async ({ frames }) => {
    asked.push(frames);
    return { version: 1, node: 'n1', serving: true, verdicts: [] };
  },
  keys: async () => {
    throw new TypeError('broken inside');
  },
  reloadKeys: async () => ({
    version: 1,
    keyFile: '/etc/farm.key',
    inUse: [{ node: 'n1', keyId: 7 }],
    known: [{ node: 'n1', keyIds: [7] }],
  }),
  buckets: async (plan) => ({ version: 1, plan, buckets: 4096, nodes: ['n1'], owners: 'AA==', planned: 'AA==' }),
  peers: async () => ({ version: 1, nodes: [] }),
  openDoor: async () => ({ version: 1, directory: '/run/covey/console', user: 'nobody', uid: 65534, gid: 65534 }),
  share: async (document) => ({ version: 1, documents: document === null ? [] : [{ node: 'n2', document }] }),
};

beforeEach(() => {
  runDir = mkdtempSync(join(tmpdir(), 'covey-control-'));
  asked = [];
});

afterEach(async () => {
  await server?.close();
  server = null;
  rmSync(runDir, { recursive: true, force: true });
});

const serve = async () => {
  server = await listen(runDir, handler);
  return new ControlClient(runDir);
};

/** Raw HTTP, for what our own client would never send. */
function raw(method: string, path: string, body: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: join(runDir, 'agent.sock'), method, path, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

describe('the socket', () => {
  it('is for its owner only, and gone after close', async () => {
    await serve();
    expect(statSync(server!.socketPath).mode & 0o777).toBe(0o600);
    await server!.close();
    expect(existsSync(server!.socketPath)).toBe(false);
    await server!.close();
  });

  it('of a dead agent is replaced', async () => {
    const path = join(runDir, 'agent.sock');
    const dead = createServer();
    await new Promise<void>((resolve) => dead.listen(path, resolve));
    // A hard link outlives the close of its listener as the socket file of a killed process does.
    linkSync(path, `${path}.kept`);
    await new Promise((resolve) => dead.close(resolve));
    renameSync(`${path}.kept`, path);
    const client = await serve();
    expect((await client.status()).farm).toBe('web');
  });

  it('of a living agent is refused, and stays', async () => {
    const client = await serve();
    await expect(listen(runDir, handler)).rejects.toBeInstanceOf(AgentRunningError);
    expect((await client.status()).node).toBe('n1');
  });

  it('is not put in the place of something else', async () => {
    writeFileSync(join(runDir, 'agent.sock'), 'precious');
    await expect(listen(runDir, handler)).rejects.toBeInstanceOf(SocketError);
    expect(statSync(join(runDir, 'agent.sock')).isFile()).toBe(true);
  });

  it('says when it cannot be made', async () => {
    await expect(listen(join(runDir, 'missing'), handler)).rejects.toThrow(/cannot listen on/);
    await expect(listen(join(runDir, 'x'.repeat(120)), handler)).rejects.toThrow(/too long/);
  });
});

describe('questions', () => {
  it('are answered', async () => {
    const client = await serve();
    expect(await client.status()).toEqual(JSON.parse(JSON.stringify(healthy())));
    const command = { command: 'drain', node: 'n2', deadlineMs: 5000 } as const;
    expect((await client.command(command)).node).toBe('n2');
    await client.events({ since: '2026-11-22T18:00:00.000Z', limit: 5 });
    await client.events({ since: null, limit: 9 });
    expect(asked).toEqual([command, { since: '2026-11-22T18:00:00.000Z', limit: 5 }, { since: null, limit: 9 }]);
    expect((await client.reloadKeys()).inUse).toHaveLength(1);
  });

  it('a script`s word on a custom checker arrives as it is', async () => {
    const client = await serve();
    const request = { name: 'half', isUp: false, reason: 'backup' };
    expect((await client.set(request)).name).toBe('half');
    expect(asked).toEqual([request]);
    await expect(client.set({ ...request, reason: 'x'.repeat(201) })).rejects.toMatchObject({ code: 'bad-request' });
  });

  it('are refused with code, message and hint', async () => {
    const client = await serve();
    const refusal = await client
      .explain({ address: '10.0.0.1', port: null, to: null })
      .catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ControlError);
    expect(refusal).toMatchObject({ code: 'refused', message: 'no lease', hint: 'wait a moment' });
  });

  it('that break the handler are answered as internal', async () => {
    const client = await serve();
    await expect(client.keys()).rejects.toMatchObject({ code: 'internal', message: 'broken inside' });
  });

  it.each([
    ['GET', '/v1/nothing', '', 404],
    ['GET', '/v2/status', '', 404],
    ['POST', '/v1/status', '', 404],
    ['POST', '/v1/command', 'no json', 400],
    ['POST', '/v1/command', '{"command":"reboot","node":null,"deadlineMs":null}', 400],
    ['POST', '/v1/command', '{"command":"stop","node":null,"deadlineMs":null,"extra":1}', 400],
    ['POST', '/v1/explain', '{"address":"10.0.0.256","port":1,"to":null}', 400],
    ['GET', '/v1/events?limit=0', '', 400],
    ['GET', '/v1/events?limit=5&since=yesterday', '', 400],
    ['POST', '/v1/command', 'x'.repeat(70_000), 400],
    ['GET', '//', '', 404],
  ])('%s %s %.20s gets %d', async (method, path, body, status) => {
    await serve();
    const answer = await raw(method, path, body);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toMatchObject({ error: { message: expect.any(String) } });
    expect(asked).toEqual([]);
  });
});

describe('the client', () => {
  it('says that no agent runs', async () => {
    await expect(new ControlClient(runDir).status()).rejects.toBeInstanceOf(AgentNotRunningError);
    await expect(new ControlClient(join(runDir, 'missing')).status()).rejects.toBeInstanceOf(AgentNotRunningError);
  });

  it('gives up on an agent that is silent', async () => {
    const silent = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => silent.listen(join(runDir, 'agent.sock'), resolve));
    await expect(new ControlClient(runDir, 50).status()).rejects.toMatchObject({ code: 'unreachable' });
    await new Promise((resolve) => silent.close(resolve));
  });

  it.each(['{"version":2}', '{}', 'not json', '[]', 'null', ''])('does not trust the answer %j', async (answer) => {
    const odd = createHttpServer((_request, response) => response.end(answer));
    await new Promise<void>((resolve) => odd.listen(join(runDir, 'agent.sock'), resolve));
    await expect(new ControlClient(runDir).status()).rejects.toMatchObject({ code: 'unreachable' });
    await new Promise((resolve) => odd.close(resolve));
  });

  it('survives an agent that dies in the middle of its answer', async () => {
    const dying = createServer((socket) => void socket.once('data', () => socket.destroy()));
    await new Promise<void>((resolve) => dying.listen(join(runDir, 'agent.sock'), resolve));
    await expect(new ControlClient(runDir).status()).rejects.toMatchObject({ code: 'unreachable' });
    await new Promise((resolve) => dying.close(resolve));
  });

  it('names the permission that it lacks', async () => {
    const client = await serve();
    // Root may do anything, so the question is put as nobody; others shut themselves out.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65_534);
    else chmodSync(runDir, 0o000);
    const refusal = await client.status().catch((error: unknown) => error);
    if (isRoot) process.seteuid?.(0);
    chmodSync(runDir, 0o700);
    expect(refusal).toBeInstanceOf(ControlAccessError);
  });
});

describe('what is seen of a node', () => {
  it('is asked by the contract', async () => {
    const client = await serve();
    expect((await client.metrics()).text).toBe('covey_uptime_seconds 1\n');
    expect((await client.config(null)).file).toBe('/etc/covey/covey.yaml');
    expect(await client.trace({ frames: [{ data: 'AAEC', length: 60 }] })).toMatchObject({ node: 'n1', serving: true });
    await client.events({ since: null, limit: 5, after: 7 });
    expect(asked).toEqual([null, [{ data: 'AAEC', length: 60 }], { since: null, limit: 5, after: 7 }]);
  });

  it('is bounded: a trace takes neither too many frames, nor too long ones, nor what is no base64', async () => {
    await serve();
    const frame = { data: 'AAEC', length: 60 };
    const cases = [
      Array.from({ length: TRACE_BATCH + 1 }, () => frame),
      [{ ...frame, data: Buffer.alloc(TRACE_BYTES + 3).toString('base64') }],
      [{ ...frame, data: '*' }],
      [{ ...frame, length: 1 << 20 }],
      [{ data: 'AAEC' }],
    ];
    for (const frames of cases) expect((await raw('POST', '/v1/trace', JSON.stringify({ frames }))).status).toBe(400);
    // The largest batch that is allowed is no larger than what the socket takes.
    const full = { data: Buffer.alloc(TRACE_BYTES).toString('base64'), length: 65_549 };
    const frames = Array.from({ length: TRACE_BATCH }, () => full);
    expect((await raw('POST', '/v1/trace', JSON.stringify({ frames }))).status).toBe(200);
    expect(asked).toEqual([frames]);
  });

  it('is asked for nodes to think away by their names', async () => {
    await serve();
    const query = { address: '10.77.0.100', port: 1, to: null };
    expect((await raw('POST', '/v1/explain', JSON.stringify({ ...query, without: [''] }))).status).toBe(400);
    await raw('POST', '/v1/explain', JSON.stringify({ ...query, without: ['n2'] }));
    expect(asked).toEqual([{ ...query, without: ['n2'] }]);
  });
});
