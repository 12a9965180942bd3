/**
 * How a new host gets config and key from a running member: by a code that is valid once and for ten minutes, over TCP.
 *
 * ```
 *  newcomer                                          member, while an invite is open
 *     | hello: version, nonce, X25519 key      ---->  |
 *     | <----  hello: version, nonce, X25519 key      |
 *     | sealed request                         ---->  |  it opens: the code was known, and is used up
 *     | <----  sealed answer: config, key             |  it does not: one of few tries is used up
 * ```
 * Both directions are sealed by keys from HKDF over the code (140 bits) and the X25519 secret, salted with both hellos. Who listens
 * learns nothing, not even if he finds the code later; who stands in between without the code cannot make the keys, and of
 * 2^140 codes an invite lets a few be tried.
 */

export const INVITE_PORT = 7948;
export const INVITE_LASTS_MS = 600_000;
/** Wrong codes that end an invite. */
export const INVITE_TRIES = 5;
/** Config and key file with their JSON are far smaller. */
export const MAX_INVITE_BYTES = 1024 * 1024;

/** What a member gives to a newcomer. */
export interface InviteContent {
  readonly version: 1;
  readonly farm: string;
  /** The member that gave it. */
  readonly node: string;
  readonly configText: string;
  /** Text of the key file, all keys of it. */
  readonly keyText: string;
}

/** What a newcomer says of itself, for the member's log. */
export interface JoinRequest {
  readonly version: 1;
  readonly host: string;
}

/** The newcomer's side failed; the message says what was tried, what happened and what to type. */
export class JoinError extends Error {
  override readonly name = 'JoinError';
}
