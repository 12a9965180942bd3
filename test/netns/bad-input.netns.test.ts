/** Bad input gets a clear error, the right exit code, and changes nothing. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labConfig } from '../../src/lab/config.js';
import { CLI } from '../../src/lab/names.js';
import { run } from '../../src/platform/run.js';
import { useFarm } from './farm.js';
import { hostState } from './host-state.js';

const farm = useFarm('bad', { nodes: 1, client: false, agents: false });
let directory = '';
let before = '';

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'covey-bad-'));
  await run('node', [CLI, 'keygen', join(directory, 'farm.key')]);
  before = await hostState(farm, 'n1');
});

afterAll(() => rmSync(directory, { recursive: true }));

/** Runs `covey run` in n1 with the lab's config and `override`; gives exit code and all that it said. */
async function runAgent(override: string, wrapper: readonly string[] = []) {
  const config = join(directory, 'covey.yaml');
  writeFileSync(config, labConfig({ lab: 'bad', ipv6: false, overrides: override === '' ? [] : [override] }));
  const words = ['node', CLI, 'run', '--config', config, '--node', 'n1', '--run-dir', join(directory, 'run')];
  const child = farm.background('n1', [...wrapper, ...words]);
  const code = await child.ended;
  return { code, said: child.stdout() + child.stderr() };
}

describe('covey run refuses', () => {
  it.each<readonly [string, string, number, RegExp]>([
    ['an interface that is not there', '{ interface: eth7 }', 1, /eth7 does not exist here; there are: .*eth0/],
    ['a loopback interface', '{ interface: lo }', 1, /lo is no Ethernet device/],
    [
      'a VIP that is an address of the host',
      '{ vips: [10.77.0.1/24] }',
      1,
      /10\.77\.0\.1 is already an address of eth0/,
    ],
    ['an unknown key of the config', '{ wizard: yes }', 3, /covey\.yaml:\d+:\d+.*wizard|wizard.*\d+:\d+/s],
    [
      'several faults, all at once',
      '{ vips: [10.77.0/24], reach: magic }',
      3,
      /10\.77\.0\/24[\s\S]*magic|magic[\s\S]*10\.77\.0\/24/,
    ],
    ['a key file that is not there', '{ key: "file:none.key" }', 3, /covey\.yaml:\d+:\d+: key: .*none\.key/],
  ])('%s', async (_, override, code, message) => {
    const result = await runAgent(override);
    expect(result.said).toMatch(message);
    expect(result.code).toBe(code);
    expect(await hostState(farm, 'n1')).toBe(before);
  });

  it('a key file that others can read', async () => {
    const loose = join(directory, 'loose.key');
    writeFileSync(loose, readFileSync(join(directory, 'farm.key')));
    chmodSync(loose, 0o644);
    const { code, said } = await runAgent('{ key: "file:loose.key" }');
    expect(said).toMatch(/loose\.key[\s\S]*chmod/);
    expect(code).toBe(3);
  });

  it.each<readonly [string, readonly string[], RegExp]>([
    ['without CAP_NET_RAW', ['setpriv', '--bounding-set', '-net_raw', '--inh-caps', '-net_raw'], /CAP_NET_RAW/],
    ['without CAP_NET_ADMIN', ['setpriv', '--bounding-set', '-net_admin', '--inh-caps', '-net_admin'], /CAP_NET_ADMIN/],
    [
      'without /dev/net/tun',
      ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs none /dev/net && exec "$0" "$@"'],
      /modprobe tun/,
    ],
  ])('%s', async (_, wrapper, message) => {
    const { code, said } = await runAgent('', wrapper);
    expect(said).toMatch(message);
    expect(code).toBe(1);
    expect(await hostState(farm, 'n1')).toBe(before);
  });
});

describe('covey check-config', () => {
  it("warns of a VIP outside the interface's subnets", async () => {
    const config = join(directory, 'other.yaml');
    writeFileSync(config, labConfig({ lab: 'bad', ipv6: false, overrides: ['{ vips: [192.0.2.9/24] }'] }));
    const { stdout, stderr } = await farm.exec('n1', ['node', CLI, 'check-config', config]);
    expect(stdout + stderr).toMatch(/eth0 has no address of its own in 192\.0\.2\.9\/24/);
  });
});
