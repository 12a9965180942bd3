/**
 * Entry of the console process: takes its place while it is root, gives up every privilege, then serves.
 * `console.js --run-dir DIR [--listen HOST:PORT] [--host NAME]...`, run by hand through `covey console`, or by the supervisor; with
 * `--reset-admin NAME` it gives that user a new password, and ends.
 */
import { appendFileSync, existsSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { hostname, networkInterfaces, setPriority } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { configJsonSchema } from '../../config/json-schema.js';
import { startConsole } from '../../console/console.js';
import { resetPassword } from '../../console/founding.js';
import { AccountStore, type StateFiles } from '../../console/store.js';
import { loadWebFiles } from '../../console/web-files.js';
import { ControlClient } from '../../control/client.js';
import { type ConsolePlace, makeConsolePlace, OLD_STATE, STATE } from '../../platform/host/console-directory.js';
import { moveFiles } from '../../platform/moved-files.js';
import { replaceFile } from '../../platform/private-file.js';
import { stateHomeOf } from './state-home.js';

const NICENESS = 10;
/** The kernel ends the console before anything that serves (proc(5), oom_score_adj). */
const OOM_SCORE = '800';
const DEFAULT_LISTEN = '127.0.0.1:9443';

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const say = (fields: object, message: string, level = 'info') => {
  const time = new Date().toISOString();
  process.stderr.write(`${JSON.stringify({ level, time, part: 'console', ...fields, msg: message })}\n`);
};

/** Before anything that came from outside is read. @returns where all files and the socket lie from now on. */
async function takePlace(runDir: string): Promise<void> {
  setPriority(NICENESS);
  // While the file is still ours: after a change of user it belongs to root.
  writeFileSync('/proc/self/oom_score_adj', OOM_SCORE);
  const place = placeOf(runDir);
  // An agent that does not run yet opens its door when it starts, since the directory is there.
  await new ControlClient(runDir)
    .openDoor()
    .catch((error: Error) => say({ error: error.message }, 'no agent yet', 'warn'));
  enterPlace(place);
}

/** As the agent makes it: one that is not root's owns its run directory, and could not use a place that root has made in it. */
function placeOf(runDir: string): ConsolePlace {
  const owner = statSync(runDir, { throwIfNoEntry: false });
  if (process.getuid!() === 0 && owner !== undefined && owner.uid !== 0) becomeUser(owner.uid, owner.gid);
  return makeConsolePlace(runDir, stateHomeOf(runDir, process.env.STATE_DIRECTORY));
}

function becomeUser(uid: number, gid: number): void {
  process.setgroups!([gid]);
  process.setgid!(gid);
  process.setuid!(uid);
  if (process.getuid!() !== uid || canBeRootAgain()) throw new Error('the privileges could not be given up');
}

function enterPlace(place: ConsolePlace): void {
  // The directories above it are root's alone: from inside, nothing above is needed.
  process.chdir(place.directory);
  if (process.getuid!() === 0) becomeUser(place.uid, place.gid);
  const { moved, left } = moveFiles(OLD_STATE, STATE);
  if (moved.length > 0) say({ moved, to: readlinkSync(STATE) }, 'state moved to where it outlives a boot');
  if (left.length > 0) say({ left, in: OLD_STATE }, 'old state left where it is: there is a newer one', 'warn');
}

function canBeRootAgain(): boolean {
  try {
    process.setuid!(0);
    return true;
  } catch {
    return false;
  }
}

const files: StateFiles = {
  read: (name) => (existsSync(join(STATE, name)) ? readFileSync(join(STATE, name), 'utf8') : null),
  replace: (name, text) => replaceFile(join(STATE, name), text),
  append: (name, text) => appendFileSync(join(STATE, name), text, { mode: 0o600 }),
};

const ownAddresses = () =>
  Object.values(networkInterfaces())
    .flatMap((infos) => infos ?? [])
    .map(({ address }) => address)
    .filter((address) => !address.startsWith('fe80:'));

const OPTIONS = {
  'run-dir': { type: 'string' },
  listen: { type: 'string', default: DEFAULT_LISTEN },
  host: { type: 'string', multiple: true, default: [] as string[] },
  'reset-admin': { type: 'string' },
} as const;

/** Printed on standard output, for the one who typed it; no log has it. */
async function resetAdmin(name: string): Promise<void> {
  const accounts = new AccountStore(files);
  const password = await resetPassword(accounts, name, new Date().toISOString());
  process.stdout.write(`user ${name} (admin), password ${password}\n`);
  process.stdout.write(
    'It counts now; a console that runs takes it over within a second, those of other nodes follow.\n',
  );
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS });
  const reset = values['reset-admin'];
  if (reset !== undefined) {
    enterPlace(placeOf(values['run-dir']!));
    return resetAdmin(reset);
  }
  const web = loadWebFiles(new URL('../../console/web', import.meta.url).pathname);
  await takePlace(values['run-dir']!);
  const running = await startConsole({
    agent: new ControlClient('.'),
    files,
    web,
    listen: values.listen,
    version,
    hostNames: [hostname(), ...values.host].map((name) => name.toLowerCase()),
    schema: configJsonSchema(),
    addresses: ownAddresses(),
    nowMs: () => performance.now(),
    wallMs: () => Date.now(),
    say,
  });
  let isEnding = false;
  const end = (byConfig: boolean) => {
    if (isEnding) return;
    isEnding = true;
    void running.close(byConfig).then(() => process.exit(0));
  };
  // A supervisor ends it for another config, or since the node ends: then the agent answers no more.
  process.once('SIGTERM', () => end(process.connected === true));
  process.once('SIGINT', () => end(false));
  // Without its supervisor nobody would end it.
  process.once('disconnect', () => end(false));
}

main().catch((error: Error) => {
  // A log is for what serves; who gave a new password sits before a terminal.
  if (process.argv.includes('--reset-admin')) process.stderr.write(`covey: ${error.message}\n`);
  else say({ error: error.message }, 'the console cannot run', 'error');
  process.exit(1);
});
