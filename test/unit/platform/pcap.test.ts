import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { explainedFrame } from '../../../src/agent/explain.js';
import { parseAddress } from '../../../src/buckets/address.js';
import { type CapturedFrame, openFile } from '../../../src/platform/pcap.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'covey-pcap-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A capture file (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html), frames a second apart. */
function captureFile(frames: readonly Uint8Array[], linkType = 1): string {
  const global = Buffer.alloc(24);
  for (const [value, at] of [
    [0xa1b2c3d4, 0],
    [65_535, 16],
    [linkType, 20],
  ] as const)
    global.writeUInt32LE(value, at);
  global.writeUInt16LE(2, 4);
  global.writeUInt16LE(4, 6);
  const records = frames.flatMap((frame, index) => {
    const header = Buffer.alloc(16);
    for (const [place, value] of [1_800_000_000 + index, 250_000, frame.length, frame.length].entries())
      header.writeUInt32LE(value, 4 * place);
    return [header, frame];
  });
  const path = join(directory, 'x.pcap');
  writeFileSync(path, Buffer.concat([global, ...records]));
  return path;
}

const MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);
const packet = (client: string, vip: string, protocol: 'tcp' | 'udp', port: number) =>
  explainedFrame(
    { client: parseAddress(client)!, clientPort: 40_000, vip: parseAddress(vip)!, port, protocol },
    MAC,
    Uint8Array.of(2, 0, 0, 0, 0, 2),
  );

async function read(frames: readonly Uint8Array[], filter = '') {
  const seen: CapturedFrame[] = [];
  const capture = openFile(captureFile(frames), filter, (frame) => seen.push(frame));
  await capture.ended;
  return seen;
}

describe('frames of a capture file', () => {
  it('are decoded, with their time, their length and bytes of their own', async () => {
    const [tcp, udp] = [packet('10.77.0.100', '10.77.0.50', 'tcp', 80), packet('fd77::100', 'fd77::50', 'udp', 53)];
    const seen = await read([tcp, udp]);
    expect(seen.map(({ bytes }) => Buffer.compare(bytes, bytes === seen[0]!.bytes ? tcp : udp))).toEqual([0, 0]);
    expect(seen[0]).toMatchObject({
      atMs: 1_800_000_000_250,
      length: 54,
      decoded: { protocol: 'tcp', from: '10.77.0.100:40000', to: '10.77.0.50:80', detail: 'syn' },
    });
    expect(seen[1]!.decoded.protocol).toBe('udp');
    expect(seen[1]!.decoded.to).toMatch(/^\[fd77:.*50\]:53$/);
  });

  it('are those of the filter', async () => {
    const frames = [80, 81].map((port) => packet('10.77.0.100', '10.77.0.50', 'tcp', port));
    expect((await read(frames, 'tcp dst port 81')).map(({ decoded }) => decoded.to)).toEqual(['10.77.0.50:81']);
  });

  it('may be anything: what cannot be decoded is shown as such, and says nothing on standard output', async () => {
    const { log } = console;
    const said: unknown[] = [];
    console.log = (...words) => said.push(...words);
    try {
      const whole = packet('10.77.0.100', '10.77.0.50', 'tcp', 80);
      const heartbeat = Uint8Array.of(...MAC, ...MAC, 0x88, 0xb5, 1, 2, 3);
      const seen = await read([...Array.from({ length: 20 }, (_, cut) => whole.subarray(0, 14 + 2 * cut)), heartbeat]);
      expect(seen).toHaveLength(21);
      expect(seen.at(-1)!.decoded).toEqual({ protocol: '0x88b5', from: null, to: null, detail: '' });
    } finally {
      console.log = log;
    }
    expect(said).toEqual([]);
  });

  it('are refused with a word that helps', () => {
    const open =
      (path: string, filter = '') =>
      () =>
        openFile(path, filter, () => undefined);
    expect(open(join(directory, 'none.pcap'))).toThrow(/cannot capture from .*none\.pcap/);
    expect(open(captureFile([]), 'port eighty and')).toThrow(/"port eighty and" is no filter/);
    expect(open(captureFile([], 101))).toThrow(/no Ethernet frames/);
  });
});
