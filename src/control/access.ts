/** Who asks the agent, in a form that can be logged. */
import type { Requester } from './contract.js';

/**
 * A command that was started by sudo says here for whom, and a console for which of its users (URI-encoded). Only root is believed, or, on
 * the console's own socket, the console: others could write any name.
 */
export const CLAIMED_HEADER = 'x-covey-for';

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}$/;
const LONGEST_CONSOLE_USER = 80;

export function requesterOf(
  credentials: { readonly uid: number; readonly user: string | null } | null,
  claimed: string | readonly string[] | undefined,
  isConsole = false,
): Requester {
  const { uid = null, user = null } = credentials ?? {};
  if (isConsole) return { uid, user, claimed: null, consoleUser: consoleUserOf(claimed) };
  const isName = typeof claimed === 'string' && NAME.test(claimed);
  return { uid, user, claimed: uid === 0 && isName && claimed !== user ? claimed : null };
}

/** Names of tokens are free text; in a log they are one line. */
function consoleUserOf(claimed: string | readonly string[] | undefined): string | null {
  if (typeof claimed !== 'string') return null;
  try {
    const name = decodeURIComponent(claimed).replace(/\p{C}/gu, ' ').trim().slice(0, LONGEST_CONSOLE_USER);
    return name === '' ? null : name;
  } catch {
    return null;
  }
}

/** `alice (uid 1000)`, `root (uid 0), by sudo for alice as the command says`, `ann (console)`. */
export function requesterText({ uid, user, claimed, consoleUser }: Requester): string {
  if (typeof consoleUser === 'string') return `${consoleUser} (console)`;
  if (uid === null) return 'somebody whom the kernel does not name';
  const who = user === null ? `uid ${uid}` : `${user} (uid ${uid})`;
  return claimed === null ? who : `${who}, by sudo for ${claimed} as the command says`;
}

/** By which of the agent's sockets. */
export const requesterWay = ({ consoleUser }: Requester) => (consoleUser === undefined ? 'control socket' : 'console');
