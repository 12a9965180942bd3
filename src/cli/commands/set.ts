/** `covey set custom.NAME up|down`: the word of a script. */
import { EXIT, UsageError } from '../exit.js';
import type { CliParts } from '../parts.js';

export interface SetFlags {
  readonly runDir: string;
  readonly json?: boolean;
  readonly reason?: string;
}

export async function setCustom(parts: CliParts, checker: string, word: string, flags: SetFlags): Promise<number> {
  const name = /^custom\.(.+)$/.exec(checker)?.[1];
  if (name === undefined)
    throw new UsageError(`"${checker}" cannot be set`, 'write custom.NAME, as in: covey set custom.backup up');
  if (word !== 'up' && word !== 'down')
    throw new UsageError(`"${word}" is neither up nor down`, `write: covey set ${checker} up`);
  const report = await parts.control(flags.runDir).set({ name, isUp: word === 'up', reason: flags.reason ?? '' });
  parts.terminal.line(flags.json === true ? JSON.stringify(report) : report.message);
  return EXIT.ok;
}
