/** The state of a host that Covey must leave as it found it (I8), as one text to compare. */
import type { Farm } from './farm.js';

/** Counts that move by themselves, whoever does what. */
const NOISE = /nf_conntrack_count|\.stat_refresh|tcp_mem|udp_mem/;
const COMMANDS: readonly (readonly string[])[] = [
  ['ip', '-j', '-d', 'link', 'show'],
  ['ip', '-j', 'address', 'show'],
  ['ip', '-j', 'route', 'show', 'table', 'all'],
  ['ip', '-j', '-6', 'route', 'show', 'table', 'all'],
  ['ip', '-j', 'rule', 'show'],
  ['ip', '-j', '-6', 'rule', 'show'],
  ['ip', '-j', 'maddress', 'show'],
  ['nft', 'list', 'ruleset'],
];

export async function hostState(farm: Farm, host: string): Promise<string> {
  const parts: string[] = [];
  for (const command of COMMANDS) parts.push(`# ${command.join(' ')}\n${(await farm.exec(host, command)).stdout}`);
  const sysctls = (await farm.exec(host, ['sysctl', '-a'])).stdout
    .split('\n')
    .filter((line) => line.startsWith('net.') && !NOISE.test(line));
  return [...parts, '# sysctl -a', ...sysctls].join('\n');
}
