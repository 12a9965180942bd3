/** Who may use the agent's socket: the kernel's word on who is at its other end, and the group that may read. */
import type { Socket } from 'node:net';
import type { SocketAccess } from '../../control/server.js';
import { peerCredentials } from '../../dataplane/native.js';
import { groupId, userName } from '../../platform/users.js';

export const READERS_GROUP = 'covey';

export function socketAccess(): SocketAccess {
  return { groupId: groupId(READERS_GROUP), credentials };
}

function credentials(socket: Socket) {
  const descriptor = descriptorOf(socket);
  if (descriptor === null) return null;
  try {
    const { uid } = peerCredentials(descriptor);
    return { uid, user: userName(uid) };
  } catch {
    // It has gone away meanwhile: nobody is there to be answered.
    return null;
  }
}

/** Node keeps the descriptor of a socket in its handle, and has no other way to it. */
function descriptorOf(socket: Socket): number | null {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: unknown } | null };
  return typeof handle?.fd === 'number' && handle.fd >= 0 ? handle.fd : null;
}
