/**
 * One holder per VIP and network namespace: an abstract unix socket, which the kernel frees with the process. Whoever
 * connects is told who holds it, so that a refusal can name the other agent.
 */
import { connect, createServer, type Server } from 'node:net';
import { HostError } from './contract.js';
import { lockName } from './names.js';
import { holdersOfSocket } from './process.js';

export interface Holder {
  readonly pid: number;
  readonly farm: string;
  readonly node: string;
  readonly interface: string;
  readonly runDir: string;
}

export interface VipLock {
  /** Takes further ones, or none. Throws HostError `held`. */
  take(vips: readonly string[], holder: Holder): Promise<void>;
  /** Lets go of some. */
  free(vips: readonly string[]): Promise<void>;
  /** Lets go of all. */
  release(): Promise<void>;
}

/** A stopped holder accepts connections (the kernel does) but says nothing. */
const ANSWER_TIMEOUT_MS = 500;

/** Takes the locks of all `vips`, or none. Throws HostError `held` that names the holder. */
export async function takeVipLocks(vips: readonly string[], holder: Holder): Promise<VipLock> {
  const locks = new SocketLocks();
  await locks.take(vips, holder);
  return locks;
}

class SocketLocks implements VipLock {
  readonly #servers = new Map<string, Server>();

  async take(vips: readonly string[], holder: Holder): Promise<void> {
    const taken: string[] = [];
    for (const vip of vips) {
      try {
        this.#servers.set(vip, await listen(lockName(vip), holder));
        taken.push(vip);
      } catch (cause) {
        await this.free(taken);
        if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
        throw new HostError('held', await heldMessage(vip), { cause });
      }
    }
  }

  async free(vips: readonly string[]): Promise<void> {
    const servers = vips.flatMap((vip) => this.#servers.get(vip) ?? []);
    for (const vip of vips) this.#servers.delete(vip);
    await Promise.all(servers.map(closeServer));
  }

  release(): Promise<void> {
    return this.free([...this.#servers.keys()]);
  }
}

function listen(name: string, holder: Holder): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end(JSON.stringify(holder));
    });
    server.once('error', reject);
    server.listen(name, () => {
      server.unref();
      resolve(server);
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

async function heldMessage(vip: string): Promise<string> {
  const holder = await askHolder(lockName(vip));
  if (holder === null) {
    const pids = holdersOfSocket(lockName(vip)).join(', ');
    return `VIP ${vip} is already served on this host by process ${pids || 'unknown'}, which does not answer (stopped?); end it first: kill -9 ${pids}`;
  }
  return (
    `VIP ${vip} is already served on this host: by agent ${holder.pid} (farm ${holder.farm}, node ${holder.node}, ` +
    `interface ${holder.interface}, run directory ${holder.runDir}); to see it: covey status --run-dir ${holder.runDir}`
  );
}

function askHolder(name: string): Promise<Holder | null> {
  return new Promise((resolve) => {
    const socket = connect(name);
    let text = '';
    const finish = (): void => {
      socket.destroy();
      resolve(parseHolder(text));
    };
    socket.setEncoding('utf8').setTimeout(ANSWER_TIMEOUT_MS, finish);
    socket.on('data', (part: string) => {
      text += part;
    });
    socket.on('error', finish).on('end', finish);
  });
}

function parseHolder(text: string): Holder | null {
  try {
    return JSON.parse(text) as Holder;
  } catch {
    return null;
  }
}
