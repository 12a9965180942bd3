/** The peer link over loopback: messages, chunks, a killed peer, strangers. */

import { randomBytes } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FarmKeyring, keyIdOf } from '../../../src/platform/crypto.js';
import { TcpPeerLink } from '../../../src/platform/link.js';
import { LINK_TIMES, type LinkTimes } from '../../../src/platform/link-contract.js';
import { answerHello, CallerHandshake } from '../../../src/platform/link-session.js';

const KEY = new Uint8Array(32).fill(7);
const FARM = new Uint8Array(8).fill(1);
const FAST: LinkTimes = {
  connectTimeoutMs: 4000,
  backoffMinMs: 10,
  backoffMaxMs: 50,
  aliveMs: 30,
  silentMs: 400,
  restAfterMs: 60_000,
  restAliveMs: 10_000,
  restSilentMs: 40_000,
};
/** Whose connections come to rest while a test looks. */
const RESTFUL: LinkTimes = { ...FAST, restAfterMs: 600, restAliveMs: 300, restSilentMs: 1200 };
/** For those who are to be thrown out for their silence. */
const IMPATIENT: LinkTimes = { ...FAST, connectTimeoutMs: 150 };
const ring = (...keys: Uint8Array[]) => new FarmKeyring(keys, keyIdOf(keys[0]!));

interface Got {
  readonly from: string;
  readonly incarnation: number;
  readonly bytes: Uint8Array;
}

class Node {
  readonly got: Got[] = [];
  readonly downs: { peer: string; why: string }[] = [];
  readonly link: TcpPeerLink;

  constructor(
    readonly name: string,
    readonly incarnation = 100,
    keyring = ring(KEY),
    times: LinkTimes = FAST,
    farmId = FARM,
  ) {
    this.link = new TcpPeerLink({
      name,
      incarnation,
      keyring,
      farmId,
      port: 0,
      hidden: [],
      host: '127.0.0.1',
      times,
      onMessage: (from, incarnation, bytes) => this.got.push({ from, incarnation, bytes }),
      onDown: (peer, why) => this.downs.push({ peer, why }),
    });
    open.push(() => this.link.close());
  }

  async knows(other: Node): Promise<void> {
    if (other.link.endpoints().length === 0) await other.link.listen();
    this.link.learn(other.name, other.incarnation, other.link.endpoints());
  }
}

const open: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** Listens as `b` of incarnation 5, answers the hello, and then does as it is told. @returns the port. */
async function fakePeer(then: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.once('data', (hello: Buffer) => {
      const self = { name: 'b', incarnation: 5, farmId: FARM, keyring: ring(KEY) };
      socket.write(answerHello(self, hello.subarray(2)).answer);
      then(socket);
    });
  }).listen(0, '127.0.0.1');
  open.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as { port: number }).port;
}

const eventually = (check: () => void) => vi.waitFor(check, { timeout: 5000, interval: 5 });
const text = (value: string) => Buffer.from(value);

describe('messages', () => {
  it('arrive in order, with name and incarnation, in both directions', async () => {
    const [a, b] = [new Node('a', 101), new Node('b', 202)];
    await a.knows(b);
    await b.knows(a);
    for (let i = 0; i < 200; i++) a.link.send('b', text(`m${i}`));
    b.link.send('a', text('back'));
    await eventually(() => expect(b.got).toHaveLength(200));
    await eventually(() => expect(a.got).toHaveLength(1));
    expect(b.got.map(({ bytes }) => String(bytes))).toEqual(Array.from({ length: 200 }, (_, i) => `m${i}`));
    expect(b.got[0]).toMatchObject({ from: 'a', incarnation: 101 });
    expect(a.got[0]).toMatchObject({ from: 'b', incarnation: 202 });
    expect(b.link.status().callers).toEqual(['a']);
  });

  it('of 2.4 MB and of none arrive unchanged', async () => {
    const [a, b] = [new Node('a'), new Node('b')];
    await a.knows(b);
    const large = randomBytes(2_400_000);
    a.link.send('b', large);
    a.link.send('b', new Uint8Array(0));
    a.link.send('b', large.subarray(0, 65536));
    await eventually(() => expect(b.got).toHaveLength(3));
    expect(b.got.map(({ bytes }) => bytes.length)).toEqual([2_400_000, 0, 65536]);
    expect(large.equals(b.got[0]!.bytes)).toBe(true);
  });

  it('of more than 16 MiB are refused', async () => {
    const [a, b] = [new Node('a'), new Node('b')];
    await a.knows(b);
    expect(() => a.link.send('b', new Uint8Array(16 * 1024 * 1024 + 1))).toThrow(RangeError);
  });

  it('to a peer that cannot be reached are lost, and it is reported down', async () => {
    const a = new Node('a');
    a.link.learn('b', 5, [{ address: '127.0.0.1', port: 1 }]);
    a.link.send('b', text('x'));
    await eventually(() => expect(a.downs.length).toBeGreaterThan(0));
    expect(a.downs[0]!.peer).toBe('b');
    expect(a.link.status().counters.messagesLost).toBe(1);
    a.link.send('nobody', text('x'));
    await eventually(() => expect(a.downs.some(({ peer }) => peer === 'nobody')).toBe(true));
  });

  it('find the address that works', async () => {
    const [a, b] = [new Node('a'), new Node('b')];
    const endpoints = await b.link.listen();
    a.link.learn('b', b.incarnation, [{ address: '127.0.0.1', port: 1 }, ...endpoints]);
    a.link.send('b', text('x'));
    await eventually(() => expect(b.got).toHaveLength(1));
    expect(a.downs).toEqual([]);
  });

  it('beyond the bound of the queue are dropped', async () => {
    const a = new Node('a');
    const server = createServer(() => {}).listen(0, '127.0.0.1');
    open.push(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    a.link.learn('b', 5, [{ address: '127.0.0.1', port: (server.address() as { port: number }).port }]);
    for (let i = 0; i < 5; i++) a.link.send('b', new Uint8Array(15 * 1024 * 1024));
    expect(a.link.status().counters.queueOverflow).toBe(1);
    expect(a.downs).toHaveLength(1);
  });
});

describe('a peer that does not read', () => {
  it('holds up what is queued for it, unsealed, and nobody else', async () => {
    const [a, c] = [new Node('a'), new Node('c')];
    await a.knows(c);
    const port = await fakePeer((socket) => void socket.pause());
    a.link.learn('b', 5, [{ address: '127.0.0.1', port }]);
    for (let i = 0; i < 3; i++) a.link.send('b', new Uint8Array(15_000_000));
    a.link.send('c', text('x'));
    await eventually(() => expect(c.got).toHaveLength(1));
    const waiting = () => a.link.status().peers.find(({ peer }) => peer === 'b')!;
    await eventually(() => expect(waiting().state).toBe('open'));
    expect(waiting().queuedBytes).toBeGreaterThan(25_000_000);
    // It says nothing either, so it is given up in the end.
    await eventually(() => expect(a.downs).toMatchObject([{ peer: 'b' }]));
    expect(waiting().queuedBytes).toBe(0);
  });
});

describe('a slow network', () => {
  it('is no silence, however long a message takes', async () => {
    const [a, b] = [new Node('a'), new Node('b')];
    const [endpoint] = await b.link.listen();
    const startedMs = performance.now();
    const proxy = createServer((front) => {
      const back = connect(endpoint!.port, '127.0.0.1');
      for (const socket of [front, back]) socket.on('error', () => {});
      back.pipe(front);
      front.pause();
      // The hello at once; then 64 KiB in 20 ms.
      const timer = setInterval(() => void back.write((front.read(65536) ?? front.read() ?? '') as Buffer), 20);
      front.on('close', () => back.destroy());
      back.on('close', () => {
        clearInterval(timer);
        front.destroy();
      });
    }).listen(0, '127.0.0.1');
    open.push(() => void proxy.close());
    await new Promise((resolve) => proxy.once('listening', resolve));
    a.link.learn('b', b.incarnation, [{ address: '127.0.0.1', port: (proxy.address() as { port: number }).port }]);
    a.link.send('b', randomBytes(3_000_000));
    await eventually(() => expect(b.got).toHaveLength(1));
    expect(performance.now() - startedMs).toBeGreaterThan(2 * FAST.silentMs);
    expect([a.downs, b.downs]).toEqual([[], []]);
  });
});

describe('a peer that neither reads nor speaks', () => {
  it('is noticed by its silence as long as something waits for it, however long ago the last piece went', async () => {
    const a = new Node('a', 100, ring(KEY), { ...FAST, restAfterMs: 300, restAliveMs: 60_000, restSilentMs: 60_000 });
    const port = await fakePeer((socket) => void socket.pause());
    a.link.learn('b', 5, [{ address: '127.0.0.1', port }]);
    a.link.send('b', new Uint8Array(15_000_000));
    await eventually(() => expect(a.link.status().counters.silent).toBe(1));
  });
});

describe('a peer that goes', () => {
  it('is reported down on both sides, and found again', async () => {
    const [a, b] = [new Node('a'), new Node('b')];
    await a.knows(b);
    a.link.send('b', text('1'));
    await eventually(() => expect(b.got).toHaveLength(1));
    await b.link.close();
    await eventually(() => expect(a.downs).toHaveLength(1));
    const again = new Node('b', 300);
    await a.knows(again);
    a.link.send('b', text('2'));
    await eventually(() => expect(again.got).toHaveLength(1));
    await a.link.close();
    await eventually(() => expect(again.downs).toHaveLength(1));
  });

  it('without a word is noticed by its silence', async () => {
    const a = new Node('a');
    const port = await fakePeer(() => {});
    a.link.learn('b', 5, [{ address: '127.0.0.1', port }]);
    a.link.send('b', text('x'));
    await eventually(() => expect(a.link.status().counters.silent).toBe(1));
    expect(a.downs[0]!.why).toContain('silent');
  });

  it('and calls again replaces its earlier connection, in one step', async () => {
    const [first, second, b] = [new Node('a'), new Node('a'), new Node('b')];
    await first.knows(b);
    await second.knows(b);
    first.link.send('b', text('1'));
    await eventually(() => expect(b.got).toHaveLength(1));
    second.link.send('b', text('2'));
    await eventually(() => expect(b.got).toHaveLength(2));
    expect(b.downs).toEqual([{ peer: 'a', why: 'it called again' }]);
    await eventually(() => expect(first.downs).toHaveLength(1));
    expect(b.link.status().callers).toEqual(['a']);
  });

  it('is tried again ever more slowly', async () => {
    const downAtMs: number[] = [];
    const link: TcpPeerLink = new TcpPeerLink({
      name: 'a',
      incarnation: 1,
      keyring: ring(KEY),
      farmId: FARM,
      port: 0,
      hidden: [],
      times: { ...FAST, backoffMinMs: 20, backoffMaxMs: 10_000 },
      onMessage: () => {},
      onDown: () => {
        downAtMs.push(performance.now());
        link.send('b', text('x'));
      },
    });
    open.push(() => link.close());
    link.learn('b', 5, [{ address: '127.0.0.1', port: 1 }]);
    link.send('b', text('x'));
    await eventually(() => expect(downAtMs.length).toBeGreaterThanOrEqual(6));
    expect(downAtMs[5]! - downAtMs[0]!).toBeGreaterThan(20 + 40 + 80 + 160 + 320 - 10);
  });

  it('is not called silent when we were the ones who were stalled', async () => {
    const [a, b] = [new Node('a'), new Node('b')];
    await a.knows(b);
    a.link.send('b', text('1'));
    await eventually(() => expect(b.got).toHaveLength(1));
    for (const until = performance.now() + 2 * FAST.silentMs; performance.now() < until; );
    const awakeMs = performance.now();
    await eventually(() => expect(performance.now() - awakeMs).toBeGreaterThan(FAST.silentMs));
    expect([a.downs, b.downs]).toEqual([[], []]);
  });

  it('an idle connection to a living peer stays', async () => {
    const [a, b] = [new Node('a', 100, ring(KEY), RESTFUL), new Node('b', 100, ring(KEY), RESTFUL)];
    await a.knows(b);
    a.link.send('b', text('1'));
    await eventually(() => expect(b.got).toHaveLength(1));
    const until = performance.now() + RESTFUL.restAfterMs + 2 * RESTFUL.restSilentMs;
    await eventually(() => expect(performance.now()).toBeGreaterThan(until));
    expect(a.downs).toEqual([]);
    expect(b.downs).toEqual([]);
  });

  it('comes back as a newer incarnation: the older one is ended and stays out', async () => {
    const [a, b] = [new Node('a', 10), new Node('b')];
    await a.knows(b);
    a.link.send('b', text('1'));
    await eventually(() => expect(b.got).toHaveLength(1));
    b.link.learn('a', 11, []);
    await eventually(() => expect(a.downs.length).toBeGreaterThan(0));
    a.link.send('b', text('2'));
    await eventually(() => expect(b.link.status().counters.helloOtherPeer).toBeGreaterThan(0));
    expect(b.got).toHaveLength(1);
    a.link.setIncarnation(11);
    a.link.send('b', text('3'));
    await eventually(() => expect(b.got.at(-1)?.incarnation).toBe(11));
  });

  it('is ended when it is no member any more', async () => {
    const [a, b] = [new Node('a'), new Node('b')];
    await a.knows(b);
    a.link.send('b', text('1'));
    await eventually(() => expect(b.got).toHaveLength(1));
    b.link.setPeers(new Set());
    await eventually(() => expect(a.downs).toHaveLength(1));
    expect(b.link.status().callers).toEqual([]);
  });
});

describe('strangers', () => {
  it('with another key get nothing', async () => {
    const [a, b] = [new Node('a', 100, ring(new Uint8Array(32).fill(8))), new Node('b')];
    await a.knows(b);
    a.link.send('b', text('x'));
    await eventually(() => expect(b.link.status().counters.helloUnknownKey).toBeGreaterThan(0));
    expect(b.got).toEqual([]);
    expect(b.link.status().callers).toEqual([]);
  });

  it('of another farm get nothing', async () => {
    const [a, b] = [new Node('a', 100, ring(KEY), FAST, new Uint8Array(8).fill(9)), new Node('b')];
    await a.knows(b);
    a.link.send('b', text('x'));
    await eventually(() => expect(b.link.status().counters.helloOtherFarm).toBeGreaterThan(0));
  });

  it('that replay a hello are never believed', async () => {
    const b = new Node('b', 100, ring(KEY), IMPATIENT);
    const [endpoint] = await b.link.listen();
    const self = { name: 'a', incarnation: 5, farmId: FARM, keyring: ring(KEY) };
    const captured = new CallerHandshake(self, 'b', b.incarnation).hello;
    const socket = connect(endpoint!.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.resume();
    socket.write(captured);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await closed;
    expect(b.link.status().counters).toMatchObject({ accepted: 0, helloTimeout: 1 });
  });

  it('cannot send a single byte wrong: each flip of the hello is refused', { timeout: 20_000 }, () => {
    const self = { name: 'a', incarnation: 5, farmId: FARM, keyring: ring(KEY) };
    const listener = { name: 'b', incarnation: 6, farmId: FARM, keyring: ring(KEY) };
    const hello = new CallerHandshake(self, 'b', 6).hello.subarray(2);
    expect(answerHello(listener, hello).session.peer).toBe('a');
    for (let i = 0; i < hello.length; i++) {
      const flipped = hello.slice();
      flipped[i]! ^= 1 << (i % 8);
      expect(() => answerHello(listener, flipped)).toThrowError(expect.objectContaining({ name: 'LinkError' }));
      expect(() => answerHello(listener, hello.subarray(0, i))).toThrowError(
        expect.objectContaining({ name: 'LinkError' }),
      );
    }
  });

  it('are bounded in number, and members still get in', async () => {
    const [a, b] = [new Node('a'), new Node('b', 100, ring(KEY), { ...FAST, connectTimeoutMs: 60_000 })];
    const [endpoint] = await b.link.listen();
    for (let i = 0; i < 100; i++) {
      const socket = connect(endpoint!.port, '127.0.0.1');
      socket.on('error', () => {});
      open.push(() => void socket.destroy());
    }
    await eventually(() => expect(b.link.status().counters.strangersEvicted).toBe(36));
    await a.knows(b);
    a.link.send('b', text('x'));
    await eventually(() => expect(b.got).toHaveLength(1));
  });

  it('that send garbage or nothing are thrown out', async () => {
    const b = new Node('b', 100, ring(KEY), IMPATIENT);
    const [endpoint] = await b.link.listen();
    for (const garbage of [randomBytes(500), Buffer.of(0, 3, 1, 2, 3), Buffer.alloc(0)]) {
      const socket = connect(endpoint!.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(garbage);
      await new Promise((resolve) => socket.once('close', resolve));
    }
    const { helloMalformed, helloTimeout } = b.link.status().counters;
    expect(helloMalformed + helloTimeout).toBe(3);
  });
});

describe('tampering with an open link', () => {
  it('ends it: each frame is authentic, in place, and said once', async () => {
    const [a, b] = [new Node('a'), new Node('b')];
    const [endpoint] = await b.link.listen();
    let flip = false;
    const proxy = createServer((front) => {
      const back = connect(endpoint!.port, '127.0.0.1');
      for (const socket of [front, back]) socket.on('error', () => {});
      front.on('data', (data) => {
        // The first frame of what came together, behind its length, and the last one.
        if (flip) for (const at of [4, data.length - 1]) data[at]! ^= 1;
        back.write(data);
      });
      back.pipe(front);
      front.on('close', () => back.destroy());
      back.on('close', () => front.destroy());
    }).listen(0, '127.0.0.1');
    open.push(() => void proxy.close());
    await new Promise((resolve) => proxy.once('listening', resolve));
    a.link.learn('b', b.incarnation, [{ address: '127.0.0.1', port: (proxy.address() as { port: number }).port }]);
    a.link.send('b', text('good'));
    await eventually(() => expect(b.got).toHaveLength(1));
    flip = true;
    a.link.send('b', text('bad'));
    // The caller comes again at once, and all that it says is tampered with as well: so soon there is more than one.
    await eventually(() => expect(b.link.status().counters.badSeal).toBeGreaterThan(0));
    expect(b.got).toHaveLength(1);
    await eventually(() => expect(a.downs.length).toBeGreaterThan(0));
  });
});

describe('keys', () => {
  it('two at once: whoever calls chooses', async () => {
    const other = new Uint8Array(32).fill(9);
    const [a, b] = [new Node('a', 100, ring(other, KEY)), new Node('b', 100, ring(KEY, other))];
    await a.knows(b);
    await b.knows(a);
    a.link.send('b', text('x'));
    b.link.send('a', text('y'));
    await eventually(() => expect([a.got.length, b.got.length]).toEqual([1, 1]));
  });

  it('removed: connections end, and the old key opens none', async () => {
    const other = new Uint8Array(32).fill(9);
    const [a, b] = [new Node('a'), new Node('b', 100, ring(KEY, other))];
    await a.knows(b);
    a.link.send('b', text('x'));
    await eventually(() => expect(b.got).toHaveLength(1));
    b.link.setKeyring(ring(other));
    await eventually(() => expect(a.downs.length).toBeGreaterThan(0));
    a.link.send('b', text('y'));
    await eventually(() => expect(b.link.status().counters.helloUnknownKey).toBeGreaterThan(0));
    a.link.setKeyring(ring(other));
    a.link.send('b', text('z'));
    await eventually(() => expect(b.got).toHaveLength(2));
  });
});

it('the default times: a lost message is noticed in 2 s, a connection at rest costs a sign of life in 10 s', () => {
  expect(LINK_TIMES).toMatchObject({ silentMs: 2000, restAliveMs: 10_000 });
  // The other end becomes busy by what it receives, so both must bear some signs of life lost or late.
  expect(LINK_TIMES.silentMs).toBeGreaterThanOrEqual(4 * LINK_TIMES.aliveMs);
  expect(LINK_TIMES.restSilentMs).toBeGreaterThanOrEqual(4 * LINK_TIMES.restAliveMs);
  expect(LINK_TIMES.restAfterMs).toBeGreaterThanOrEqual(2 * LINK_TIMES.silentMs);
});
