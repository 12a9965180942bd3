import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { fetchInvite } from '../../../../src/platform/invite/caller.js';
import { INVITE_TRIES } from '../../../../src/platform/invite/contract.js';
import {
  codeBytes,
  exchangeKeys,
  newCode,
  newHello,
  openOnce,
  sealOnce,
} from '../../../../src/platform/invite/handshake.js';
import { Invite, type InviteEvent } from '../../../../src/platform/invite/listener.js';

const CONTENT = {
  version: 1,
  farm: 'web',
  node: 'n1',
  configText: 'farm: web\n',
  keyText: 'covey-key-1:SECRET\n',
} as const;
let invite: Invite | null = null;
let events: InviteEvent[] = [];

async function open(lastsMs?: number) {
  events = [];
  const times = lastsMs === undefined ? {} : { lastsMs };
  invite = await Invite.open({
    port: 0,
    content: async () => CONTENT,
    onEvent: (event) => events.push(event),
    ...times,
  });
  return invite;
}

const fetchFrom = ({ port, code }: { readonly port: number; readonly code: string }) =>
  fetchInvite({ address: '127.0.0.1', port, code, host: 'n4' });

const until = async (condition: () => boolean) => {
  for (let turn = 0; turn < 500 && !condition(); turn++) await new Promise((done) => setTimeout(done, 10));
  expect(condition()).toBe(true);
};

afterEach(() => invite?.close());

describe('an invite', () => {
  it('gives config and key to who has the code, once', async () => {
    const { port, code } = await open();
    expect(await fetchFrom({ port, code: code.toLowerCase().replaceAll('-', ' ') })).toEqual(CONTENT);
    expect(events).toEqual([{ type: 'used', by: expect.stringContaining('127.0.0.1'), host: 'n4' }]);
    expect(invite?.isOpen).toBe(false);
    await expect(fetchFrom({ port, code })).rejects.toThrow(/no invite is open/);
  });

  it('gives it to one of two who come at once', async () => {
    const { port, code } = await open();
    const both = await Promise.allSettled([fetchFrom({ port, code }), fetchFrom({ port, code })]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('ends after a few wrong codes, also for who has the right one', async () => {
    const { port, code } = await open();
    for (let turn = 0; turn < INVITE_TRIES; turn++)
      await expect(fetchFrom({ port, code: newCode() })).rejects.toThrow(/did not take the code/);
    await until(() => events.some(({ type }) => type === 'ended'));
    expect(events.filter(({ type }) => type === 'wrong-code')).toHaveLength(INVITE_TRIES);
    await expect(fetchFrom({ port, code })).rejects.toThrow(/no invite is open/);
  });

  it('ends when its time is over', async () => {
    const { port, code } = await open(1);
    await until(() => events.some(({ type }) => type === 'ended'));
    await expect(fetchFrom({ port, code })).rejects.toThrow(/no invite is open/);
  });

  it('is not used up by who speaks another language, or says nothing', async () => {
    const { port, code } = await open();
    const stranger = connect(port, '127.0.0.1');
    stranger.on('error', () => undefined);
    stranger.write('GET / HTTP/1.1\r\n\r\n');
    await new Promise((done) => stranger.once('close', done));
    expect(events).toEqual([]);
    expect(await fetchFrom({ port, code })).toEqual(CONTENT);
  });

  it('a text that cannot be a code is not even sent', async () => {
    await expect(fetchFrom({ port: 1, code: 'OPEN-SESAME' })).rejects.toThrow(/is no code/);
  });
});

describe('who stands in between', () => {
  it('sees neither key nor config pass by, nor the code', async () => {
    const { port, code } = await open();
    const seen: Buffer[] = [];
    const relay = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      const pass = (from: Socket, to: Socket) => {
        from.on('data', (part: Buffer) => {
          seen.push(part);
          to.write(part);
        });
        from.on('close', () => to.destroy());
        from.on('error', () => to.destroy());
      };
      pass(near, far);
      pass(far, near);
    });
    await new Promise<void>((done) => relay.listen(0, done));
    const relayPort = (relay.address() as { port: number }).port;
    expect(await fetchFrom({ port: relayPort, code })).toEqual(CONTENT);
    relay.close();
    const all = Buffer.concat(seen).toString('latin1');
    expect(all.length).toBeGreaterThan(200);
    for (const secret of ['SECRET', 'farm: web', code, code.replaceAll('-', '')]) expect(all).not.toContain(secret);
  });

  it('cannot answer for the member: what it gives is not taken', async () => {
    const impostor = createServer((socket) => {
      socket.on('error', () => undefined);
      const frame = (bytes: Uint8Array) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
      socket.once('data', () => {
        socket.write(frame(newHello().bytes));
        socket.once('data', () => socket.write(frame(sealOnce(new Uint8Array(32), { version: 1 }))));
      });
    });
    await new Promise<void>((done) => impostor.listen(0, done));
    const { port } = impostor.address() as { port: number };
    await expect(fetchFrom({ port, code: newCode() })).rejects.toThrow(/not from who made the code; nothing was taken/);
    impostor.close();
  });
});

describe('the handshake', () => {
  it('gives both sides the same keys only with the same code, and other ones each time', () => {
    const [code, other] = [codeBytes(newCode())!, codeBytes(newCode())!];
    const [a, b] = [newHello(), newHello()];
    const member = exchangeKeys(code, b, a.bytes, b.bytes);
    expect(exchangeKeys(code, a, a.bytes, b.bytes)).toEqual(member);
    expect(exchangeKeys(other, a, a.bytes, b.bytes)).not.toEqual(member);
    const c = newHello();
    expect(exchangeKeys(code, c, c.bytes, b.bytes)).not.toEqual(member);
    expect(openOnce(member.answer, sealOnce(member.request, {}))).toBeNull();
  });

  it('a code has 140 bits in 28 symbols; mistaken letters are forgiven', () => {
    const codes = Array.from({ length: 50 }, newCode);
    expect(new Set(codes).size).toBe(50);
    for (const code of codes) expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}$/);
    expect(codeBytes('OOOO-1111-'.repeat(4).slice(0, 34))).toEqual(codeBytes('0000-IlLi-'.repeat(4).slice(0, 34)));
    expect(codeBytes('U'.repeat(28))).toBeNull();
    expect(codeBytes('')).toBeNull();
  });
});
