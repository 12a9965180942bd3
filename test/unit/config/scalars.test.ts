import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  networkOf,
  parseCidr,
  parseHostAddress,
  parseNetwork,
  parseVip,
  whyNotUnicast,
} from '../../../src/config/address.js';
import { formatDuration, parseDuration } from '../../../src/config/duration.js';
import { parseHostAndPort, parsePorts } from '../../../src/config/ports.js';
import { Problem } from '../../../src/config/problem.js';
import { nearestName } from '../../../src/config/suggest.js';

const isBad = (value: unknown) => value instanceof Problem;

describe('durations', () => {
  it.each([
    ['100ms', 100],
    ['5s', 5000],
    ['3m', 180_000],
    ['24h', 86_400_000],
    ['0s', 0],
  ])('%s is %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(['', '5', '5 s', '-5s', '1.5s', '5S', '1m30s', '5d', 's', '1e3ms', '99999999999s'])('%j is none', (text) =>
    expect(isBad(parseDuration(text))).toBe(true),
  );

  it('survive being written and read', () => {
    fc.assert(fc.property(fc.nat(999_999_999), (ms) => parseDuration(formatDuration(ms)) === ms));
  });
});

describe('ports', () => {
  it.each([
    [80, { first: 80, last: 80 }],
    ['80', { first: 80, last: 80 }],
    ['1-65535', { first: 1, last: 65535 }],
    ['7-7', { first: 7, last: 7 }],
  ])('%j', (value, range) => expect(parsePorts(value)).toEqual(range));

  it.each([0, 65536, -1, 1.5, 1e21, Number.NaN, '', '1-', '-1', '1-65536', '2-1', '1 - 2', '0x50'])(
    '%j is none',
    (value) => expect(isBad(parsePorts(value))).toBe(true),
  );

  it.each(['127.0.0.1:80', '[::1]:9443', 'localhost:1'])('%s is a place to listen', (text) =>
    expect(parseHostAndPort(text)).toBe(text),
  );

  it.each(['127.0.0.1', ':80', '::1:80', 'a:0', 'a:65536', 'a b:80', ''])('%j is not', (text) =>
    expect(isBad(parseHostAndPort(text))).toBe(true),
  );
});

describe('addresses', () => {
  it('are written canonically', () => {
    expect(parseCidr('FD77:0:0:0:0:0:0:50/64')).toMatchObject({ text: 'fd77::50/64', prefixLength: 64 });
    expect(parseHostAddress('2001:DB8::1')).toBe('2001:db8::1');
  });

  it.each(['10.0.0.1/0', '10.0.0.1/33', '::1/129', '10.0.0.1/', '10.0.0.1/1a', '10.0.0/8', '/24', '10.0.0.1/24/24'])(
    '%s is no address with prefix',
    (text) => expect(isBad(parseCidr(text))).toBe(true),
  );

  it('of a point-to-point network or a single host may be VIPs', () => {
    expect(isBad(parseVip('10.0.0.0/31'))).toBe(false);
    expect(isBad(parseVip('10.0.0.255/32'))).toBe(false);
    expect(isBad(parseVip('10.0.0.255/24'))).toBe(true);
  });

  it('know their network', () => {
    const address = Uint8Array.of(10, 77, 200, 255);
    expect([...networkOf(address, 20)]).toEqual([10, 77, 192, 0]);
    expect([...networkOf(address, 20, true)]).toEqual([10, 77, 207, 255]);
    expect([...networkOf(address, 32)]).toEqual([10, 77, 200, 255]);
    expect([...networkOf(address, 1, true)]).toEqual([127, 255, 255, 255]);
    expect(isBad(parseNetwork('192.168.9.0/24'))).toBe(false);
  });

  it.each([
    ['0.1.2.3', 'host'],
    ['127.1.2.3', 'loopback'],
    ['224.0.0.1', 'multicast'],
    ['255.255.255.255', 'reserved'],
    ['::', 'host'],
    ['::1', 'loopback'],
    ['ff02::1', 'multicast'],
    ['fe80::1', 'link-local'],
    ['::ffff:10.0.0.1', 'IPv4-mapped'],
  ])('%s cannot be a host: %s', (text, why) => {
    const cidr = parseCidr(`${text}/${text.includes(':') ? 64 : 24}`);
    expect(isBad(cidr)).toBe(false);
    expect(cidr instanceof Problem ? '' : whyNotUnicast(cidr.address)).toContain(why);
  });

  it.each(['10.77.0.50', '223.255.255.254', 'fd77::50', '2001:db8::1', '::2'])('%s can', (text) =>
    expect(isBad(parseHostAddress(text))).toBe(false),
  );
});

describe('nearestName', () => {
  const known = ['affinity', 'protocol', 'ports', 'hold', 'on-fail'];

  it.each([
    ['affinty', 'affinity'],
    ['Affinity', 'affinity'],
    ['portocol', 'protocol'],
    ['port', 'ports'],
    ['onfail', 'on-fail'],
    ['on_fail', 'on-fail'],
  ])('%s is %s', (wrong, meant) => expect(nearestName(wrong, known)).toBe(meant));

  it.each(['telemetry', 'x', 'hello', ''])('%j is none of them', (wrong) =>
    expect(nearestName(wrong, known)).toBe(null),
  );
});
