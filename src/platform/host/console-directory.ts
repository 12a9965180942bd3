/**
 * The place of a console without privileges below the run directory, which is root's alone:
 *
 * ```
 * DIR/console         root, group of the console's user, 0750: the user enters, and can replace nothing
 *     agent.sock      the user's: it speaks to the agent
 *     state/          the user's, 0700: accounts, tokens, audit, certificate and its key
 * ```
 * A run directory is gone with the next boot. Where the host has a place that stays, `state` is a link to HOME/console, and what an
 * earlier release kept in DIR is set aside as `state.old`, for the console to move over once it is without privileges.
 * The console enters its place before it gives them up, and then names everything relative to it.
 */
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  symlinkSync,
} from 'node:fs';
import { join, resolve } from 'node:path';

const CONSOLE_DIRECTORY = 'console';
/** Below the console's directory. */
export const STATE = 'state';
export const OLD_STATE = 'state.old';

export interface ConsolePlace {
  readonly directory: string;
  readonly user: string;
  readonly uid: number;
  readonly gid: number;
}

/** Whom the console runs as, the first that there is. */
const USERS = ['covey', 'nobody'] as const;

const consoleDirectory = (runDir: string) => resolve(join(runDir, CONSOLE_DIRECTORY));

/** A console was here before: it comes back by itself when its agent does. */
export const hasConsolePlace = (runDir: string) => existsSync(consoleDirectory(runDir));

/**
 * Idempotent. `home`: directory that outlives a boot; null: there is none but the run directory. Throws with errno where a directory
 * cannot be made, and what to do where there is no user.
 */
export function makeConsolePlace(runDir: string, home: string | null): ConsolePlace {
  const directory = consoleDirectory(runDir);
  const place = { directory, ...consoleUser(readFileSync('/etc/passwd', 'utf8'), process.getuid!()) };
  mkdirSync(directory, { recursive: true, mode: 0o750 });
  chownSync(directory, process.getuid!(), place.gid);
  chmodSync(directory, 0o750);
  const state = placeOfState(directory, home);
  mkdirSync(state, { recursive: true, mode: 0o700 });
  chownSync(state, place.uid, place.gid);
  return place;
}

/** A link that is there already stands: whoever made it, the agent or a console by hand, knew the place, and both must have the same. */
function placeOfState(directory: string, home: string | null): string {
  const state = join(directory, STATE);
  const found = lstatSync(state, { throwIfNoEntry: false });
  if (found?.isSymbolicLink() === true) {
    removeWhenEmpty(join(directory, OLD_STATE));
    return resolve(directory, readlinkSync(state));
  }
  if (home === null) return state;
  // The home first: where it cannot be made, the state stays in reach.
  const isMade = mkdirSync(home, { recursive: true }) !== undefined;
  // Whatever the umask: the console's user must come through.
  if (isMade) chmodSync(home, 0o755);
  return linkState(directory, resolve(home, CONSOLE_DIRECTORY), found !== undefined);
}

/** Agent and console may do so in the same moment: the link is made by one of them. */
function linkState(directory: string, lasting: string, isThere: boolean): string {
  const state = join(directory, STATE);
  try {
    if (isThere) renameSync(state, join(directory, OLD_STATE));
    symlinkSync(lasting, state);
    return lasting;
  } catch (error) {
    if (lstatSync(state, { throwIfNoEntry: false })?.isSymbolicLink() !== true) throw error;
    return resolve(directory, readlinkSync(state));
  }
}

/** Left over from a move; what is in it then could not be moved. */
function removeWhenEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** Whether a console was ever made a place here. For whoever may enter the run directory; others are told false. */
export const hasConsoleState = (runDir: string, home: string | null): boolean =>
  existsSync(join(consoleDirectory(runDir), STATE)) || (home !== null && existsSync(join(home, CONSOLE_DIRECTORY)));

/** Gives the agent's second socket to the console's user. */
export function giveToConsole(place: ConsolePlace, path: string): void {
  lchownSync(path, place.uid, place.gid);
}

/** From the lines of passwd(5). An agent that is not root's keeps its own user. */
export function consoleUser(passwd: string, ownUid: number): Omit<ConsolePlace, 'directory'> {
  const accounts = passwd.split('\n').map((line) => line.split(':'));
  const found =
    ownUid === 0
      ? USERS.map((user) => accounts.find(([name]) => name === user)).find((account) => account !== undefined)
      : accounts.find(([, , uid]) => uid === String(ownUid));
  if (found === undefined)
    throw new Error('there is neither a user covey nor nobody for the console; make one: useradd --system covey');
  return { user: found[0]!, uid: Number(found[2]), gid: Number(found[3]) };
}
