/** Runs the plan of a network: namespaces, devices, rules. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../platform/run.js';
import { labPaths, namespaceOf, PROJECT } from '../names.js';
import { startIn } from '../processes.js';
import type { Profile, Step } from './contract.js';
import { planHost, planSwitch } from './plan.js';

const TAGGER = join(PROJECT, 'scripts', 'lab-tagger.py');

export async function createSwitch(profile: Profile, lab: string): Promise<void> {
  await run('ip', ['netns', 'add', namespaceOf(lab, 'switch')]);
  for (const step of planSwitch(profile)) await carryOut(lab, step);
  // br_netfilter, where it is loaded, shows bridged IP packets to iptables, and drops broken ones: no real switch does.
  if (!existsSync('/proc/sys/net/bridge')) return;
  const settings = ['ip', 'ip6', 'arp'].map((family) => `net.bridge.bridge-nf-call-${family}tables=0`);
  await inside(lab, 'switch', ['sysctl', '-qw', ...settings]);
}

/** A namespace with eth0 on the switch and addresses of its own. `hosts`: all that the lab will have. */
export async function createHost(profile: Profile, lab: string, host: string, hosts: readonly string[]): Promise<void> {
  await run('ip', ['netns', 'add', namespaceOf(lab, host)]);
  // Duplicate address detection would keep the IPv6 address unusable for the first seconds.
  const quiet = ['all', 'default'].map((which) => `net.ipv6.conf.${which}.accept_dad=0`);
  await inside(lab, host, ['sysctl', '-qw', ...quiet]);
  for (const step of planHost(profile, lab, host, hosts)) await carryOut(lab, step);
}

async function inside(lab: string, host: string, command: readonly string[], input?: string): Promise<void> {
  await run('ip', ['netns', 'exec', namespaceOf(lab, host), ...command], input === undefined ? {} : { input });
}

async function carryOut(lab: string, { host, tool, lines }: Step): Promise<void> {
  const input = `${lines.join('\n')}\n`;
  switch (tool) {
    case 'ip':
    case 'bridge':
      await run(tool, ['-n', namespaceOf(lab, host), '-batch', '-'], { input });
      return;
    case 'nft':
      return inside(lab, host, ['nft', '-f', '-'], input);
    case 'sysctl':
      return inside(lab, host, ['sysctl', '-qw', ...lines]);
    case 'tagger': {
      const directory = join(labPaths(lab).directory, host);
      await mkdir(directory, { recursive: true });
      startIn(lab, host, 'tagger', ['python3', TAGGER, ...lines], join(directory, 'tagger.log'));
    }
  }
}
