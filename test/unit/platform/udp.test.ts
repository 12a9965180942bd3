/** The UDP path, over loopback's broadcast: needs no root. */

import { createSocket } from 'node:dgram';
import type { NetworkInterfaceInfo } from 'node:os';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { UdpPath } from '../../../src/platform/udp.js';
import { directedBroadcast, findPlace, parseNetwork } from '../../../src/platform/udp-network.js';

const eventually = (check: () => void) => vi.waitFor(check, { timeout: 5000, interval: 5 });
const open: { close(): void }[] = [];
afterEach(() => {
  for (const path of open.splice(0)) path.close();
});

const info = (address: string, family: 'IPv4' | 'IPv6' = 'IPv4') => ({ address, family }) as NetworkInterfaceInfo;

/** A port that is free for now. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

async function makePath(network = '127.0.0.0/8', interfaces: typeof networkInterfaces = networkInterfaces) {
  const got: { text: string; source: string; path: string }[] = [];
  const port = await freePort();
  const onDatagram = (bytes: Uint8Array, source: string, path: string) =>
    void got.push({ text: Buffer.from(bytes).toString(), source, path });
  const path = new UdpPath({ network, port, nowMs: () => performance.now(), onDatagram, interfaces });
  open.push(path);
  return { path, got, port };
}

describe('networks', () => {
  it.each([
    ['192.168.9.17', 24, '192.168.9.255'],
    ['10.1.2.3', 8, '10.255.255.255'],
    ['255.255.255.1', 30, '255.255.255.3'],
    ['172.16.5.5', 12, '172.31.255.255'],
  ])('the broadcast of %s/%i is %s', (address, prefix, broadcast) => {
    expect(directedBroadcast(address, prefix)).toBe(broadcast);
  });

  it('finds the interface whose address is inside', () => {
    const interfaces = {
      eth0: [info('10.0.0.5'), info('fe80::1', 'IPv6')],
      eth1: [
        info('192.168.9.4'),
        info('fd00:9::4', 'IPv6'),
        { ...info('fe80::2', 'IPv6'), scopeid: 7 } as NetworkInterfaceInfo,
      ],
    };
    expect(findPlace(parseNetwork('192.168.9.0/24'), interfaces)).toEqual({
      interface: 'eth1',
      family: 'udp4',
      localAddress: '192.168.9.4',
      target: '192.168.9.255',
      interfaceIndex: 7,
    });
    expect(findPlace(parseNetwork('fd00:9::/64'), interfaces)).toEqual({
      interface: 'eth1',
      family: 'udp6',
      localAddress: 'fd00:9::4',
      target: 'ff02::1%eth1',
      interfaceIndex: 7,
    });
    expect(findPlace(parseNetwork('192.168.8.0/24'), interfaces)).toBeNull();
  });

  it.each(['', '10.0.0.0', '10.0.0.0/31', '10.0.0.0/0', '300.0.0.0/8', 'fd00::/128', '10.0.0.0/8x', 'name/8'])(
    'refuses "%s"',
    (cidr) => {
      expect(() => parseNetwork(cidr)).toThrow();
    },
  );
});

describe('the UDP path', () => {
  it('sends to the broadcast and hears it', async () => {
    const { path, got, port } = await makePath();
    await eventually(() => expect(path.health().ok).toBe(true));
    path.send(Buffer.from('hello'));
    await eventually(() => expect(got).toHaveLength(1));
    expect(got[0]).toEqual({
      text: 'hello',
      source: expect.stringMatching(`^127\\.\\d+\\.\\d+\\.\\d+ ${port}$`),
      path: 'udp:127.0.0.0/8',
    });
    expect(path.status()).toMatchObject({ sent: 1, received: 1, errors: 0, lastError: '' });
    expect(path.target()).toEqual({ address: '127.255.255.255', port, localAddress: expect.any(String) });
  });

  it('hears no unicast: only what is sent to the network', async () => {
    const { path, got, port } = await makePath();
    await eventually(() => expect(path.health().ok).toBe(true));
    const socket = createSocket('udp4');
    open.push(socket);
    await new Promise<void>((resolve) => socket.send('unicast', port, '127.0.0.1', () => resolve()));
    path.send(Buffer.from('broadcast'));
    await eventually(() => expect(got.map(({ text }) => text)).toEqual(['broadcast']));
  });

  it('survives the network going away and coming back', async () => {
    let isThere = false;
    const { path, got } = await makePath('127.0.0.0/8', () => (isThere ? networkInterfaces() : {}));
    expect(path.health()).toEqual({ ok: false, detail: 'no interface that is up has an address in 127.0.0.0/8' });
    path.send(Buffer.from('lost'));
    for (const text of ['first', 'second']) {
      isThere = true;
      path.look();
      await eventually(() => expect(path.health().ok).toBe(true));
      path.send(Buffer.from(text));
      await eventually(() => expect(got.at(-1)?.text).toBe(text));
      isThere = false;
      path.look();
      expect(path.health().ok).toBe(false);
      expect(path.target()).toBeNull();
    }
    expect(got).toHaveLength(2);
  });

  it('counts and shows that it cannot bind, and goes on trying', async () => {
    const { path } = await makePath('203.0.113.0/24', () => ({ lo: [info('203.0.113.5')] }));
    for (const errors of [1, 2]) {
      await eventually(() => expect(path.status().errors).toBe(errors));
      expect(path.health()).toEqual({ ok: false, detail: expect.stringContaining('EADDRNOTAVAIL') });
      path.send(Buffer.from('lost'));
      path.look();
    }
  });

  it('moves with its address', async () => {
    let address = '127.0.0.1';
    const { path, got } = await makePath('127.0.0.0/8', () => ({ lo: [info(address)] }));
    await eventually(() => expect(path.health()).toEqual({ ok: true, detail: 'lo, 127.0.0.1' }));
    address = '127.0.0.2';
    path.look();
    await eventually(() => expect(path.health()).toEqual({ ok: true, detail: 'lo, 127.0.0.2' }));
    path.send(Buffer.from('x'));
    await eventually(() => expect(got).toHaveLength(1));
  });

  it('a datagram too long for the network is an error that is shown, then forgotten', async () => {
    const { path, got } = await makePath();
    await eventually(() => expect(path.health().ok).toBe(true));
    path.send(Buffer.alloc(66_000));
    await eventually(() => expect(path.health().detail).toContain('EMSGSIZE'));
    path.look();
    await eventually(() => expect(path.status().errors).toBe(1));
    await eventually(() => {
      path.send(Buffer.from('x'));
      expect(got.length).toBeGreaterThan(0);
    });
    await eventually(() => expect(path.health().ok).toBe(true));
  });

  it('closes once and for all', async () => {
    const { path } = await makePath();
    path.close();
    path.close();
    path.send(Buffer.from('x'));
    expect(path.status()).toMatchObject({ sent: 0, place: null });
  });
});
