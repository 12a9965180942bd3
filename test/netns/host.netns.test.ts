/**
 * I8 of the host part alone: guard, addresses, lock and journal, without a data plane (the test makes the TUN device).
 *
 *     n1 ---- switch        host-holder.mjs runs in n1 as an agent would
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { namespaceOf } from '../../src/lab/names.js';
import { background, ROOT, until, useFarm } from './farm.js';
import { hostState } from './host-state.js';

const farm = useFarm('host', { nodes: 1, client: true, agents: false });
const HOLDER = join(ROOT, 'test', 'netns', 'fixtures', 'host-holder.mjs');
const TUN = 'covey-test';

let runDir = '';

function hold(options: Readonly<Record<string, unknown>> = {}) {
  const all = {
    farm: 'web',
    node: 'n1',
    interface: 'eth0',
    vips: [
      { address: '10.77.0.50', prefixLength: 24 },
      { address: 'fd77::50', prefixLength: 64 },
    ],
    tun: TUN,
    runDir,
    ...options,
  };
  const child = background(['ip', 'netns', 'exec', namespaceOf(farm.lab, 'n1'), 'node', HOLDER, JSON.stringify(all)]);
  const step = (name: string) =>
    until(`host-holder says ${name} (${child.stderr()})`, () =>
      child
        .stdout()
        .split('\n')
        .filter((line) => line !== '')
        .map(
          (line) =>
            JSON.parse(line) as {
              readonly step: string;
              readonly message?: string;
              readonly code?: string;
              readonly detail?: string;
            },
        )
        .find((said) => said.step === name),
    );
  return { child, step };
}

const SENDER = join(ROOT, 'test', 'netns', 'fixtures', 'send-frames.py');

/** An IPv4 header in hex with its checksum put in (RFC 1071). */
function withChecksum(header: string, bytes: number): string {
  let sum = 0;
  for (let at = 0; at < bytes * 2; at += 4) sum += Number.parseInt(header.slice(at, at + 4), 16);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return `${header.slice(0, 20)}${(~sum & 0xffff).toString(16).padStart(4, '0')}${header.slice(24)}`;
}

const onNode = async (...command: string[]): Promise<string> => (await farm.exec('n1', command)).stdout;
const hasGuard = async (): Promise<boolean> => (await onNode('nft', 'list', 'ruleset')).includes('covey-eth0');

describe.sequential('the host', () => {
  let before = '';

  beforeEach(async () => {
    runDir = mkdtempSync(join(tmpdir(), 'covey-host-'));
    // That of the test before goes with its nft child, a moment after its holder.
    await until('no guard is left', async () => !(await hasGuard()));
    before = await hostState(farm, 'n1');
    await onNode('ip', 'tuntap', 'add', 'dev', TUN, 'mode', 'tun');
  });

  afterEach(async () => {
    await farm.exec('n1', ['ip', 'link', 'delete', 'dev', TUN]).catch(() => undefined);
    rmSync(runDir, { recursive: true });
  });

  it('carries the VIPs behind the guard, and is what it was after SIGTERM-like release', async () => {
    const { child, step } = hold({ script: ['lower', 'release'] });
    await step('release');
    expect(await child.ended).toBe(0);
    await onNode('ip', 'link', 'delete', 'dev', TUN);
    expect(await hostState(farm, 'n1')).toBe(before);
  });

  it('never answers ARP for the VIP, and takes no frame for it from the interface', async () => {
    const { child, step } = hold();
    await step('up');
    const arping = await farm
      .exec('client', ['arping', '-c', '3', '-w', '1', '-I', 'eth0', '10.77.0.50'])
      .catch(() => null);
    expect(arping).toBeNull();
    // Even with the right MAC: the kernel owns the address, but not through this interface.
    await farm.exec('client', ['ip', 'neigh', 'replace', '10.77.0.50', 'lladdr', '0a:77:00:00:00:01', 'dev', 'eth0']);
    await expect(farm.exec('client', ['ping', '-c', '2', '-W', '0.3', '10.77.0.50'])).rejects.toThrow();
    child.stop('SIGKILL');
    await child.ended;
    await farm.exec('client', ['ip', 'neigh', 'delete', '10.77.0.50', 'dev', 'eth0']);
  });

  it('takes no frame for the VIP however it is tagged, as long as the tags name no VLAN', async () => {
    const { child, step } = hold();
    await step('up');
    const icmpOf = async (): Promise<number> =>
      Number(/^Icmp: \d+ \d+ \d+ .*$/m.exec(await onNode('cat', '/proc/net/snmp'))![0].split(' ')[1]);
    const heardBefore = await icmpOf();
    const echo = (destination: string): string => {
      const header = `4500001c0000000040010000${'0a4d0064'}${destination}`;
      return `0800${withChecksum(header, 20)}0800f7fe00000001`;
    };
    const frames = ['', '81000000', '88a80000', '8100000081000000', '8100000088a80000', '810000008100000081000000'];
    const frameTo = (destination: string) => (tags: string) => `0a77000000010a7700000064${tags}${echo(destination)}`;
    const send = (input: readonly string[]) =>
      farm.exec('client', ['python3', SENDER, 'eth0'], { input: `${input.join('\n')}\n` });
    await send([...frames.map(frameTo('0a4d0032')), frameTo('0a4d0001')('')]);
    // The last one is for the node's own address, and shows that all before it have been seen.
    await until('the last echo is counted', async () => (await icmpOf()) > heardBefore);
    expect(await icmpOf()).toBe(heardBefore + 1);
    child.stop('SIGKILL');
    await child.ended;
  });

  it.each([
    [
      'rp_filter of the TUN',
      `net.ipv4.conf.${TUN}.rp_filter`,
      '1',
      '2',
      /rp_filter of covey-test was changed; set again/,
    ],
    ['disable_ipv6 of the TUN', `net.ipv6.conf.${TUN}.disable_ipv6`, '1', '0', /fd77::50 not on covey-test; set again/],
  ])('sets %s right again, and says so', async (_what, name, wrong, right, said) => {
    const { child, step } = hold({ watchMs: 50 });
    await step('up');
    await onNode('sysctl', '-qw', `${name}=${wrong}`);
    expect((await step('event')).detail).toMatch(said);
    expect((await onNode('sysctl', '-n', name)).trim()).toBe(right);
    expect(await onNode('ip', 'address', 'show', 'dev', TUN)).toContain('fd77::50/128');
    child.stop('SIGKILL');
    await child.ended;
  });

  it("keeps the guard through another one's flush of the ruleset, and puts back an address that is removed", async () => {
    const { child, step } = hold({ watchMs: 50 });
    await step('up');
    await onNode('nft', 'flush', 'ruleset');
    expect(await hasGuard()).toBe(true);
    await onNode('ip', 'address', 'del', '10.77.0.50/32', 'dev', TUN);
    expect((await step('event')).detail).toContain('10.77.0.50 not on');
    expect(await onNode('ip', 'address', 'show', 'dev', TUN)).toContain('10.77.0.50/32');
    child.stop('SIGKILL');
    await child.ended;
  });

  it('sets the guard again when its nft child is killed', async () => {
    const { child, step } = hold({ watchMs: 50 });
    await step('up');
    const { readFile } = await import('node:fs/promises');
    const journal = JSON.parse(await readFile(join(runDir, 'host.json'), 'utf8')) as {
      readonly guard: { readonly pid: number };
    };
    process.kill(journal.guard.pid, 'SIGKILL');
    expect((await step('event')).detail).toContain('guard');
    expect(await hasGuard()).toBe(true);
    child.stop('SIGKILL');
    await child.ended;
  });

  it('after kill -9 the guard goes by itself, and cleanup removes the rest, twice over', async () => {
    const { child, step } = hold();
    await step('up');
    expect(await hasGuard()).toBe(true);
    child.stop('SIGKILL');
    await child.ended;
    await until('the guard goes with the process', async () => !(await hasGuard()));
    for (const _ of [1, 2]) expect(await hold({ cleanupOnly: true }).child.ended).toBe(0);
    expect(await hostState(farm, 'n1')).toBe(before);
  });

  it('a second agent for the VIP refuses, and names the first', async () => {
    const first = hold();
    await first.step('up');
    const other = mkdtempSync(join(tmpdir(), 'covey-host-'));
    const second = hold({ node: 'n9', runDir: other });
    const refusal = await second.step('error');
    expect(refusal.code).toBe('held');
    expect(refusal.message).toContain(runDir);
    expect(refusal.message).toContain(String(first.child.pid));
    expect(await second.child.ended).toBe(1);
    // A stopped holder cannot answer; it is named all the same.
    first.child.stop('SIGSTOP');
    expect((await hold({ node: 'n9', runDir: other }).step('error')).message).toContain(String(first.child.pid));
    first.child.stop('SIGKILL');
    await first.child.ended;
    rmSync(other, { recursive: true });
  });

  it.each([
    ['no-interface', { interface: 'eth7' }, /eth7 does not exist here; there are: lo, eth0/],
    ['not-ethernet', { interface: 'lo' }, /no Ethernet device/],
    ['busy', { vips: [{ address: '10.77.0.1', prefixLength: 24 }] }, /already an address of eth0/],
  ])('refuses with %s and changes nothing', async (code, options, message) => {
    const { child, step } = hold(options);
    const error = await step('error');
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(await child.ended).toBe(1);
    await onNode('ip', 'link', 'delete', 'dev', TUN);
    expect(await hostState(farm, 'n1')).toBe(before);
  });

  it('needs CAP_NET_RAW and says so', async () => {
    const words = ['setpriv', '--bounding-set', '-net_raw', '--inh-caps', '-net_raw', 'node', HOLDER];
    const options = { farm: 'web', node: 'n1', interface: 'eth0', vips: [], tun: TUN, runDir };
    const child = farm.background('n1', [...words, JSON.stringify(options)]);
    expect(await child.ended).toBe(1);
    expect(child.stdout()).toContain('CAP_NET_RAW');
  });

  it('needs /dev/net/tun and says what to type', async () => {
    const options = JSON.stringify({ farm: 'web', node: 'n1', interface: 'eth0', vips: [], tun: TUN, runDir });
    const script = 'mount -t tmpfs none /dev/net && exec node "$0" "$1"';
    const child = farm.background('n1', ['unshare', '--mount', 'sh', '-c', script, HOLDER, options]);
    expect(await child.ended).toBe(1);
    expect(child.stdout()).toContain('modprobe tun');
  });

  it('needs nft and says what to install', async () => {
    const options = JSON.stringify({
      farm: 'web',
      node: 'n1',
      interface: 'eth0',
      vips: [{ address: '10.77.0.50', prefixLength: 24 }],
      tun: TUN,
      runDir,
    });
    const script = 'mount --bind /dev/null "$(command -v nft)" && exec node "$0" "$1"';
    const child = farm.background('n1', ['unshare', '--mount', 'sh', '-c', script, HOLDER, options]);
    expect(await child.ended).toBe(1);
    expect(child.stdout()).toContain('nft');
  });
});
