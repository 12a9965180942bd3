/**
 * Leaving with nobody to hand over to. A drain ends when the others have our buckets and our connections are done; the last node of
 * a farm has no others, and would wait for its deadline while new clients keep coming. So it ends when no connection is
 * left, or after {@link ALONE_PATIENCE_MS}.
 */
import type { NodeState } from '../membership/contract.js';
import type { MembershipSnapshot } from './contract.js';

const LOOK_EVERY_MS = 200;
export const ALONE_PATIENCE_MS = 5000;

export interface LeaveParts {
  readonly node: string;
  readonly status: () => Promise<MembershipSnapshot>;
  readonly connections: () => Promise<number>;
  readonly stopNow: (why: string) => void;
  readonly nowMs: () => number;
  readonly pause: (ms: number) => Promise<void>;
}

/** True when no other member lives that could take our share, now or when it has joined. */
export function isLast({ members }: Pick<MembershipSnapshot, 'members'>, node: string): boolean {
  return !members.some(
    ({ name, state }) => name !== node && (state === 'up' || state === 'joining' || state === 'waiting'),
  );
}

/**
 * Watches a drain until it is over, or the node is told to stop because it is the last.
 * @returns the state that came after `draining`; `up` when the share was taken back.
 */
export async function watchLeave(parts: LeaveParts): Promise<NodeState> {
  let aloneSinceMs: number | null = null;
  for (;;) {
    const snapshot = await parts.status();
    if (snapshot.state !== 'draining') return snapshot.state;
    if (isLast(snapshot, parts.node)) aloneSinceMs ??= parts.nowMs();
    else aloneSinceMs = null;
    const why = aloneSinceMs === null ? null : await whyEnd(parts, parts.nowMs() - aloneSinceMs);
    if (why !== null) {
      parts.stopNow(why);
      return 'stopped';
    }
    await parts.pause(LOOK_EVERY_MS);
  }
}

async function whyEnd(parts: LeaveParts, aloneMs: number): Promise<string | null> {
  if ((await parts.connections()) === 0) return 'the last node, and no connection is left';
  return aloneMs >= ALONE_PATIENCE_MS ? 'the last node: nobody takes the rest' : null;
}
