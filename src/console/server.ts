/**
 * The console over HTTPS. Every request passes the same ladder, and each rung has its own refusal:
 *
 *   Host is ours -> session or token -> role -> (a change, by cookie:) same origin and the session's token -> body -> audit -> answer
 */
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { tokenOf, userOf } from './accounts.js';
import type { Certificate } from './certificate.js';
import { type AuditEntry, BY_ITSELF_HEADER, type ErrorBody, isAtLeast, TOKEN_HEADER } from './contract.js';
import type { Ending } from './ending.js';
import { ConsoleError } from './errors.js';
import type { Live } from './live.js';
import { isOurHost, isSameOrigin } from './origin.js';
import { isSame, tokenHash } from './passwords.js';
import { Refusals } from './refusals.js';
import { API, type Asked, type Route } from './route.js';
import { type Caller, type Sessions, sessionIdOf, whyOut } from './sessions.js';
import type { AccountStore, Audit } from './store.js';
import { streamLive } from './stream.js';
import type { WebFile } from './web-files.js';

export interface ServerParts {
  /** Null: plain HTTP, for tests only. */
  readonly certificate: Certificate | null;
  readonly ending: Ending;
  readonly hostNames: () => readonly string[];
  readonly accounts: AccountStore;
  readonly sessions: Sessions;
  readonly audit: Audit;
  readonly live: Live;
  readonly routes: readonly Route[];
  readonly openApi: object;
  readonly files: ReadonlyMap<string, WebFile>;
  readonly nowMs: () => number;
  readonly wallMs: () => number;
}

const MAX_BODY_BYTES = 512 * 1024;
const LIVE = `${API}/live`;

/**
 * Everything comes from this server, nothing is inline, nobody frames it. No Strict-Transport-Security: it is of the host, not of the port, so it
 * would turn the browser's plain HTTP to the farm's own services away. Here nothing listens to plain HTTP, and the cookie is Secure.
 */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
} as const;

export function buildServer(parts: ServerParts): FastifyInstance {
  const { certificate } = parts;
  const common = { bodyLimit: MAX_BODY_BYTES, trustProxy: false, forceCloseConnections: true, requestTimeout: 10_000 };
  const server = (
    certificate === null
      ? fastify(common)
      : fastify({
          ...common,
          https: { cert: certificate.certificate, key: certificate.key, minVersion: 'TLSv1.2' as const },
        })
  ) as FastifyInstance;
  server.addHook('onRequest', async (request, reply) => {
    void reply.headers(HEADERS);
    if (parts.ending.isBegun) throw new ConsoleError(503, 'ending', 'this console ends just now');
    // A page's stream lasts as long as the page: nobody waits for its end.
    if (request.routeOptions.url !== LIVE) parts.ending.asked(request);
    if (!isOurHost(request.headers.host, parts.hostNames())) {
      throw new ConsoleError(
        421,
        'foreign-host',
        `this console is not known as ${request.headers.host ?? '(no name)'}`,
        "use an address of the node, or its host's name",
      );
    }
  });
  server.addHook('onResponse', async (request) => parts.ending.answered(request));
  server.setErrorHandler((error, _request, reply) => refuse(reply, error as Error));
  server.setNotFoundHandler((_request, reply) =>
    refuse(reply, new ConsoleError(404, 'not-found', 'there is no such page')),
  );
  const door: Door = { ...parts, refusals: new Refusals(parts) };
  for (const route of parts.routes) addRoute(server, door, route);
  addFixed(server, door);
  return server;
}

/** With the record of those who are refused at the door. */
type Door = ServerParts & { readonly refusals: Refusals };

function addRoute(server: FastifyInstance, door: Door, route: Route): void {
  server.route({
    method: route.method,
    url: `${API}${route.path}`,
    handler: async (request, reply) => {
      void reply.header('cache-control', 'no-store');
      const caller = route.role === null ? NOBODY : admit(door, route, request);
      return answer(door, route, {
        caller,
        body: bodyOf(route, request.body),
        query: request.query as Record<string, string>,
        params: request.params as Record<string, string>,
        request,
        reply,
      });
    },
  });
}

/** @throws ConsoleError, which is written down but for a session that is merely over. */
function admit(door: Door, { method, path, role }: Route, request: FastifyRequest): Caller {
  // An open page reads by itself, again and again: that is no deed, and keeps no session.
  const caller = knownCaller(door, request, method !== 'GET' && request.headers[BY_ITSELF_HEADER] === undefined);
  try {
    if (role !== null && !isAtLeast(caller.role, role)) {
      throw new ConsoleError(403, 'forbidden', `this needs the role ${role}; ${caller.name} is ${caller.role}`);
    }
    if (method !== 'GET') checkOrigin(caller, request);
  } catch (error) {
    noteRefusal(door, request, { who: caller.name, what: `${method} ${path}` }, error as Error);
    throw error;
  }
  return caller;
}

/** @throws ConsoleError 401; a token that is none is written down. */
function knownCaller(door: Door, request: FastifyRequest, isActive: boolean): Caller {
  try {
    return callerOf(door, request, isActive);
  } catch (error) {
    const what = `${request.method} ${request.routeOptions.url?.slice(API.length) ?? ''}`;
    if ((error as ConsoleError).code === 'bad-token') {
      noteRefusal(door, request, { who: 'a token', what }, error as Error);
    }
    throw error;
  }
}

function noteRefusal(
  { refusals }: Door,
  request: FastifyRequest,
  claimed: { readonly who: string; readonly what: string },
  { message }: Error,
): void {
  refusals.note({ ...claimed, from: request.ip, outcome: message });
}

const NOBODY: Caller = { name: '', role: 'viewer', session: null, sessionId: null };

/** What changes something is written down with what became of it. */
async function answer(parts: Door, route: Route, asked: Asked<unknown>): Promise<unknown> {
  if (route.claimed !== undefined) return answerAnybody(parts, route, asked, route.claimed(asked));
  if (route.audit === null) return route.answer(asked);
  const what = route.audit(asked);
  try {
    const result = await route.answer(asked);
    note(parts, asked, what, 'ok');
    return result;
  } catch (error) {
    note(parts, asked, what, (error as Error).message);
    throw error;
  }
}

async function answerAnybody(
  door: Door,
  route: Route,
  asked: Asked<unknown>,
  claimed: Pick<AuditEntry, 'who' | 'what'>,
): Promise<unknown> {
  try {
    return await route.answer(asked);
  } catch (error) {
    noteRefusal(door, asked.request, claimed, error as Error);
    throw error;
  }
}

function note(parts: ServerParts, { caller, request }: Asked<unknown>, what: string, outcome: string): void {
  parts.audit.add({ at: new Date(parts.wallMs()).toISOString(), who: caller.name, from: request.ip, what, outcome });
}

function bodyOf({ body }: Route, sent: unknown): unknown {
  if (body === null) return null;
  const parsed = body.safeParse(sent);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the body'}: ${issue.message}`);
  throw new ConsoleError(400, 'bad-request', faults.join('; '));
}

/** @throws ConsoleError 401 */
export function callerOf(
  parts: Pick<ServerParts, 'accounts' | 'sessions'>,
  request: FastifyRequest,
  isActive: boolean,
): Caller {
  const { book } = parts.accounts;
  const bearer = /^Bearer ([A-Za-z0-9_-]{20,100})$/.exec(request.headers.authorization ?? '')?.[1];
  if (bearer !== undefined) {
    const token = tokenOf(book, tokenHash(bearer));
    if (token === null) throw new ConsoleError(401, 'bad-token', 'this token is not known, or was revoked');
    return { name: `token ${token.name}`, role: token.role, session: null, sessionId: null };
  }
  const sessionId = sessionIdOf(request.headers.cookie);
  const session = sessionId === null ? null : parts.sessions.find(sessionId, isActive);
  const user = session === null ? null : userOf(book, session.name);
  if (user === null || user.hash !== session?.credential)
    throw new ConsoleError(401, 'no-session', 'log in first', whyOut(parts.sessions, sessionId, session));
  return { name: user.name, role: user.role, session, sessionId };
}

/** A browser sends the cookie whoever asks it to; the origin and the token only our page has. A bearer token is no cookie. */
function checkOrigin({ session }: Caller, request: FastifyRequest): void {
  if (session === null) return;
  if (!isSameOrigin(request.headers))
    throw new ConsoleError(403, 'foreign', "changes are taken from the console's own page only");
  const token = request.headers[TOKEN_HEADER];
  if (typeof token !== 'string' || !isSame(token, session.token))
    throw new ConsoleError(403, 'no-token', `the header ${TOKEN_HEADER} is missing or wrong`, 'load the page again');
}

function addFixed(server: FastifyInstance, parts: Door): void {
  server.get(LIVE, (request, reply) => {
    const who = () => callerOf(parts, request, false);
    knownCaller(parts, request, false);
    streamLive(parts.live, request, reply, who);
  });
  server.get(`${API}/openapi.json`, async () => parts.openApi);
  for (const [path, file] of parts.files) {
    server.get(path, (request, reply) => sendFile(request, reply, file));
  }
}

function sendFile(request: FastifyRequest, reply: FastifyReply, file: WebFile): void {
  void reply.headers({
    'content-type': file.type,
    'cache-control': 'no-cache',
    etag: file.tag,
    vary: 'accept-encoding',
  });
  if (request.headers['if-none-match'] === file.tag) return void reply.code(304).send();
  const accepted = String(request.headers['accept-encoding'] ?? '');
  if (/\bbr\b/.test(accepted)) return void reply.header('content-encoding', 'br').send(file.brotli);
  if (/\bgzip\b/.test(accepted)) return void reply.header('content-encoding', 'gzip').send(file.gzip);
  void reply.send(file.plain);
}

/** Ours, the agent's (its HTTP status and hint), fastify's own, or a bug. */
function refuse(reply: FastifyReply, error: Error): void {
  const { httpStatus, statusCode, code, hint } = error as Partial<ConsoleError> & { readonly statusCode?: number };
  const isDown = error.name === 'AgentNotRunningError' || error.name === 'ControlAccessError';
  const status = httpStatus ?? (isDown ? 503 : (statusCode ?? 500));
  const body: ErrorBody = {
    error: { code: code ?? (isDown ? 'agent-down' : 'internal'), message: error.message, hint: hint ?? '' },
  };
  void reply.code(status).type('application/json').send(body);
}
