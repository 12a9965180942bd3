/**
 * A farm whose tables of keys are small, flooded with SYNs of sources that do not exist, while clients come and go: it goes on serving,
 * the tables stay within their bounds, and no thread hangs on them.
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VIP } from '../../src/lab/names.js';
import { ROOT, until, useFarm } from './farm.js';

const KEYS = 1024;
const farm = useFarm('flood', { overrides: [`{ table: { keys: ${KEYS} } }`] });
const SENDER = join(ROOT, 'test', 'netns', 'fixtures', 'send-frames.py');
const SYNS = 24_000;
/** So many at once, and then a pause: 4000 a second. */
const AT_ONCE = 40;
const PAUSE_MS = 10;

const word = (value: number): string => (value & 0xffff).toString(16).padStart(4, '0');

/** The ones' complement of the sum of 16-bit words (RFC 1071). */
function checksum(hex: string): string {
  let sum = 0;
  for (let at = 0; at < hex.length; at += 4) sum += Number.parseInt(hex.slice(at, at + 4), 16);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return word(~sum);
}

const TARGET = VIP.split('.')
  .map((part) => Number(part).toString(16).padStart(2, '0'))
  .join('');

/** A SYN to port 80 of the VIP from 11.0.0.0/8, which has no route back. */
function syn(number: number, vmac: string): string {
  const source = `0b${((number * 40_503) & 0xffffff).toString(16).padStart(6, '0')}`;
  const ip = (sum: string) => `45000028000100004006${sum}${source}${TARGET}`;
  const tcp = (sum: string) => `${word(1024 + (number % 60_000))}0050${word(number)}00010000000050020400${sum}0000`;
  const tcpSum = checksum(`${source}${TARGET}00060014${tcp('0000')}`);
  return `${vmac.replaceAll(':', '')}0200000000aa0800${ip(checksum(ip('0000')))}${tcp(tcpSum)}`;
}

describe.sequential('a flood of SYNs at a small table', () => {
  it('fills it and turns it over many times, and costs no client its answer and no node its lease', async () => {
    await farm.whole();
    await farm.exec('client', ['ping', '-c', '1', '-W', '2', VIP]);
    const { stdout } = await farm.exec('client', ['ip', 'neigh', 'show', VIP]);
    const vmac = /lladdr ([0-9a-f:]{17})/.exec(stdout)![1]!;
    const before = await Promise.all(farm.nodes.map((node) => farm.report(node)));
    const load = farm.load(12, 60);
    const lines = Array.from({ length: SYNS }, (_, i) => `${i % AT_ONCE === 0 ? `${PAUSE_MS} ` : ''}${syn(i, vmac)}`);
    const sent = await farm.exec('client', ['python3', SENDER, 'eth0'], {
      input: `${lines.join('\n')}\n`,
      timeoutMs: 60_000,
    });
    expect(Number(sent.stdout)).toBe(SYNS);
    const { lost, requests, errors } = await load.summary;
    expect(requests).toBeGreaterThan(300);
    expect(lost, JSON.stringify(errors)).toBe(0);
    let accepted = 0;
    for (const [index, node] of farm.nodes.entries()) {
      const after = await until(`${node} answers`, () => farm.report(node));
      expect(after.counters.leaseLapses).toBe(before[index]!.counters.leaseLapses);
      expect(Number(after.counters.keys)).toBeLessThanOrEqual(KEYS);
      accepted += Number(after.counters.accepted) - Number(before[index]!.counters.accepted);
    }
    // Each SYN was somebody's: none was malformed, and the tables were turned over many times.
    expect(accepted).toBeGreaterThan(SYNS);
    await farm.whole();
  });
});
