/** The three ways, against servers and commands on this host. */
import { createHmac } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { notification } from '../../../../src/agent/notify/notifier.js';
import { sender } from '../../../../src/agent/notify/send.js';
import type { Notify } from '../../../../src/config/contract.js';

let directory: string;
const closers: (() => void)[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'covey-notify-'));
});
afterEach(() => {
  for (const close of closers.splice(0)) close();
  rmSync(directory, { recursive: true, force: true });
});

const lost = notification('web', {
  seq: 7,
  at: '2026-11-28T12:00:00.000Z',
  node: 'n1',
  event: 'member-lost',
  fields: { name: 'n2', how: 'dead' },
});
const base = { events: ['*'], timeoutMs: 2000 };
const send = (target: Notify) => sender(directory)(target, lost);

const portOf = (server: Pick<Server, 'address'>) => (server.address() as AddressInfo).port;

async function webServer(status: number) {
  const requests: { headers: IncomingHttpHeaders; body: string; url: string | undefined }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      body += part;
    });
    request.on('end', () => {
      requests.push({ headers: request.headers, body, url: request.url });
      response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end('thanks');
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closers.push(() => server.close());
  return { requests, url: `http://127.0.0.1:${portOf(server)}/hook?token=1` };
}

describe('a webhook', () => {
  it('gets JSON that is signed with the secret of the file', async () => {
    writeFileSync(join(directory, 'webhook.secret'), 'geheim\n');
    const { requests, url } = await webServer(204);
    await send({ ...base, way: 'webhook', url, secretFile: 'webhook.secret' });
    const { headers, body, url: path } = requests[0]!;
    expect(path).toBe('/hook?token=1');
    expect(JSON.parse(body)).toEqual(lost);
    expect(lost.text).toBe('web/n1: member-lost name=n2 how=dead');
    const timestamp = headers['x-covey-timestamp'] as string;
    expect(Math.abs(Number(timestamp) - Date.now() / 1000)).toBeLessThan(10);
    const hmac = createHmac('sha256', 'geheim').update(`${timestamp}.${body}`).digest('hex');
    expect(headers['x-covey-signature']).toBe(`sha256=${hmac}`);
  });

  it('is not sent unsigned when its secret cannot be read', async () => {
    const { requests, url } = await webServer(200);
    await expect(send({ ...base, way: 'webhook', url, secretFile: 'missing' })).rejects.toThrow(
      /secret cannot be read/,
    );
    expect(requests).toEqual([]);
  });

  it('gives user and password of its address as a header', async () => {
    const { requests, url } = await webServer(200);
    await send({ ...base, way: 'webhook', url: url.replace('//', '//u:p%40@'), secretFile: null });
    expect(requests[0]!.headers.authorization).toBe(`Basic ${Buffer.from('u:p@').toString('base64')}`);
    expect(requests[0]!.headers['x-covey-signature']).toBeUndefined();
  });

  it.each([500, 404, 302])('has failed with status %i', async (status) => {
    const { requests, url } = await webServer(status);
    await expect(send({ ...base, way: 'webhook', url, secretFile: null })).rejects.toThrow(`HTTP status ${status}`);
    expect(requests).toHaveLength(1);
  });

  it('has failed when nobody listens, and says why', async () => {
    const { url } = await webServer(200);
    for (const close of closers.splice(0)) close();
    const target: Notify = { ...base, way: 'webhook', url, secretFile: null };
    await expect(send(target)).rejects.toThrow(/ECONNREFUSED/);
  });

  it('has failed when no answer comes in time', async () => {
    const server = createServer(() => undefined);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    closers.push(
      () => server.closeAllConnections(),
      () => server.close(),
    );
    const url = `http://127.0.0.1:${portOf(server)}/`;
    await expect(send({ ...base, timeoutMs: 100, way: 'webhook', url, secretFile: null })).rejects.toThrow(
      'no answer within 100 ms',
    );
  });
});

describe('an exec hook', () => {
  it('gets JSON on its standard input', async () => {
    const file = join(directory, 'out');
    await send({ ...base, way: 'exec', command: `cat > ${file}; echo "$COVEY_EVENT $COVEY_NODE" >> ${file}` });
    const [json, words] = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(JSON.parse(json!)).toEqual(lost);
    expect(words).toBe('member-lost n1');
  });

  it('need not read', () => expect(send({ ...base, way: 'exec', command: 'exit 0' })).resolves.toBeUndefined());

  it('has failed with another exit code, and its last words are told', async () => {
    const command = 'echo no such pager >&2; exit 3';
    await expect(send({ ...base, way: 'exec', command })).rejects.toThrow('ended with exit code 3: no such pager');
  });

  it('is killed when it takes too long, with all that it started', async () => {
    const file = join(directory, 'pid');
    const command = `sleep 60 & echo $! > ${file}; wait`;
    await expect(send({ ...base, timeoutMs: 300, way: 'exec', command })).rejects.toThrow('killed after 300 ms');
    const pid = readFileSync(file, 'utf8').trim();
    await expect.poll(() => isRunning(pid)).toBe(false);
  });
});

function isRunning(pid: string): boolean {
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat) && !/^\d+ \(.*\) Z/.test(readFileSync(stat, 'utf8'));
}

/** As much SMTP (RFC 5321) as a server needs to take a message. */
async function mailServer() {
  const messages: { commands: string[]; data: string }[] = [];
  const server = createTcpServer((socket) => {
    const message = { commands: [] as string[], data: '' };
    let isData = false;
    let rest = '';
    socket.on('error', () => undefined);
    socket.write('220 mail.example.org ready\r\n');
    socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\r\n');
      rest = lines.pop()!;
      for (const line of lines) {
        if (isData && line !== '.') {
          message.data += `${line}\n`;
          continue;
        }
        if (isData) messages.push(message);
        else message.commands.push(line);
        isData = line === 'DATA';
        socket.write(
          isData
            ? '354 go on\r\n'
            : line === 'QUIT'
              ? '221 bye\r\n'
              : line === 'STARTTLS'
                ? '502 no TLS here\r\n'
                : '250 ok\r\n',
        );
      }
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closers.push(() => server.close());
  return { messages, smtp: `127.0.0.1:${portOf(server)}` };
}

describe('an e-mail', () => {
  const mail = { ...base, way: 'email', address: 'ops@example.org', from: 'covey@example.org' } as const;

  it('is given to the mail server', async () => {
    const { messages, smtp } = await mailServer();
    await send({ ...mail, smtp, user: null, passwordFile: null });
    const { commands, data } = messages[0]!;
    expect(commands).toContain('MAIL FROM:<covey@example.org>');
    expect(commands).toContain('RCPT TO:<ops@example.org>');
    expect(data).toContain('Subject: [covey web] n1: member-lost');
    expect(data).toContain('web/n1: member-lost name=3Dn2 how=3Ddead'.replaceAll('=3D', '='));
    expect(data).toContain('Auto-Submitted: auto-generated');
  });

  it('gives no password to a server without TLS', async () => {
    writeFileSync(join(directory, 'mail.secret'), 'geheim');
    const { messages, smtp } = await mailServer();
    await expect(send({ ...mail, smtp, user: 'covey', passwordFile: 'mail.secret' })).rejects.toThrow(/STARTTLS|TLS/i);
    expect(messages).toEqual([]);
  });

  it('has failed when nobody listens', async () => {
    await expect(send({ ...mail, smtp: '127.0.0.1:1', user: null, passwordFile: null })).rejects.toThrow(
      /ECONNREFUSED/,
    );
  });
});
