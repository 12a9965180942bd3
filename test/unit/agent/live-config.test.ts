/** The order of steps by which a running node takes another config, and that a refusal leaves nothing. */
import { describe, expect, it } from 'vitest';
import { LiveConfig, type LiveConfigParts } from '../../../src/agent/live-config.js';
import { ControlError } from '../../../src/control/errors.js';
import { configFrom, MINIMAL } from '../config/examples.js';

const TWO = MINIMAL.replace('[10.77.0.50/24]', '[10.77.0.50/24, 10.77.0.60/24]');

function bed(running: string, parts: Partial<LiveConfigParts> = {}) {
  const steps: string[] = [];
  const texts = (vips: readonly { readonly address: string }[]) => vips.map(({ address }) => address).join(' ');
  const live = new LiveConfig({
    configFile: 'covey.yaml',
    node: 'n1',
    running: () => configFrom(running),
    host: () => ({
      admit: async (vips) => void steps.push(`admit ${texts(vips)}`),
      keepOnly: async (vips) => void steps.push(`keep only ${texts(vips)}`),
    }),
    whoHas: async (_, vips) => {
      steps.push(`who has ${vips.map(({ text }) => text).join(' ')}`);
      return [];
    },
    hostFaults: async () => [],
    expect: async () => void steps.push('expected'),
    stage: () => {
      steps.push('staged');
      return { commit: () => void steps.push('file'), abort: () => void steps.push('unstaged') };
    },
    switchOver: async () => void steps.push('switch'),
    resetConnections: async (addresses) => {
      steps.push(`reset ${addresses.join(' ')}`);
      return 2;
    },
    follow: () => void steps.push('follow'),
    record: (_level, event, fields) => void steps.push(`${event} ${JSON.stringify(fields)}`),
    ...parts,
  });
  return { live, steps };
}

describe('a new VIP', () => {
  it('is asked for, then guarded and given an address, before any packet for it is taken', async () => {
    const { live, steps } = bed(MINIMAL);
    const prepared = await live.prepare(TWO);
    expect(steps).toEqual(['staged', 'expected', 'who has 10.77.0.60/24', 'admit 10.77.0.60']);
    expect(prepared.changed).toEqual(['VIP 10.77.0.60/24 is new']);
    await prepared.commit();
    expect(steps.slice(4)).toEqual(['switch', 'file', 'follow']);
    await prepared.abort();
    expect(steps).toHaveLength(7);
  });

  it('that another host has is refused, and nothing is left', async () => {
    const { live, steps } = bed(MINIMAL, { whoHas: async () => ['10.77.0.60 belongs to the host with MAC 02:..'] });
    await expect(live.prepare(TWO)).rejects.toThrow(/belongs to the host/);
    expect(steps).toEqual(['staged', 'expected', 'unstaged']);
  });

  it('goes again when the farm does not switch', async () => {
    const { live, steps } = bed(MINIMAL);
    const prepared = await live.prepare(TWO);
    await prepared.abort();
    await prepared.abort();
    expect(steps.slice(4)).toEqual(['unstaged', 'keep only 10.77.0.50']);
  });
});

describe('a VIP that goes', () => {
  it('is let go by the data plane first; then its connections end, and its address goes', async () => {
    const { live, steps } = bed(TWO);
    const prepared = await live.prepare(MINIMAL);
    expect(steps).toEqual(['staged', 'expected']);
    expect(prepared.warnings).toEqual(['VIP 10.77.0.60/24 is no longer served: connections to it end']);
    await prepared.commit();
    expect(steps.slice(2)).toEqual([
      'switch',
      'reset 10.77.0.60',
      'vips-gone {"vips":["10.77.0.60/24"],"connectionsReset":2}',
      'keep only 10.77.0.50',
      'file',
      'follow',
    ]);
  });
});

describe('a refusal', () => {
  it('of the text itself, or of what cannot change, touches nothing', async () => {
    const { live, steps } = bed(MINIMAL);
    await expect(live.prepare(MINIMAL.replace('tcp', 'tpc'))).rejects.toBeInstanceOf(ControlError);
    await expect(live.prepare(`${MINIMAL}capture: ring\n`)).rejects.toThrow(/capture: this cannot change/);
    expect(steps).toEqual([]);
  });

  it('of the host is told in its words', async () => {
    const { live, steps } = bed(MINIMAL, { hostFaults: async () => ['key file farm.key: has mode 0644'] });
    await expect(live.prepare(TWO)).rejects.toThrow('key file farm.key: has mode 0644');
    expect(steps).toEqual([]);
  });

  it('of a full disk comes before the host is touched', async () => {
    const stage = () => {
      throw new Error('ENOSPC');
    };
    const { live, steps } = bed(MINIMAL, { stage });
    await expect(live.prepare(TWO)).rejects.toThrow('ENOSPC');
    expect(steps).toEqual([]);
  });

  it('of the data plane at the last moment puts the host back, and the file is the old one', async () => {
    const switchOver = async () => {
      throw new Error('hangs');
    };
    const { live, steps } = bed(MINIMAL, { switchOver });
    const prepared = await live.prepare(TWO);
    await expect(prepared.commit()).rejects.toThrow('hangs');
    expect(steps.slice(4)).toEqual(['unstaged', 'keep only 10.77.0.50']);
  });

  it('of the file after the switch is told; the config stays in force', async () => {
    const stage = () => ({
      commit: () => {
        throw new Error('EBUSY');
      },
      abort: () => undefined,
    });
    const { live, steps } = bed(MINIMAL, { stage });
    await (await live.prepare(TWO)).commit();
    expect(steps.slice(3)).toEqual(['switch', 'config-not-written {"error":"Error: EBUSY"}', 'follow']);
  });

  it('a text from the file is not written to it again', async () => {
    const { live, steps } = bed(MINIMAL);
    await (await live.prepare(`${MINIMAL}drain: { deadline: 5s }\n`, true)).commit();
    expect(steps).toEqual(['expected', 'switch', 'follow']);
  });
});
