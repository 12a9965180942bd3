/** `covey support`: an archive of what others need to know to help, and of nothing that they must not know. */
import { dirname, resolve } from 'node:path';
import { keyFileIn, parseConfig } from '../../config/load.js';
import { secretFilesOf } from '../../config/secret-files.js';
import type { ConfigText } from '../../control/contract.js';
import { AgentNotRunningError } from '../../control/errors.js';
import { EXIT } from '../exit.js';
import type { CliParts, ControlApi } from '../parts.js';
import { AddressRedactor } from '../support/addresses.js';
import { AGENT_PARTS, collect } from '../support/collect.js';
import { secretRemover } from '../support/secrets.js';
import { tarGz } from '../support/tar.js';

export interface SupportFlags {
  readonly runDir: string;
  readonly output?: string;
  readonly redactAddresses?: boolean;
  readonly json?: boolean;
  /** When no agent runs. */
  readonly config?: string;
}

export async function support(parts: CliParts, flags: SupportFlags): Promise<number> {
  const { terminal } = parts;
  const control = parts.control(flags.runDir);
  const wallTime = parts.wallTime();
  const { version, runTool, readFile } = parts;
  const config = () => configOf(parts, flags);
  const collected = await collect({ control, config, runTool, readFile, version, wallTime, runDir: flags.runDir });
  const { secrets, unread } = await knownSecrets(parts, flags);
  const removeSecrets = secretRemover(secrets);
  const redactor = new AddressRedactor();
  const clean = (text: string) => {
    const safe = removeSecrets(text);
    return flags.redactAddresses === true ? redactor.redact(safe) : safe;
  };
  const top = `covey-support-${wallTime.slice(0, 19).replace(/[-:]/g, '')}`;
  const files = collected.map(({ name, text }) => ({ name: `${top}/${name}`, text: clean(text) }));
  const path = flags.output ?? `${top}.tar.gz`;
  await parts.writePrivateFile(path, tarGz(files, Date.parse(wallTime)));
  const missing = collected.flatMap(({ name }) => (name.endsWith('.missing') ? [name.replace(/\.missing$/, '')] : []));
  const absent = await absentAgent(control);
  const exitCode = exitOf(absent, missing);
  if (flags.json === true) {
    const report = { file: path, files: files.map(({ name }) => name), missing, agent: absent === null };
    terminal.line(JSON.stringify({ version: 1, ...report }));
    return exitCode;
  }
  terminal.line(
    `${path}: ${files.length} files, secrets removed as far as they are known or look like some${flags.redactAddresses === true ? ', addresses replaced' : ''}`,
  );
  if (absent !== null) terminal.errorLine(`covey: ${absent.message}: the archive lacks what only the agent knows`);
  if (missing.length > 0) terminal.errorLine(`could not be had, and the archive says why: ${missing.join(', ')}`);
  for (const file of unread)
    terminal.errorLine(`${file} could not be read: its secret is removed only where it looks like one`);
  if (flags.redactAddresses !== true)
    terminal.errorLine('addresses are in it; without them: covey support --redact-addresses');
  return exitCode;
}

/** The archive is made all the same, but who asks for it by a script must see that half of it is not there. */
function exitOf(absent: AgentNotRunningError | null, missing: readonly string[]): number {
  if (absent !== null) return EXIT.agentNotRunning;
  return missing.some((name) => AGENT_PARTS.includes(name)) ? EXIT.degraded : EXIT.ok;
}

async function absentAgent(control: ControlApi): Promise<AgentNotRunningError | null> {
  try {
    await control.status();
    return null;
  } catch (error) {
    return error instanceof AgentNotRunningError ? error : null;
  }
}

/** That of the agent, or, where none answers, the file that `--config` names. */
async function configOf(parts: CliParts, { runDir, config: file }: SupportFlags): Promise<ConfigText> {
  try {
    return await parts.control(runDir).config(null);
  } catch (error) {
    if (file === undefined) throw error;
    const text = await parts.readConfigFile(file);
    const parsed = parseConfig(text);
    const key = keyFileIn(text);
    const named = parsed.ok ? secretFilesOf(parsed.config) : key === null ? [] : [key];
    return { file, text, secretFiles: named.map((name) => resolve(dirname(file), name)) };
  }
}

/** So that they can be found wherever they stand. */
async function knownSecrets(parts: CliParts, flags: SupportFlags) {
  const { secretFiles } = await configOf(parts, flags).catch(() => ({ secretFiles: [] as readonly string[] }));
  const secrets: string[] = [];
  const unread: string[] = [];
  for (const file of secretFiles) {
    await parts.readFile(file).then(
      (text) => secrets.push(text),
      () => unread.push(file),
    );
  }
  return { secrets, unread };
}
