/** Puts the console together and runs it. What belongs to the process (privileges, signals, files) comes in. */
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { ControlClient } from '../control/client.js';
import { parseListen, urlOf } from './addresses.js';
import { type ConfigAgent, configRoutes } from './api-config.js';
import { farmRoutes } from './api-farm.js';
import { sessionRoutes } from './api-session.js';
import { userRoutes } from './api-users.js';
import { type Certificate, certificateFrom, selfSigned } from './certificate.js';
import { Ending } from './ending.js';
import { AccountSync } from './founding.js';
import { Limiter } from './limiter.js';
import { Live } from './live.js';
import { openApi } from './openapi.js';
import { Rolling } from './rolling.js';
import type { Route } from './route.js';
import { buildServer } from './server.js';
import { Sessions } from './sessions.js';
import { AccountStore, Audit, type StateFiles } from './store.js';
import type { WebFile } from './web-files.js';

export interface ConsoleParts {
  readonly agent: ControlClient;
  readonly files: StateFiles;
  readonly web: ReadonlyMap<string, WebFile>;
  readonly listen: string;
  readonly version: string;
  /** Names by which the host is known, lower case. */
  readonly hostNames: readonly string[];
  /** The config's JSON schema, for hints while one types. */
  readonly schema: object;
  /** For the certificate. */
  readonly addresses: readonly string[];
  readonly nowMs: () => number;
  readonly wallMs: () => number;
  readonly say: (fields: Readonly<Record<string, unknown>>, message: string) => void;
}

export interface RunningConsole {
  readonly url: string;
  readonly fingerprint: string;
  /** @param byConfig another config is in force: pages that look are told where the consoles are by it. */
  close(byConfig: boolean): Promise<void>;
}

const SYNC_MS = 1000;
/** An apply that is under way may wait for nodes that are slow. */
const LAST_ANSWERS_MS = 8000;
/** For what was written last to leave this host. */
const LAST_WORDS_MS = 100;
const CERTIFICATE = 'console.crt';
const KEY = 'console.key';

/** @throws where the address is taken, the certificate cannot be made, the accounts are damaged. */
export async function startConsole(parts: ConsoleParts): Promise<RunningConsole> {
  const address = parseListen(parts.listen);
  if (address === null) throw new Error(`${parts.listen} is no address with port: write e.g. 127.0.0.1:9443`);
  const certificate = await certificateOf(parts);
  const accounts = new AccountStore(parts.files);
  const audit = new Audit(parts.files);
  const live: Live = new Live({
    ...parts,
    fingerprint: certificate.fingerprint,
    warnings: () => warningsOf(accounts, audit, sync),
  });
  const sync = accountSync(parts, accounts, live);
  const ending = new Ending();
  const server = serve(parts, { certificate, ending, accounts, audit, live, changed: () => sync.changed() });
  await server.listen({ host: address.host, port: address.port });
  live.start();
  let said = '';
  const timer = setInterval(() => {
    sync.turn().catch((error: Error) => {
      if (error.message !== said) parts.say({ error: error.message }, 'console: no first account');
      said = error.message;
    });
  }, SYNC_MS);
  const url = urlOf(address.host, address.port);
  parts.say({ url, fingerprint: certificate.fingerprint }, 'console: listening');
  return {
    url,
    fingerprint: certificate.fingerprint,
    close: async (byConfig) => {
      clearInterval(timer);
      ending.begin();
      await Promise.all([byConfig ? live.farewell() : undefined, ending.settled(LAST_ANSWERS_MS)]);
      if (byConfig) await delay(LAST_WORDS_MS);
      live.close();
      await server.close();
    },
  };
}

function accountSync(parts: ConsoleParts, accounts: AccountStore, live: Live): AccountSync {
  return new AccountSync({
    ...parts,
    accounts,
    share: (document) => parts.agent.share(document),
    status: () => live.status,
    announce: (user, password) => parts.say({ user, password }, 'console: first account; the password is shown once'),
    withdraw: (user) =>
      parts.say({ user }, 'console: the password shown here counts no more: another node had made the first account'),
  });
}

/** What somebody who looks at the page should know of the console itself. */
function warningsOf(accounts: AccountStore, audit: Audit, sync: AccountSync): readonly string[] {
  return [
    ...(accounts.writeError === '' ? [] : [`this console cannot write its accounts: ${accounts.writeError}`]),
    ...(audit.writeError === '' ? [] : [`this console cannot write down who did what: ${audit.writeError}`]),
    ...(sync.trouble === '' ? [] : [`accounts are not told to the other consoles: ${sync.trouble}`]),
  ];
}

interface Served {
  readonly certificate: Certificate;
  readonly ending: Ending;
  readonly accounts: AccountStore;
  readonly audit: Audit;
  readonly live: Live;
  readonly changed: () => void;
}

function serve(parts: ConsoleParts, served: Served): FastifyInstance {
  const { live } = served;
  const sessions = new Sessions(parts.nowMs);
  const routes = allRoutes({ ...parts, ...served, sessions });
  return buildServer({
    ...served,
    hostNames: () => ['localhost', ...parts.hostNames, ...(live.status === null ? [] : [live.status.node])],
    sessions,
    routes,
    openApi: openApi(routes, parts.version),
    files: parts.web,
    nowMs: parts.nowMs,
    wallMs: parts.wallMs,
  });
}

export interface RouteParts {
  readonly agent: ControlClient;
  readonly accounts: AccountStore;
  readonly sessions: Sessions;
  readonly audit: Audit;
  readonly live: Live;
  readonly nowMs: () => number;
  readonly wallMs: () => number;
  readonly changed: () => void;
  readonly schema: object;
  /** For tests. */
  readonly pause?: (ms: number) => Promise<unknown>;
}

/** The whole API. */
export function allRoutes(parts: RouteParts): readonly Route[] {
  return [
    ...sessionRoutes({ pause: delay, ...parts, limiter: new Limiter(parts.nowMs) }),
    ...farmRoutes({ ...parts, rolling: rollingOf(parts) }),
    ...configRoutes({ agent: parts.agent as Partial<ConfigAgent>, schema: parts.schema }),
    ...userRoutes(parts),
  ];
}

/** How it goes is written into the audit, where the timeline shows it. */
function rollingOf({ agent, live, audit, nowMs, wallMs }: RouteParts): Rolling {
  const say = (what: string, who: string, outcome = '') =>
    audit.add({ at: new Date(wallMs()).toISOString(), who, from: 'this node', what, outcome });
  return new Rolling({ agent, status: () => live.status, say, nowMs });
}

/** An operator's own certificate is used as it is: it lies under the same names. */
async function certificateOf({ files, hostNames, addresses }: ConsoleParts): Promise<Certificate> {
  const [certificate, key] = [files.read(CERTIFICATE), files.read(KEY)];
  if (certificate !== null && key !== null) return certificateFrom(certificate, key);
  const made = await selfSigned([...new Set(['localhost', ...hostNames, ...addresses])]);
  files.replace(KEY, made.key);
  files.replace(CERTIFICATE, made.certificate);
  return made;
}
