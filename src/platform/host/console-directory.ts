/**
 * The place of a console without privileges below the run directory, which is root's alone:
 *
 * ```
 * DIR/console         root, group of the console's user, 0750: the user enters, and can replace nothing
 *     agent.sock      the user's: it speaks to the agent
 *     state/          the user's, 0700: accounts, audit, certificate
 * ```
 * The console enters it before it gives up its privileges, and then names everything relative to it.
 */
import { chmodSync, chownSync, existsSync, lchownSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const CONSOLE_DIRECTORY = 'console';

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

/** Idempotent. Throws with errno where the directory cannot be made, and what to do where there is no user. */
export function makeConsolePlace(runDir: string): ConsolePlace {
  const directory = consoleDirectory(runDir);
  const place = { directory, ...consoleUser(readFileSync('/etc/passwd', 'utf8'), process.getuid!()) };
  mkdirSync(directory, { recursive: true, mode: 0o750 });
  chownSync(directory, process.getuid!(), place.gid);
  chmodSync(directory, 0o750);
  const state = join(directory, 'state');
  mkdirSync(state, { recursive: true, mode: 0o700 });
  chownSync(state, place.uid, place.gid);
  return place;
}

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
