/** Who asks the agent, in a form that can be logged. */
import type { Requester } from './contract.js';

/** A command that was started by sudo says here for whom. Only root is believed: others could write any name. */
export const CLAIMED_HEADER = 'x-covey-for';

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}$/;

export function requesterOf(
  credentials: { readonly uid: number; readonly user: string | null } | null,
  claimed: string | readonly string[] | undefined,
): Requester {
  const { uid = null, user = null } = credentials ?? {};
  const isName = typeof claimed === 'string' && NAME.test(claimed);
  return { uid, user, claimed: uid === 0 && isName && claimed !== user ? claimed : null };
}

/** `alice (uid 1000)`, `root (uid 0), by sudo for alice as the command says`. */
export function requesterText({ uid, user, claimed }: Requester): string {
  if (uid === null) return 'somebody whom the kernel does not name';
  const who = user === null ? `uid ${uid}` : `${user} (uid ${uid})`;
  return claimed === null ? who : `${who}, by sudo for ${claimed} as the command says`;
}
