import { chmodSync, chownSync, existsSync, lstatSync, statSync, unlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { CLAIMED_HEADER, requesterOf } from './access.js';
import { type ControlHandler, type Requester, SOCKET_NAME } from './contract.js';
import { DEADLINE_HEADER, mustBeInTime } from './deadline.js';
import { AgentRunningError, ControlError, SocketError } from './errors.js';
import { isReading, route } from './routes.js';

/** The largest request brings a config of 128 Ki characters, as JSON. */
const MAX_BODY_BYTES = 1024 * 1024;

/** sun_path of sockaddr_un holds 108 bytes, the last of them zero (unix(7)). */
const MAX_SOCKET_PATH_BYTES = 107;

export interface ControlServer {
  readonly socketPath: string;
  /** Stops listening, cuts open connections, removes the socket. Idempotent. */
  close(): Promise<void>;
}

/** Who may use the socket, beside root and the agent's own user, who may do everything. */
export interface SocketAccess {
  /** Number of the group whose members may read; null: there is none. */
  readonly groupId: number | null;
  /** Who is at the other end of a connection; null: the kernel does not say. */
  readonly credentials: (socket: Socket) => { readonly uid: number; readonly user: string | null } | null;
  /** Only the console can open it, which says for which of its users it asks. */
  readonly isConsole?: boolean;
}

const OWNER_ONLY: SocketAccess = { groupId: null, credentials: () => null };

/**
 * Listens on `runDir/agent.sock`: mode 0600, or 0660 where there is a group that may read. The directory must exist; it is made
 * passable for that group. A socket that a dead agent left is replaced.
 * @throws {@link AgentRunningError} when a living one answers, {@link SocketError} when the socket cannot be made.
 */
export async function listen(
  runDir: string,
  handler: ControlHandler,
  access: SocketAccess = OWNER_ONLY,
): Promise<ControlServer> {
  const socketPath = join(runDir, SOCKET_NAME);
  if (Buffer.byteLength(socketPath) > MAX_SOCKET_PATH_BYTES) {
    throw new SocketError(`the path ${socketPath} is too long for a socket`, 'give a shorter --run-dir');
  }
  await removeStaleSocket(socketPath);
  const server = createServer((request, response) => void answer(request, response, handler, access));
  server.requestTimeout = 10_000;
  await bind(server, socketPath);
  if (access.groupId !== null) openToGroup(runDir, socketPath, access.groupId);
  return { socketPath, close: () => close(server) };
}

async function removeStaleSocket(path: string): Promise<void> {
  if (!existsSync(path)) return;
  if (!lstatSync(path).isSocket()) throw new SocketError(`${path} is in the way: it is no socket`, `remove ${path}`);
  if (await isAnswered(path)) throw new AgentRunningError(path);
  unlinkSync(path);
}

/** Whether a process listens there. Its backlog may be full: that is alive, too. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (isAlive: boolean) => {
      socket.destroy();
      resolve(isAlive);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', (error: NodeJS.ErrnoException) => settle(error.code === 'EAGAIN'));
  });
}

/** The mode is set by the umask at bind, which is synchronous: a chmod afterwards would leave a moment for others. */
function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: Error) =>
      reject(
        new SocketError(`cannot listen on ${path}: ${error.message}`, 'does the directory exist?', { cause: error }),
      );
    server.once('error', refuse);
    const before = process.umask(0o177);
    try {
      server.listen(path, () => {
        server.off('error', refuse);
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
}

/** A host that refuses (a foreign directory, a group that is not ours to give) leaves the socket to its owner. */
function openToGroup(runDir: string, socketPath: string, groupId: number): void {
  try {
    chownSync(socketPath, -1, groupId);
    const { mode, gid } = statSync(runDir);
    if ((mode & 0o777) === 0o700) {
      if (gid !== groupId) chownSync(runDir, -1, groupId);
      chmodSync(runDir, 0o750);
    }
    chmodSync(socketPath, 0o660);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EPERM' && code !== 'EROFS') throw error;
  }
}

const LAST_ANSWERS_MS = 300;

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // Whoever told the agent to end gets its answer still; who only listens does not hold it up.
    const impatience = setTimeout(() => server.closeAllConnections(), LAST_ANSWERS_MS);
    server.close(() => {
      clearTimeout(impatience);
      resolve();
    });
    server.closeIdleConnections();
  });
}

/** Never rejects: whatever goes wrong is the answer. */
async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handler: ControlHandler,
  access: SocketAccess,
): Promise<void> {
  try {
    const url = `http://agent${request.url}`;
    if (!URL.canParse(url)) throw new ControlError('bad-request', `${request.url} is no path`);
    const method = request.method ?? '';
    const { pathname } = new URL(url);
    mustBeInTime(request.headers[DEADLINE_HEADER]);
    const by = requesterOf(access.credentials(request.socket), request.headers[CLAIMED_HEADER], access.isConsole);
    if (access.groupId !== null && !isReading(method, pathname)) refuseReader(by);
    send(response, 200, await route(handler, method, new URL(url), await bodyOf(request), by));
  } catch (error) {
    const refusal =
      error instanceof ControlError ? error : new ControlError('internal', messageOf(error), '', { cause: error });
    send(response, refusal.httpStatus, refusal.report());
  }
}

/** Those of the group may open the socket; whether they may change something is asked here. */
function refuseReader({ uid, user }: Requester): void {
  if (uid === 0 || uid === process.getuid?.()) return;
  const who = user ?? (uid === null ? 'somebody whom the kernel does not name' : `uid ${uid}`);
  throw new ControlError('not-allowed', `${who} may look, but change nothing: that is for root`);
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

function send(response: ServerResponse, status: number, report: object): void {
  if (response.destroyed) return;
  const body = JSON.stringify(report);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES)
      throw new ControlError('bad-request', `the body is larger than ${MAX_BODY_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
