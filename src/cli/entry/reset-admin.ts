/** Before `covey console --reset-admin`: a mistyped run directory must not become a place with a password that counts nowhere. */
import { accessSync, constants, existsSync } from 'node:fs';
import { ControlClient } from '../../control/client.js';
import { DEFAULT_RUN_DIR } from '../../control/contract.js';
import { hasConsoleState } from '../../platform/host/console-directory.js';
import { UsageError } from '../exit.js';
import { stateHomeOf } from './state-home.js';

/**
 * A console has kept something, or this is its first use: then an agent answers, and a console of it will find the account.
 * @throws UsageError with what to type otherwise; with EACCES where only root could tell.
 */
export async function mustHaveConsole(
  runDir: string,
  home = stateHomeOf(runDir, process.env.STATE_DIRECTORY),
): Promise<void> {
  if (existsSync(runDir)) accessSync(runDir, constants.X_OK);
  if (hasConsoleState(runDir, home)) return;
  const answers = await new ControlClient(runDir).status().then(
    () => true,
    () => false,
  );
  if (answers) return;
  throw new UsageError(
    `no console has been at ${runDir}, and no agent runs there: there is no password to replace`,
    hint(runDir),
  );
}

const hint = (runDir: string) =>
  runDir === DEFAULT_RUN_DIR
    ? 'with another run directory, type: covey console --reset-admin --run-dir DIR'
    : `give the run directory that covey run was given, or none where it was given none (${DEFAULT_RUN_DIR})`;
