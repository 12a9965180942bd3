/**
 * The same traps among the rules of iptables' older kernel part (x_tables), which nft does not show. That of today (iptables-nft)
 * keeps its rules in nftables.
 */
import { readFile } from 'node:fs/promises';
import { run } from '../run.js';
import { matches, type Trap } from './traps.js';

const FAMILIES = [
  { command: 'iptables', tables: '/proc/self/net/ip_tables_names' },
  { command: 'ip6tables', tables: '/proc/self/net/ip6_tables_names' },
] as const;

export async function legacyTraps(interfaceName: string): Promise<readonly Trap[]> {
  const found = await Promise.all(
    FAMILIES.map(async ({ command, tables }) => {
      // Asked only where there are such tables: iptables-legacy-save would load its kernel modules.
      const names = await readFile(tables, 'utf8').catch(() => '');
      return names.trim() === '' ? [] : savedTraps(await saved(command), command, interfaceName);
    }),
  );
  return found.flat();
}

async function saved(command: string): Promise<string> {
  const save = (name: string) => run(name, [], { timeoutMs: 5000 }).then(({ stdout }) => stdout);
  return save(`${command}-legacy-save`).catch(() => save(`${command}-save`).catch(() => ''));
}

/** Exported for tests: from what `iptables-save` prints. */
export function savedTraps(text: string, command: string, interfaceName: string): readonly Trap[] {
  const traps = new Map<string, Trap>();
  let table = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1).trim();
    const [, chain, rest] = /^-A (\S+)(.*)$/.exec(line) ?? [];
    if (chain === undefined || rest === undefined) continue;
    const place = `${command} ${table} ${chain}`;
    const pass = `${command}-legacy -t ${table} -I ${chain} -i covey-+ -j ACCEPT`;
    if (/ -m rpfilter\b/.test(rest)) traps.set(`${place} r`, { place, kind: 'reverse-path', remedy: `type: ${pass}` });
    const asked = / -i (\S+)/.exec(rest)?.[1];
    if (asked !== undefined && matches(asked, '+', interfaceName))
      traps.set(`${place} i`, { place, kind: 'interface', remedy: 'add the same rules with -i covey-+' });
  }
  return [...traps.values()];
}
