/** A console server without network, agent or disk. */
import type { FastifyInstance, InjectOptions, LightMyRequestResponse as Response } from 'fastify';
import { configJsonSchema } from '../../../src/config/json-schema.js';
import { withNewUser } from '../../../src/console/accounts.js';
import { allRoutes } from '../../../src/console/console.js';
import type { Role } from '../../../src/console/contract.js';
import { Ending } from '../../../src/console/ending.js';
import { Live } from '../../../src/console/live.js';
import { openApi } from '../../../src/console/openapi.js';
import { hashPassword } from '../../../src/console/passwords.js';
import { buildServer } from '../../../src/console/server.js';
import { Sessions } from '../../../src/console/sessions.js';
import { AccountStore, Audit, type StateFiles } from '../../../src/console/store.js';
import type { ControlClient } from '../../../src/control/client.js';
import type { StatusReport } from '../../../src/control/contract.js';

export const HOST = '10.77.0.1:9443';
export const PASSWORD = 'correct horse battery';

export class MemoryFiles implements StateFiles {
  readonly texts = new Map<string, string>();
  read(name: string): string | null {
    return this.texts.get(name) ?? null;
  }
  replace(name: string, text: string): void {
    this.texts.set(name, text);
  }
  append(name: string, text: string): void {
    this.texts.set(name, (this.texts.get(name) ?? '') + text);
  }
}

export function statusOf(over: Partial<StatusReport> = {}): StatusReport {
  const member = (name: string) => ({
    name,
    state: 'up' as const,
    reason: '',
    incarnation: 1,
    weight: 1,
    weightPercent: 100,
    share: 1 / 3,
    heldBuckets: 1365,
    keeps: 0,
    lastHeardMs: 10,
    paths: {},
    reach: 'flood',
    mac: '',
    addresses: [`10.77.0.${name.slice(1)}`, `fd77::${name.slice(1)}`],
  });
  return {
    version: 1,
    farm: 'web',
    node: 'n1',
    state: 'up',
    reason: '',
    reach: { mode: 'flood', reason: '' },
    view: { digest: 'd', agreed: true },
    members: ['n1', 'n2', 'n3'].map(member),
    rules: [],
    services: [],
    checkers: [],
    counters: {
      framesSeen: 0,
      accepted: 0,
      rejected: {},
      injected: 0,
      relayed: 0,
      held: 0,
      replayed: 0,
      captureDrops: 0,
      arpAnswered: 0,
    },
    vips: ['10.77.0.50/24'],
    interface: 'eth0',
    incarnation: 1,
    lease: { remainingMs: 400, durationMs: 500 },
    paths: [],
    supervisor: { restarts: 0, lastReason: '', lastAt: null, backoffMs: 0 },
    grants: 0,
    drain: null,
    warnings: [],
    software: { version: '0', engine: 'pcap', engineReason: 'capture: pcap' },
    uptimeMs: 1000,
    ...over,
  };
}

export interface Rig {
  readonly server: FastifyInstance;
  readonly files: MemoryFiles;
  readonly accounts: AccountStore;
  readonly sessions: Sessions;
  readonly audit: Audit;
  readonly live: Live;
  /** What the agent was asked. */
  readonly ending: Ending;
  readonly asked: { readonly what: string; readonly with: unknown }[];
  readonly clock: { nowMs: number };
  /** How long answers were held back. */
  readonly pauses: number[];
  login(role: Role): Promise<{ readonly cookie: string; readonly token: string }>;
  ask(options: InjectOptions, as?: { readonly cookie: string; readonly token: string }): Promise<Response>;
}

/** One user of each role, named like it. */
export async function rig(agentOver: Partial<ControlClient> = {}, files = new MemoryFiles()): Promise<Rig> {
  const asked: Rig['asked'] = [];
  const clock = { nowMs: 1_000_000 };
  const answer = (what: string, value: unknown) => async (given: unknown) => {
    asked.push({ what, with: given });
    return value;
  };
  const agent = {
    status: answer('status', statusOf()),
    peers: answer('peers', { version: 1, nodes: [] }),
    buckets: answer('buckets', { version: 1, plan: 0, buckets: 4096, nodes: [], owners: '', planned: '' }),
    events: answer('events', { version: 1, events: [] }),
    explain: answer('explain', { version: 1, bucket: 7, owner: 'n2' }),
    command: answer('command', { version: 1, command: 'drain', node: 'n2', message: 'n2 drains' }),
    probe: answer('probe', { version: 1 }),
    ...agentOver,
  } as unknown as ControlClient;
  const accounts = new AccountStore(files);
  const hash = await hashPassword(PASSWORD, { N: 1024, r: 8, p: 1 });
  for (const role of ['viewer', 'operator', 'admin'] as const) {
    accounts.set(withNewUser(accounts.book, role, role, hash, '2026-01-01T00:00:00.000Z'));
  }
  const nowMs = () => clock.nowMs;
  const wallMs = () => 1_800_000_000_000 + clock.nowMs;
  const sessions = new Sessions(nowMs);
  const audit = new Audit(files);
  const live = new Live({ agent, fingerprint: 'AA', listen: '0.0.0.0:9443', nowMs, wallMs });
  const ending = new Ending();
  const parts = { agent, accounts, sessions, audit, live, nowMs, wallMs };
  const pauses: number[] = [];
  const pause = async (ms: number) => void pauses.push(ms);
  const routes = allRoutes({ ...parts, pause, changed: () => undefined, schema: configJsonSchema() });
  const page = Buffer.from('<!doctype html>');
  const file = { type: 'text/html; charset=utf-8', plain: page, gzip: page, brotli: page, tag: '"1"' };
  const server = buildServer({
    ...parts,
    certificate: null,
    ending,
    hostNames: () => ['localhost', 'host-a', 'n1'],
    routes,
    openApi: openApi(routes, '0'),
    files: new Map([['/', file]]),
  });
  const ask: Rig['ask'] = (options, as) => {
    const own = as === undefined ? {} : { cookie: as.cookie, 'x-covey-token': as.token };
    return server.inject({
      ...options,
      headers: { host: HOST, origin: `https://${HOST}`, ...own, ...options.headers },
    });
  };
  const login: Rig['login'] = async (role) => {
    const response = await ask({ method: 'POST', url: '/api/v1/session', payload: { name: role, password: PASSWORD } });
    if (response.statusCode !== 200) throw new Error(response.body);
    const cookie = String(response.headers['set-cookie']).split(';')[0]!;
    return { cookie, token: (response.json() as { token: string }).token };
  };
  return { server, files, accounts, sessions, audit, live, ending, asked, clock, pauses, login, ask };
}
