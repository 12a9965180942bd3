/**
 * A farm beside other firewalls: rule sets as ufw, docker and firewalld load them come and go on n1 while it serves.
 *
 *     client ---- switch ---- n1 (the firewall under test), n2
 */
import { describe, expect, it } from 'vitest';
import type { EventReport, StatusReport } from '../../src/control/contract.js';
import { labKill, labStart } from '../../src/lab/lab.js';
import { CLI, labPaths, nodePaths } from '../../src/lab/names.js';
import { until, useFarm } from './farm.js';

const farm = useFarm('firewall', { nodes: 2, overrides: ['{ heartbeat: { lease: 1500ms } }'] });

/** As ufw has it: nothing comes in but what is named. As docker has it: rules for what is local, masquerading, nothing forwarded. */
const UFW_AND_DOCKER = `
flush ruleset
table inet ufw {
  chain input {
    type filter hook input priority filter; policy drop;
    iifname "lo" accept
    ct state established,related accept
    ct state invalid drop
    icmp type echo-request accept
    tcp dport { 22, 80, 7947 } accept
  }
  chain forward { type filter hook forward priority filter; policy drop; }
}
table ip docker {
  chain prerouting { type nat hook prerouting priority dstnat; fib daddr type local counter; }
  chain postrouting { type nat hook postrouting priority srcnat; oifname != "docker0" ip saddr 172.17.0.0/16 masquerade; }
}
`;
/** As firewalld has it for IPv6, and some administrators for IPv4. */
const REVERSE_PATH =
  'table inet strict { chain pre { type filter hook prerouting priority raw; fib saddr . iif oif missing drop; }\n}';

const load = (input: string) => farm.exec('n1', ['nft', '-f', '-'], { input: `${input}\n` });
/** Without counters, which go on by themselves. */
const ruleset = async () => (await farm.exec('n1', ['nft', '-s', 'list', 'ruleset'])).stdout;
const isGuarded = async () => (await ruleset()).includes('table netdev covey-eth0');
const warnings = async () => ((await farm.report('n1')) as unknown as StatusReport).warnings.join('\n');

async function events(name: string): Promise<readonly EventReport[]> {
  const words = ['node', CLI, 'events', '--json', '--limit', '1000', '--run-dir', nodePaths(farm.lab, 'n1').runDir];
  const { stdout } = await farm.exec('n1', words);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as EventReport).filter(({ event }) => event === name);
}

/** 60 requests: who answered, and how many nobody did. */
async function ask(prefix: string): Promise<{ readonly nodes: readonly string[]; readonly failed: number }> {
  const outcomes = await farm.ids({ prefix, count: 60, timeoutMs: 1500 });
  const nodes = [...new Set(outcomes.flatMap(({ node }) => node ?? []))].sort();
  return { nodes, failed: outcomes.filter(({ error }) => error !== null).length };
}

describe.sequential('beside other firewalls', () => {
  it('default-drop chains, NAT and `flush ruleset` under a running farm: it serves, and the guard stands', async () => {
    await load(UFW_AND_DOCKER);
    expect(await isGuarded()).toBe(true);
    expect(await ask('ufw')).toEqual({ nodes: ['n1', 'n2'], failed: 0 });
    expect(await warnings()).not.toContain('firewall');
  });

  it('joins and leaves behind a default-drop chain, and leaves the rules of others as they were', async () => {
    const guarded = await ruleset();
    await labKill(farm.lab, 'n1');
    await until('the guard is gone', async () => !(await isGuarded()));
    const others = await ruleset();
    expect(others).not.toContain('covey');
    expect(guarded).toContain(others.trim().split('\n')[0]);
    await labStart(farm.lab, 'n1');
    await farm.whole(farm.nodes, 30_000);
    expect(await ask('back')).toEqual({ nodes: ['n1', 'n2'], failed: 0 });
    await labKill(farm.lab, 'n1');
    await until('the guard is gone again', async () => !(await isGuarded()));
    expect(await ruleset()).toBe(others);
    await labStart(farm.lab, 'n1');
    await farm.whole(farm.nodes, 30_000);
  });

  it('a reverse-path rule is named by check-config and by status, and what they say to type makes it harmless', async () => {
    await load(REVERSE_PATH);
    // It is a trap indeed: of n1's requests none is answered.
    expect((await ask('trapped')).nodes).toEqual(['n2']);
    const { stdout, stderr } = await farm.exec('n1', ['node', CLI, 'check-config', labPaths(farm.lab).config]);
    const found = /firewall chain inet strict pre has a reverse-path rule.*; type: (.*)/;
    const remedy = found.exec(stdout + stderr)?.[1];
    expect(remedy).toMatch(/^nft insert rule inet strict pre /);
    await until('status names it', async () => found.test(await warnings()), 30_000);
    await farm.exec('n1', ['sh', '-c', remedy!]);
    expect(await ask('cured')).toEqual({ nodes: ['n1', 'n2'], failed: 0 });
  });

  it('rules for the interface alone are named as well', async () => {
    await load(
      'table inet own { chain input { type filter hook input priority 10; iifname "eth0" tcp dport 23 drop; }\n}',
    );
    await until(
      'status names it',
      async () => /firewall chain inet own input has rules for eth0 alone/.test(await warnings()),
      30_000,
    );
    await load('delete table inet own');
    await until('and no longer', async () => !/inet own/.test(await warnings()), 30_000);
  });

  it('a TUN that another tool sets down is set up again, and the event says so', async () => {
    const { stdout } = await farm.exec('n1', ['ip', '-j', 'link', 'show']);
    const tun = (JSON.parse(stdout) as { ifname: string }[]).find(({ ifname }) => ifname.startsWith('covey-'))!.ifname;
    await farm.exec('n1', ['ip', 'link', 'set', 'dev', tun, 'down']);
    await until('it is told', async () =>
      (await events('host')).some(({ fields }) => `${fields.detail}` === `${tun} was down; set again`),
    );
    await farm.whole(farm.nodes, 30_000);
    expect(await ask('up')).toEqual({ nodes: ['n1', 'n2'], failed: 0 });
  });
});
