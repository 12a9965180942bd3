import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { explainedFrame } from '../../../src/agent/explain.js';
import { parseAddress } from '../../../src/buckets/address.js';
import { computePlan } from '../../../src/buckets/plan.js';
import { imagineFarm } from '../../../src/cli/entry/imagine.js';
import type { CliParts } from '../../../src/cli/parts.js';
import { generateKey } from '../../../src/platform/keys-edit.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'covey-imagine-'));
  writeFileSync(join(directory, 'farm.key'), generateKey(), { mode: 0o600 });
});
afterEach(() => rmSync(directory, { recursive: true }));

const CONFIG = `farm: web
key: file:farm.key
interface: eth0
vips: [10.77.0.50/24]
rules:
  - { name: web, protocol: tcp, ports: [80], affinity: connection }
  - { name: db, protocol: tcp, ports: [5432], mode: failover, order: [n9, n2] }
  - { name: no, protocol: tcp, ports: [22], mode: deny }
nodes: { n2: { weight: 2 } }
`;

const farmOf = (nodes: readonly string[]) =>
  imagineFarm(join(directory, 'covey.yaml'), nodes, {
    readConfigFile: async () => CONFIG,
    terminal: { hasColours: false },
  } as unknown as CliParts);

const frame = (port: number, clientPort = 40_000, to = Uint8Array.of(2, 1, 2, 3, 4, 5)) => {
  const packet = { client: parseAddress('10.77.0.100')!, clientPort, vip: parseAddress('10.77.0.50')!, port };
  const bytes = explainedFrame({ ...packet, protocol: 'tcp' }, to, Uint8Array.of(2, 0, 0, 0, 0, 2));
  return { atMs: 1, bytes, length: bytes.length, decoded: { protocol: 'tcp', from: null, to: null, detail: '' } };
};

describe('an imagined farm', () => {
  it('gives each connection to the owner of its bucket by the plan, with the weights of the config', async () => {
    const { judge, vips } = await farmOf(['n1', 'n2']);
    expect(vips).toEqual(['10.77.0.50/24']);
    const members = [
      { name: 'n1', weight: 1 },
      { name: 'n2', weight: 2 },
    ];
    const plan = computePlan(members, { mode: 'balance', order: [], weights: {} });
    const verdicts = judge(Array.from({ length: 600 }, (_, index) => frame(80, 30_000 + index)));
    for (const { verdict, rule, bucket, owner } of verdicts) {
      expect([verdict, rule, owner]).toEqual(['accept', 'web', ['n1', 'n2'][plan[bucket!]!]]);
    }
    const ofN2 = verdicts.filter(({ owner }) => owner === 'n2').length / verdicts.length;
    expect(ofN2).toBeGreaterThan(0.58);
    expect(ofN2).toBeLessThan(0.75);
  });

  it('knows rules and verdicts without the key, but neither bucket nor owner, and says so', async () => {
    rmSync(join(directory, 'farm.key'));
    const { judge, lacks } = await farmOf(['n1', 'n2']);
    expect(lacks).toMatch(/^without the farm's key buckets and owners are not known: .*farm\.key.* does not exist/);
    const nothing = { plan: null, bucket: null, owner: null, planned: null };
    expect(judge([frame(80), frame(22), frame(81)])).toEqual([
      { verdict: 'accept', reason: expect.any(String), rule: 'web', ...nothing },
      { verdict: 'reject', reason: 'rejectedDenied', rule: 'no', ...nothing },
      { verdict: 'reject', reason: 'rejectedNoRule', rule: null, ...nothing },
    ]);
    writeFileSync(join(directory, 'farm.key'), 'nonsense', { mode: 0o600 });
    await expect(farmOf(['n1'])).rejects.toThrow(/farm\.key/);
  });

  it('follows fail-over orders, and rejects where nobody of the order is there', async () => {
    expect((await farmOf(['n1', 'n2'])).judge([frame(5432)])[0]).toMatchObject({ verdict: 'accept', owner: 'n2' });
    expect((await farmOf(['n1', 'n3'])).judge([frame(5432)])[0]).toMatchObject({ verdict: 'reject', owner: null });
  });

  it('names the reason of what no node takes', async () => {
    const { judge } = await farmOf(['n1']);
    expect(judge([frame(22), frame(81)])).toMatchObject([
      { verdict: 'reject', reason: 'rejectedDenied', rule: 'no' },
      { verdict: 'reject', reason: 'rejectedNoRule', rule: null, bucket: null, owner: null },
    ]);
  });

  it('does not mind that the payload was not captured', async () => {
    const { judge } = await farmOf(['n1']);
    const { bytes, ...rest } = frame(80);
    const longer = Uint8Array.from(bytes);
    // 1000 bytes by the IPv4 header, whose checksum (RFC 1071) is made new.
    const view = new DataView(longer.buffer);
    view.setUint16(16, 1000);
    view.setUint16(24, 0);
    let sum = 0;
    for (let at = 14; at < 34; at += 2) sum += view.getUint16(at);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    view.setUint16(24, ~sum & 0xffff);
    expect(judge([{ ...rest, bytes: longer, length: 1014 }])[0]!.verdict).toBe('accept');
    expect(judge([{ ...rest, bytes: longer, length: longer.length }])[0]!.verdict).toBe('reject');
  });
});
