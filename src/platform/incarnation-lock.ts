/**
 * One agent per run directory. The lock is a listening socket, which the kernel takes away with its process, however that
 * ends: there is no pid to be re-used, and no stale lock to wait for.
 *
 * Two sockets, for two reasons. The abstract one, named after the directory's device and inode, is taken and given back
 * atomically, but is seen only inside one network namespace. The one in the directory is seen everywhere; what a killed process leaves of
 * it refuses connections and is replaced. (Two agents in two namespaces that find such a remnant in the same millisecond could
 * both replace it; inside one namespace, the abstract socket is before that.)
 */
import { mkdirSync, rmSync, type Stats, statSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';

const FILE = 'lock.sock';
const ANSWER_TIMEOUT_MS = 1000;
const MAX_ANSWER_BYTES = 256;
/** sockaddr_un.sun_path, less its final zero byte (unix(7)). */
const MAX_SOCKET_PATH_BYTES = 107;

/** Another process holds the run directory. */
export class RunDirLockedError extends Error {
  override readonly name = 'RunDirLockedError';
}

/** The run directory cannot be one; the message says what to do. */
export class RunDirError extends Error {
  override readonly name = 'RunDirError';
}

export interface RunDirLock {
  /** Gives the directory back. Idempotent. */
  release(): Promise<void>;
}

/**
 * Makes `runDir` (mode 0700) where needed, and locks it. `holder` says who we are, to those who come after, e.g. `node n1, pid 7`.
 * Throws {@link RunDirLockedError}, {@link RunDirError}, and the errno of what else goes wrong.
 */
export async function lockRunDir(runDir: string, holder: string): Promise<RunDirLock> {
  const { dev, ino } = privateDirectory(runDir);
  const path = join(runDir, FILE);
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw new RangeError(`${path} is too long for a socket (${MAX_SOCKET_PATH_BYTES} bytes); give a shorter --run-dir`);
  }
  const abstract = await listen(`\0covey-run-${dev}-${ino}`, holder);
  if (abstract === null) throw locked(runDir, await askHolder(`\0covey-run-${dev}-${ino}`));
  try {
    const file = (await listen(path, holder)) ?? (await replaceRemnant(runDir, path, holder));
    return { release: () => release([file, abstract]) };
  } catch (error) {
    await release([abstract]);
    throw error;
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  EACCES: 'permission denied; run as root (sudo), or give --run-dir DIR',
  EPERM: 'permission denied; run as root (sudo), or give --run-dir DIR',
  EROFS: 'the file system is read-only; give --run-dir DIR',
  ENOSPC: 'no space is left there; free some, or give --run-dir DIR',
  EEXIST: 'it is no directory; give another --run-dir',
  ENOTDIR: 'a part of it is no directory; give another --run-dir',
};

/** Whoever can write there can put a socket of their own in the place of the agent's. */
function privateDirectory(runDir: string): Stats {
  try {
    mkdirSync(runDir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new RunDirError(`cannot use ${runDir} as run directory: ${ADVICE[code ?? ''] ?? message}`, { cause });
  }
  const stats = statSync(runDir);
  if ((stats.mode & 0o022) === 0) return stats;
  const octal = (stats.mode & 0o7777).toString(8).padStart(4, '0');
  throw new RunDirError(
    `others can write to the run directory ${runDir} (mode ${octal}): give one of your own with --run-dir, or type: chmod go-w ${runDir}`,
  );
}

async function replaceRemnant(runDir: string, path: string, holder: string): Promise<Server> {
  const other = await askHolder(path);
  if (other !== null) throw locked(runDir, other);
  rmSync(path, { force: true });
  const server = await listen(path, holder);
  if (server === null) throw locked(runDir, await askHolder(path));
  return server;
}

function locked(runDir: string, holder: string | null): RunDirLockedError {
  const who = holder === null || holder === '' ? 'another process' : holder;
  return new RunDirLockedError(`${runDir} is in use by ${who}; stop it first, or give another --run-dir`);
}

/** Null when the name is taken. */
function listen(name: string, holder: string): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy()); // The asker left; nothing is owed to it.
      socket.end(holder);
    });
    server.unref();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(null) : reject(error),
    );
    server.listen(name, () => resolve(server));
  });
}

/** What the holder says of itself ('' when it is too busy to answer); null: nobody listens there. */
function askHolder(name: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(name);
    let answer = '';
    let isConnected = false;
    const done = () => {
      socket.destroy();
      resolve(isConnected ? answer : null);
    };
    socket.setTimeout(ANSWER_TIMEOUT_MS, done);
    socket.once('connect', () => {
      isConnected = true;
    });
    socket.on('data', (data) => {
      answer = (answer + data.toString('utf8')).slice(0, MAX_ANSWER_BYTES);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // Only a refusal (or no socket at all) proves that nobody is there; a full queue (EAGAIN) proves the contrary.
      isConnected ||= error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT';
      done();
    });
    socket.once('end', done);
  });
}

async function release(servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
}
