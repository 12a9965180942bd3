import { describe, expect, it } from 'vitest';
import { network } from '../../../src/console/limiter.js';
import { HOST, PASSWORD, type Rig, rig } from './rig.js';

const attempt = ({ ask }: Rig, from: string, password: string, name = 'admin') =>
  ask({ method: 'POST', url: '/api/v1/session', payload: { name, password }, remoteAddress: from });
const drain = { method: 'POST', url: '/api/v1/commands', payload: { command: 'drain', node: 'n2' } } as const;
const refusedOf = ({ audit }: Rig) => audit.newest(2000).filter(({ outcome }) => outcome !== 'ok');

describe('wrong passwords', () => {
  it('lock out whoever guesses, and not the owner of the account elsewhere', async () => {
    const console_ = await rig();
    for (let n = 0; n < 7; n++) await attempt(console_, '10.77.0.2', 'guess');
    expect((await attempt(console_, '10.77.0.2', PASSWORD)).statusCode).toBe(429);
    expect((await attempt(console_, '10.77.0.100', PASSWORD)).statusCode).toBe(200);
    expect(console_.pauses).toEqual([]);
  });

  it('from many addresses slow the account down, and never close it', async () => {
    const console_ = await rig();
    for (let host = 0; host < 40; host++) await attempt(console_, `10.78.0.${host}`, 'guess');
    expect(console_.pauses).toEqual([1000, 2000, 3000, 4000, ...Array.from({ length: 16 }, () => 5000)]);
    expect((await attempt(console_, '10.77.0.100', PASSWORD)).statusCode).toBe(200);
    expect(console_.pauses.at(-1)).toBe(5000);
    console_.clock.nowMs += 900_001;
    const before = console_.pauses.length;
    expect((await attempt(console_, '10.77.0.100', PASSWORD)).statusCode).toBe(200);
    expect(console_.pauses.length).toBe(before);
  });

  it('with many names from one address lock that out; an account of its own helps with no name for longer', async () => {
    const console_ = await rig();
    for (let n = 0; n < 5; n++) await attempt(console_, '10.77.0.2', 'guess', `user${n}`);
    expect((await attempt(console_, '10.77.0.2', PASSWORD, 'viewer')).statusCode).toBe(429);
    console_.clock.nowMs += 2001;
    const codes: number[] = [];
    for (let n = 0; n < 10; n++) {
      expect((await attempt(console_, '10.77.0.2', PASSWORD, 'viewer')).statusCode).toBe(200);
      codes.push((await attempt(console_, '10.77.0.2', 'guess')).statusCode);
    }
    expect(codes).toEqual([401, 401, 401, 401, 401, 429, 429, 429, 429, 429]);
  });

  it('count a /64 of IPv6 as one address', () => {
    expect(network('fd77:0:0:1::5')).toBe(network('fd77::1:a:b:c:d'));
    expect(network('fd77:0:0:1::5')).not.toBe(network('fd77:0:0:2::5'));
    expect(network('::1')).toBe('0:0:0:0::/64');
    expect(network('::ffff:10.77.0.1')).toBe(network('10.77.0.1'));
  });
});

describe('who is refused', () => {
  it('is written down: too many attempts, another origin, a missing token of the page, an unknown token', async () => {
    const console_ = await rig();
    const { ask, server, login } = console_;
    const own = await login('operator');
    for (let n = 0; n < 6; n++) await attempt(console_, '10.77.0.2', 'guess');
    await ask({ ...drain, headers: { origin: 'https://evil.example' } }, own);
    await ask(drain, { ...own, token: 'guess' });
    const bad = { host: HOST, authorization: `Bearer ${'x'.repeat(43)}` };
    await server.inject({ ...drain, headers: bad });
    await server.inject({ url: '/api/v1/live', headers: bad });
    const payload = { name: 'ann', password: 'x' };
    await ask({ method: 'POST', url: '/api/v1/session', payload, headers: { origin: 'https://evil.example' } });
    expect(refusedOf(console_).map(({ who, what, outcome }) => [who, what, outcome])).toEqual([
      ...Array.from({ length: 5 }, () => ['admin', 'log in', 'wrong name or password']),
      ['admin', 'log in', 'too many failures: try again in 2 s'],
      ['operator', 'POST /commands', "changes are taken from the console's own page only"],
      ['operator', 'POST /commands', 'the header x-covey-token is missing or wrong'],
      ['a token', 'POST /commands', 'this token is not known, or was revoked'],
      ['a token', 'GET /live', 'this token is not known, or was revoked'],
      ['ann', 'log in', 'logging in is for the console page; scripts use a token'],
    ]);
  });

  it('cannot fill the audit, nor hide others, and the gap is told', async () => {
    const console_ = await rig();
    for (let n = 0; n < 500; n++) await attempt(console_, '10.77.0.2', 'guess');
    expect(refusedOf(console_).length).toBe(10);
    await attempt(console_, '10.77.0.3', 'guess');
    expect(refusedOf(console_).at(-1)).toMatchObject({
      from: '10.77.0.3',
      outcome: 'wrong name or password (490 more refusals before this one were not written down)',
    });
    for (let host = 0; host < 250; host++) await attempt(console_, `10.78.0.${host}`, 'guess');
    expect(refusedOf(console_).length).toBe(60);
    console_.clock.nowMs += 60_000;
    for (let n = 0; n < 20; n++) await attempt(console_, `10.79.0.${n}`, 'guess');
    expect(refusedOf(console_).length).toBe(66);
  });

  it('is no one whose session is merely over', async () => {
    const console_ = await rig();
    expect((await console_.ask({ url: '/api/v1/audit' })).statusCode).toBe(401);
    expect(refusedOf(console_)).toEqual([]);
  });
});
