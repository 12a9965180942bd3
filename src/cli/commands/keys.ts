import type { KeysReport } from '../../control/contract.js';
import { AgentNotRunningError } from '../../control/errors.js';
import { keyFileOf, readConfig, warningLine } from '../config-file.js';
import { EXIT, shellWord, UsageError } from '../exit.js';
import type { CliParts, ExposedFile, StoredKey } from '../parts.js';
import { type Cell, coloured, plain, table } from '../style.js';

export interface KeyFlags {
  readonly runDir: string;
  /** The key file itself, or the config that names it; neither: the running agent's. */
  readonly keyFile?: string;
  readonly config?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

export function keygen(parts: CliParts, file: string | undefined, flags: Pick<KeyFlags, 'json'>): number {
  const { terminal } = parts;
  if (file === undefined) {
    const text = parts.keys.generate();
    terminal.raw(flags.json === true ? `${JSON.stringify({ version: 1, keyFile: null, text })}\n` : text);
    const exposed = parts.exposedOutput();
    if (exposed !== null) terminal.errorLine(warningLine(terminal.hasColours ? coloured : plain, exposedText(exposed)));
    return EXIT.ok;
  }
  if (file.trim() === '') throw new UsageError('the name of the key file is empty', 'covey keygen farm.key');
  const [key] = parts.keys.create(file);
  const report = { id: key!.id, keyFile: file, done: 'made' };
  say(parts, flags, report, `${file}: made, with key ${key!.id}; copy it to every node, mode 0600`);
  return EXIT.ok;
}

/** A shell makes the file of `covey keygen > FILE` by its umask, and no agent takes a key that others know. */
function exposedText({ path, mode }: ExposedFile): string {
  const octal = mode.toString(8).padStart(4, '0');
  const file = path === null ? 'FILE' : shellWord(path);
  return `others may read or change ${path ?? 'the file'}, which holds the key now (mode ${octal}), and covey run refuses it so; type: chmod 0600 ${file}`;
}

export async function listKeys(parts: CliParts, flags: KeyFlags): Promise<number> {
  const report = await agentsKeys(parts, flags);
  const path = await keyPath(parts, flags, report);
  if (flags.json === true) {
    const listed = parts.keys.list(path).map((key) => ({ ...key, usedBy: report && usersOf(parts, report, key.id) }));
    parts.terminal.line(JSON.stringify({ version: 1, keyFile: path, keys: listed }));
    return EXIT.ok;
  }
  const header: Cell[] = [{ text: 'KEY' }, { text: 'ROLE' }, { text: 'IN USE BY' }];
  const rows = parts.keys.list(path).map((key): Cell[] => {
    const users = report === null ? '?' : usersOf(parts, report, key.id).join(', ');
    return [{ text: key.id }, { text: roleOf(key) }, { text: users }];
  });
  for (const line of table([header, ...rows], plain)) parts.terminal.line(line);
  if (report === null) parts.terminal.errorLine('no agent is running here: who uses which key is not known');
  return EXIT.ok;
}

export async function addKey(parts: CliParts, from: string | undefined, flags: KeyFlags): Promise<number> {
  const report = await agentsKeys(parts, flags);
  const text = from === undefined ? null : from === '-' ? await parts.readInput() : await parts.readFile(from);
  const path = await keyPath(parts, flags, report);
  const { id } = parts.keys.add(path, text === null ? null : firstKey(text));
  const next = `copy the file to every node, type covey reload there, then: covey keys use ${id}`;
  say(parts, flags, { id, keyFile: path, done: 'added' }, `key ${id} added to ${path}: valid at once; ${next}`);
  return reload(parts, flags, report);
}

export async function useKey(parts: CliParts, id: string, flags: KeyFlags): Promise<number> {
  const report = await agentsKeys(parts, flags);
  const path = await keyPath(parts, flags, report);
  const used = parts.keys.use(path, id, (full) => {
    if (report !== null && flags.force !== true) refuseUnknown(parts, report, full);
  });
  say(parts, flags, { id: used, keyFile: path, done: 'used' }, `this node seals with key ${used} from now on`);
  return reload(parts, flags, report);
}

/** Refused while a member seals with the key; when no agent can say so, only --force removes. */
export async function removeKey(parts: CliParts, id: string, flags: KeyFlags): Promise<number> {
  const report = await agentsKeys(parts, flags);
  const path = await keyPath(parts, flags, report);
  if (report === null && flags.force !== true) {
    throw new UsageError(
      'no agent is running here, so nobody can say whether the key is in use',
      'start the agent, or remove it all the same with --force',
    );
  }
  const removed = parts.keys.remove(path, id, (full) => (report === null ? [] : usersOf(parts, report, full)));
  say(parts, flags, { id: removed, keyFile: path, done: 'removed' }, `key ${removed} removed from ${path}`);
  return reload(parts, flags, report);
}

function say({ terminal }: CliParts, { json }: Pick<KeyFlags, 'json'>, report: object, text: string): void {
  terminal.line(json === true ? JSON.stringify({ version: 1, ...report }) : text);
}

/** A member that lacks the key would hear us no more, and call us dead. */
function refuseUnknown(parts: CliParts, report: KeysReport, id: string): void {
  const lacking = report.known.filter(({ keyIds }) => !keyIds.some((keyId) => parts.keys.format(keyId) === id));
  if (lacking.length === 0) return;
  const names = lacking.map(({ node }) => node).join(', ');
  throw new UsageError(
    `${names} cannot open key ${id} yet, and would no longer hear this node`,
    `bring the key there first: covey keys add FILE on ${names}`,
  );
}

const usersOf = (parts: CliParts, report: KeysReport, id: string) =>
  report.inUse.filter(({ keyId }) => parts.keys.format(keyId) === id).map(({ node }) => node);

function roleOf(key: StoredKey): string {
  const roles = [key.isActive && 'active', key.isIdentity && 'identity', key.isRetired && 'retired'].filter(Boolean);
  return roles.length === 0 ? 'valid' : roles.join(', ');
}

/** The first line of a key file that holds a key, without its marks. */
function firstKey(text: string): string {
  const line = text.split('\n').find((candidate) => candidate.trim() !== '' && !candidate.trim().startsWith('#'));
  return (line ?? '').trim().split(/\s+/)[0]!;
}

async function keyPath(parts: CliParts, flags: KeyFlags, report: KeysReport | null): Promise<string> {
  if (flags.keyFile !== undefined) return flags.keyFile;
  if (flags.config !== undefined) return keyFileOf(await readConfig(parts, flags.config), flags.config);
  if (report !== null) return report.keyFile;
  throw new UsageError(
    'which key file? no agent is running here that could say',
    'give --key-file FILE or --config FILE',
  );
}

/** Null when no agent runs: the key file can be changed without one. */
async function agentsKeys(parts: CliParts, flags: KeyFlags): Promise<KeysReport | null> {
  return orNull(parts.control(flags.runDir).keys());
}

async function reload(parts: CliParts, flags: KeyFlags, before: KeysReport | null): Promise<number> {
  if (before !== null) await parts.control(flags.runDir).reloadKeys();
  return EXIT.ok;
}

async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof AgentNotRunningError) return null;
    throw error;
  }
}
