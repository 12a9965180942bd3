/** What belongs into a support archive. Each part by itself: what cannot be had is said in its place, and hinders no other. */
import { join } from 'node:path';
import type { ConfigText } from '../../control/contract.js';
import type { ControlApi } from '../parts.js';
import type { ArchiveFile } from './tar.js';

/** A command's standard output; rejects with what went wrong. */
export type RunTool = (command: string, words: readonly string[]) => Promise<string>;

export interface CollectParts {
  readonly control: Pick<ControlApi, 'status' | 'events' | 'metrics' | 'keys' | 'probe'>;
  /** Also of an agent that does not run. */
  readonly config: () => Promise<ConfigText>;
  /** Of an agent that does not run, its events are in there. */
  readonly runDir: string;
  readonly runTool: RunTool;
  readonly readFile: (path: string) => Promise<string>;
  readonly version: string;
  readonly wallTime: string;
}

/** Host facts: what the kernel does with the farm's packets. */
const TOOLS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  'host/links.json': ['ip', '-j', '-d', 'link', 'show'],
  'host/addresses.json': ['ip', '-j', 'address', 'show'],
  'host/routes.json': ['ip', '-j', 'route', 'show', 'table', 'all'],
  'host/routes6.json': ['ip', '-j', '-6', 'route', 'show', 'table', 'all'],
  'host/rules.json': ['ip', '-j', 'rule', 'show'],
  'host/neighbours.json': ['ip', '-j', 'neighbour', 'show'],
  'host/sockets.txt': ['ss', '-lntu'],
  'host/nftables.txt': ['nft', 'list', 'ruleset'],
  'host/sysctl.txt': ['sysctl', '-e', 'net.ipv4.conf', 'net.ipv4.ip_forward', 'net.ipv6.conf', 'net.core'],
  'host/kernel.txt': ['uname', '-srvm'],
  'host/journal.txt': ['journalctl', '--no-pager', '-n', '2000', '-u', 'covey*'],
};
const FILES: Readonly<Record<string, string>> = {
  'host/os-release.txt': '/etc/os-release',
  'host/cpuinfo-model.txt': '/proc/cpuinfo',
  'host/memory.txt': '/proc/meminfo',
  'host/interrupts.txt': '/proc/net/softnet_stat',
};
/** What the agent is asked for. */
export const AGENT_PARTS: readonly string[] = [
  'status.json',
  'config.yaml',
  'events.ndjson',
  'metrics.txt',
  'keys.json',
  'probe.json',
];
const MOST_EVENTS = 1000;
/** Of one file of the archive. */
const MOST_CHARACTERS = 4 << 20;

export async function collect(parts: CollectParts): Promise<readonly ArchiveFile[]> {
  const { control } = parts;
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  const asked: Readonly<Record<string, () => Promise<string>>> = {
    'about.txt': async () => `covey ${parts.version}\nnode ${process.version}\nmade ${parts.wallTime}\n`,
    'status.json': async () => json(await control.status()),
    'config.yaml': async () => configText(await parts.config()),
    'events.ndjson': () => eventsText(parts),
    'metrics.txt': async () => (await control.metrics()).text,
    'keys.json': async () => json(await control.keys()),
    'probe.json': async () => json(await control.probe({ apply: false })),
  };
  const tools = Object.entries(TOOLS).map(([name, [command, ...words]]) => {
    return [name, () => parts.runTool(command, words)] as const;
  });
  const files = Object.entries(FILES).map(([name, path]) => [name, () => parts.readFile(path)] as const);
  return Promise.all([...Object.entries(asked), ...tools, ...files].map(([name, get]) => fileOf(name, get)));
}

async function eventsText({ control, readFile, runDir }: CollectParts): Promise<string> {
  try {
    const { events } = await control.events({ since: null, limit: MOST_EVENTS });
    return events.map((event) => `${JSON.stringify({ version: 1, ...event })}\n`).join('');
  } catch (error) {
    // When no agent answers, what happened before is what matters most.
    return readFile(join(runDir, 'events.ndjson')).catch(() => Promise.reject(error));
  }
}

const configText = ({ file, text }: ConfigText) => `# in force; read from ${file}\n${text}`;

async function fileOf(name: string, get: () => Promise<string>): Promise<ArchiveFile> {
  try {
    const text = await get();
    return { name, text: text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}\n[cut here]\n` : text };
  } catch (error) {
    return { name: `${name}.missing`, text: `${error instanceof Error ? error.message : String(error)}\n` };
  }
}
