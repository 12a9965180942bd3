import { execFileSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSealedServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Probe } from '../../../src/checkers/contract.js';
import { diskProbe, execProbe, interfaceVerdict, loadProbe, processProbe } from '../../../src/checkers/probes/host.js';
import { httpProbe } from '../../../src/checkers/probes/http.js';
import { hostAndPort, payloadBytes, pingProbe, tcpProbe, udpProbe } from '../../../src/checkers/probes/network.js';

let directory = '';
const open: (Server | Socket)[] = [];

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'covey-probes-'));
});
afterAll(() => {
  for (const one of open) one.close();
  rmSync(directory, { recursive: true, force: true });
});

async function listening(server: Server): Promise<number> {
  open.push(server);
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', () => ready()));
  return (server.address() as AddressInfo).port;
}

/** The verdict, or what was thrown; called off after a while, as the runner does. */
async function look(probe: Probe, withinMs = 2000) {
  return probe(AbortSignal.timeout(withinMs)).catch((error: Error) => ({ ok: false, detail: error.message }));
}

describe('http', () => {
  let port = 0;
  beforeAll(async () => {
    port = await listening(
      createServer((request, response) => {
        if (request.url === '/never') return;
        response.writeHead(Number(request.url!.slice(1)) || 200);
        response.end('all is well');
      }),
    );
  });
  const probe = (path: string, over: object = {}) =>
    httpProbe({
      type: 'http',
      url: `http://127.0.0.1:${port}/${path}`,
      status: [],
      body: null,
      tlsName: null,
      ...over,
    });

  it.each([
    ['200', {}, true],
    ['302', {}, true],
    ['404', {}, false],
    ['503', {}, false],
    ['404', { status: [404] }, true],
    ['200', { status: [204] }, false],
    ['200', { body: '^all is' }, true],
    ['200', { body: 'ill' }, true],
    ['200', { body: 'broken' }, false],
  ])('status %s, %o', async (path, over, ok) => {
    expect(await look(probe(path, 'body' in over && over.body === 'ill' ? { body: 'well' } : over))).toMatchObject({
      ok,
    });
  });

  it('says what it saw', async () => {
    expect((await look(probe('503'))).detail).toBe('status 503');
    expect((await look(probe('200', { body: 'broken' }))).detail).toBe('status 200, body does not match');
  });

  it('ends when it is called off, and where nobody listens', async () => {
    expect((await look(probe('never'), 100)).ok).toBe(false);
    const nobody = httpProbe({ type: 'http', url: 'http://127.0.0.1:1/', status: [], body: null, tlsName: null });
    expect((await look(nobody)).detail).toContain('ECONNREFUSED');
  });
});

describe('https', () => {
  let port = 0;
  beforeAll(async () => {
    const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
    const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    const name = ['-subj', '/CN=www.example.org', '-addext', 'subjectAltName=DNS:www.example.org,DNS:*.example.net'];
    execFileSync('openssl', [...words, ...name, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const files = { key: readFileSync(key), cert: readFileSync(cert) };
    port = await listening(createSealedServer(files, (_, response) => response.end('sealed')));
  });
  const probe = (tlsName: string | null) =>
    httpProbe({ type: 'http', url: `https://127.0.0.1:${port}/`, status: [], body: 'sealed', tlsName });

  it('without a name any certificate will do; with one it must be the certificate`s', async () => {
    expect((await look(probe(null))).ok).toBe(true);
    expect((await look(probe('www.example.org'))).ok).toBe(true);
    expect((await look(probe('a.example.net'))).ok).toBe(true);
    expect(await look(probe('shop.example.org'))).toMatchObject({ ok: false });
    expect((await look(probe('shop.example.org'))).detail).toContain('the certificate is not for shop.example.org');
  });
});

describe('tcp', () => {
  it('a connection is enough; none is a failure', async () => {
    const port = await listening(createTcpServer());
    expect(await look(tcpProbe({ address: `127.0.0.1:${port}` }))).toEqual({ ok: true, detail: 'connected' });
    expect((await look(tcpProbe({ address: '127.0.0.1:1' }))).detail).toContain('ECONNREFUSED');
  });

  it('addresses in brackets', () => {
    expect(hostAndPort('[::1]:53')).toEqual({ host: '::1', port: 53 });
    expect(hostAndPort('localhost:80')).toEqual({ host: 'localhost', port: 80 });
  });
});

describe('udp', () => {
  let port = 0;
  beforeAll(async () => {
    const server = createSocket('udp4');
    open.push(server as unknown as Socket);
    server.on('message', (message, { port: to, address }) => {
      if (message.length > 0) server.send(Buffer.from([...message].reverse()), to, address);
    });
    await new Promise<void>((ready) => server.bind(0, '127.0.0.1', () => ready()));
    port = server.address().port;
  });
  const probe = (payload: string, expect_: string | null) =>
    udpProbe({ address: `127.0.0.1:${port}`, payload, expect: expect_ });

  it('bytes go out as they are written, and the pattern sees bytes', async () => {
    expect(payloadBytes('\x00\xff')).toEqual(Buffer.from([0, 255]));
    expect(payloadBytes('€')).toEqual(Buffer.from('€'));
    expect((await look(probe('\x00\xff\x07', '^\\x07\\xff\\x00$'))).ok).toBe(true);
    expect(await look(probe('abc', 'xyz'))).toEqual({ ok: false, detail: 'answer of 3 bytes that does not match' });
    expect((await look(probe('abc', null))).ok).toBe(true);
  });

  it('silence, and a port that is closed, are failures', async () => {
    expect((await look(probe('', null), 100)).ok).toBe(false);
    const closed = udpProbe({ address: '127.0.0.1:1', payload: 'x', expect: null });
    expect((await look(closed)).detail).toContain('ECONNREFUSED');
  });
});

describe('ping', () => {
  it('by the round trip; where this host cannot ping at all, nothing hangs on it', async () => {
    expect(await look(pingProbe('10.0.0.1', 1000, async () => 1.25))).toEqual({
      ok: true,
      detail: '10.0.0.1 answers after 1.3 ms',
    });
    expect(await look(pingProbe('10.0.0.1', 1000, async () => null))).toMatchObject({ ok: false });
    const unavailable = pingProbe('10.0.0.1', 1000, async () =>
      Promise.reject(new Error('needs the package raw-socket')),
    );
    expect(await look(unavailable)).toEqual({ ok: null, detail: 'needs the package raw-socket' });
  });
});

describe('process', () => {
  const add = (pid: number, comm: string, cmdline: string, state: string) => {
    const path = join(directory, 'proc', `${pid}`);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'comm'), `${comm}\n`);
    writeFileSync(join(path, 'cmdline'), cmdline);
    writeFileSync(join(path, 'stat'), `${pid} (${comm} x)) ${state} 1 1 1`);
  };
  const named = (process: string) => processProbe({ type: 'process', process, pidFile: null }, join(directory, 'proc'));
  const byFile = (text: string) => {
    const pidFile = join(directory, 'pid');
    writeFileSync(pidFile, text);
    return processProbe({ type: 'process', process: null, pidFile }, join(directory, 'proc'));
  };
  beforeAll(() => {
    add(11, 'nginx', 'nginx: master process\0', 'S');
    add(12, 'a-name-that-is-', '/usr/sbin/a-name-that-is-too-long\0-v\0', 'R');
    add(13, 'stopped', 'stopped\0', 'T');
    add(14, 'zombie', '', 'Z');
  });

  it.each([
    ['nginx', true, 'pid 11 runs'],
    ['a-name-that-is-too-long', true, 'pid 12 runs'],
    ['stopped', false, 'pid 13 is stopped by a signal'],
    ['zombie', false, 'pid 14 is dead, and its parent has not noticed'],
    ['apache2', false, 'no process apache2'],
  ])('%s', async (name, ok, detail) => expect(await look(named(name))).toEqual({ ok, detail }));

  it('by a pid file', async () => {
    expect(await look(byFile('11\n'))).toEqual({ ok: true, detail: 'pid 11 runs' });
    expect(await look(byFile('99\n'))).toEqual({ ok: false, detail: 'pid 99 is gone' });
    expect((await look(byFile('nonsense'))).detail).toContain('holds no pid');
    const missing = processProbe({ type: 'process', process: null, pidFile: '/nowhere/pid' });
    expect((await look(missing)).detail).toContain('ENOENT');
  });
});

describe('interface', () => {
  const up = { flags: ['UP', 'LOWER_UP'], addr_info: [{ local: '10.77.0.1' }, { local: 'fd77::1' }] };

  it.each([
    [null, up, true, 'eth0 is up'],
    ['10.77.0.1', up, true, 'eth0 is up, with 10.77.0.1'],
    ['fd77:0::1', up, true, 'eth0 is up, with fd77:0::1'],
    ['10.77.0.2', up, false, 'eth0 lacks the address 10.77.0.2'],
    [null, { flags: ['UP', 'NO-CARRIER'] }, false, 'eth0 has no carrier'],
    [null, { flags: ['BROADCAST'] }, false, 'eth0 is down'],
    [null, {}, false, 'eth0 is down'],
  ])('address %s of %o', (address, shown, ok, detail) =>
    expect(interfaceVerdict('eth0', address, shown)).toEqual({ ok, detail }),
  );
});

describe('disk, load, exec', () => {
  it('disk: as much is free as wanted, or not', async () => {
    expect((await look(diskProbe('/', 0))).ok).toBe(true);
    expect(await look(diskProbe('/', 101))).toMatchObject({ ok: false });
    expect((await look(diskProbe('/nowhere', 1))).detail).toContain('ENOENT');
  });

  it('load: of the last minute', async () => {
    const file = join(directory, 'loadavg');
    writeFileSync(file, '3.50 1.00 0.50 1/100 4242\n');
    expect(await look(loadProbe(4, file))).toEqual({ ok: true, detail: 'load 3.5' });
    expect(await look(loadProbe(3, file))).toEqual({ ok: false, detail: 'load 3.5' });
  });

  it('exec: by its exit code, killed at once when it is late', async () => {
    let asked: unknown;
    const probe = execProbe('test -e /x', 700, { COVEY_NODE: 'n1' }, async (request) => {
      asked = request;
      return { ok: false, detail: 'exit code 1' };
    });
    expect(await look(probe)).toEqual({ ok: false, detail: 'exit code 1' });
    expect(asked).toMatchObject({ command: ['/bin/sh', '-c', 'test -e /x'], timeoutMs: 700, patienceMs: 0 });
  });
});
