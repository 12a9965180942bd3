import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { confinement } from '../../../src/cli/entry/confinement.js';

const field = (status: string, name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.trim();
/** chown 0, dac_override 1, fowner 3, setgid 6, setuid 7 of linux/capability.h. */
const PLACE = '00000000000000cb';

describe('what a console is started through', () => {
  it('leaves a child of root what taking its place needs, and no way to more', () => {
    const words = confinement(readFileSync('/proc/self/status', 'utf8'));
    const { stdout, stderr } = spawnSync('setpriv', [...words, 'cat', '/proc/self/status'], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(field(stdout, 'NoNewPrivs')).toBe('1');
    expect(['CapPrm', 'CapEff', 'CapBnd'].map((set) => field(stdout, set))).toEqual([PLACE, PLACE, PLACE]);
    expect(['CapInh', 'CapAmb'].map((set) => Number(field(stdout, set)))).toEqual([0, 0]);
  });

  it("leaves a child of the unit's user none of the unit's capabilities", () => {
    const unit = ['--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=+net_raw', '--ambient-caps=+net_raw'];
    const script = 'cat /proc/self/status; exec setpriv "$@" cat /proc/self/status';
    const words = confinement('CapEff:\t0000000000002000\n');
    const { stdout } = spawnSync('setpriv', [...unit, 'sh', '-c', script, 'sh', ...words], { encoding: 'utf8' });
    const [before, after] = stdout.split(/^(?=Name:)/m).filter((text) => text !== '');
    expect(field(before!, 'CapEff')).toBe('0000000000002000');
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) expect(Number(`0x${field(after!, set)}`), set).toBe(0);
    expect(field(after!, 'NoNewPrivs')).toBe('1');
  });

  it('leaves the bounding set alone where it may not change it', () => {
    expect(confinement('CapEff:\t0000000000003000\n').join(' ')).not.toContain('bounding');
    expect(confinement('CapEff:\t0000000000000100\n').join(' ')).toContain('bounding');
  });
});
