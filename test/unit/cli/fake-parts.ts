import type { CliParts, ControlApi, StoredKey } from '../../../src/cli/parts.js';
import { runCli } from '../../../src/cli/program.js';
import { AgentNotRunningError } from '../../../src/control/errors.js';

/** What one command line did. */
export interface Outcome {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

const nobody = (): never => {
  throw new AgentNotRunningError('/run/covey');
};

/** No agent runs, unless a test says otherwise. */
const SILENT: ControlApi = {
  status: async () => nobody(),
  explain: async () => nobody(),
  command: async () => nobody(),
  events: async () => nobody(),
  metrics: async () => nobody(),
  trace: async () => nobody(),
  reload: async () => nobody(),
  set: async () => nobody(),
  probe: async () => nobody(),
  keys: async () => nobody(),
  reloadKeys: async () => nobody(),
  apply: async () => nobody(),
  config: async () => nobody(),
  configHistory: async () => nobody(),
  invite: async () => nobody(),
};

export interface Fakes {
  readonly control?: Partial<ControlApi>;
  readonly files?: Readonly<Record<string, string>>;
  readonly parts?: Partial<CliParts>;
}

/** Runs a command line: as a shell would split it at spaces, or split already. */
export async function covey(line: string | readonly string[], fakes: Fakes = {}): Promise<Outcome> {
  let out = '';
  let err = '';
  const parts: CliParts = {
    version: '9.8.7',
    hostName: 'n1.example.org',
    terminal: {
      line: (text) => {
        out += `${text}\n`;
      },
      errorLine: (text) => {
        err += `${text}\n`;
      },
      raw: (text) => {
        out += text;
      },
      isInteractive: false,
      size: () => ({ columns: 80, rows: 24 }),
      onResize: () => () => undefined,
      hasColours: false,
    },
    control: () => ({ ...SILENT, ...fakes.control }),
    readFile: async (path) => fakes.files?.[path] ?? Promise.reject(new Error(`no such file: ${path}`)),
    readConfigFile: async (path) => fakes.files?.[path] ?? Promise.reject(new Error('there is no such file')),
    readInput: async () => '',
    environment: { keyFile: () => ({ state: 'good' }), interface: async () => ({ refusals: [], advice: [] }) },
    keys: memoryKeys(),
    setup: {
      user: 'anna',
      schemaPath: '/usr/lib/covey/covey.schema.json',
      detect: async () => null,
      ask: async () => '',
      exists: () => false,
      write: () => undefined,
      fetchInvite: async () => Promise.reject(new Error('nobody is there')),
    },
    run: async () => 0,
    cleanup: async () => ({ undone: [], found: true }),
    console: async () => 0,
    addLabCommands: () => undefined,
    addBenchCommand: () => undefined,
    pause: async () => false,
    nowMs: () => 0,
    exposedOutput: () => null,
    isRoot: false,
    interruption: () => ({ isInterrupted: false, happened: new Promise(() => undefined), release: () => undefined }),
    wallTime: () => '2026-11-28T12:00:00.000Z',
    capture: {
      openLive: () => Promise.reject(new Error('no capture here')) as never,
      checkFile: () => undefined,
      openFile: () => Promise.reject(new Error('no capture here')) as never,
    },
    imagineFarm: async () => Promise.reject(new Error('no farm here')),
    runTool: async (command) => Promise.reject(new Error(`no ${command} here`)),
    writePrivateFile: async () => undefined,
    ...fakes.parts,
  };
  const exitCode = await runCli(parts, typeof line === 'string' ? line.split(' ').filter(Boolean) : line);
  return { exitCode, out, err };
}

/** A key file in memory, with the rules that the CLI relies on. */
export function memoryKeys(): CliParts['keys'] {
  const keys: StoredKey[] = [{ id: '0000000a', isActive: true, isIdentity: true, isRetired: false }];
  const find = (id: string) => {
    const key = keys.find((candidate) => candidate.id.startsWith(id));
    if (key === undefined) throw new Error(`no key ${id}`);
    return key;
  };
  return {
    generate: () => 'covey-key-1:AAAA\n',
    create: () => keys,
    list: () => keys,
    add: (_path, text) => {
      const key = { id: text === null ? '0000000b' : '0000000c', isActive: false, isIdentity: false, isRetired: false };
      keys.push(key);
      return key;
    },
    use: (_path, id, check) => {
      check(find(id).id);
      return find(id).id;
    },
    remove: (_path, id, usedBy) => {
      const users = usedBy(find(id).id);
      if (users.length > 0) throw new Error(`key ${find(id).id} is in use by ${users.join(', ')}`);
      return find(id).id;
    },
    format: (keyId) => keyId.toString(16).padStart(8, '0'),
  };
}
