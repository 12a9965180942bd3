/**
 * What members say to each other about configs, as `opaque` messages of the peer link (JSON; sealed and ordered, but they may be lost).
 *
 * ```
 *  coordinator                              member
 *      | prepare (text, stamp)  ------------> |  judges it against its own host, gets ready
 *      | <----------- prepared (refusals)     |
 *      | commit | abort  -------------------> |  switches over, or puts everything back
 *      | <----------- committed               |
 *
 *      | have (stamp)  ---------------------> |  to newcomers, after each change, and now and then
 *      | <----------- fetch                   |  it has an earlier one
 *      | config (text, stamp)  -------------> |
 * ```
 */
import { z } from 'zod';
import { MAX_SUPERSEDED } from './revision.js';

/** Kind of the link's opaque messages. */
export const CONFIG_KIND = 'config';

const hash = z.string().regex(/^[0-9a-f]{16}$/);
const stamp = {
  revision: z.int().min(0),
  hash,
  supersedes: z.array(hash).max(MAX_SUPERSEDED).readonly(),
};
const entry = { ...stamp, text: z.string(), at: z.string(), by: z.string(), node: z.string() };
const id = z.string().min(1).max(64);

const message = z.discriminatedUnion('type', [
  z.object({ version: z.literal(1), type: z.literal('prepare'), id, entry: z.object(entry) }),
  /** `refusal` null: ready. */
  z.object({ version: z.literal(1), type: z.literal('prepared'), id, refusal: z.string().nullable() }),
  z.object({ version: z.literal(1), type: z.literal('commit'), id }),
  z.object({ version: z.literal(1), type: z.literal('abort'), id }),
  /** `failure` null: the config is in force. */
  z.object({ version: z.literal(1), type: z.literal('committed'), id, failure: z.string().nullable() }),
  z.object({ version: z.literal(1), type: z.literal('have'), stamp: z.object(stamp) }),
  z.object({ version: z.literal(1), type: z.literal('fetch'), hash }),
  z.object({ version: z.literal(1), type: z.literal('config'), entry: z.object(entry) }),
]);

export type ConfigMessage = z.infer<typeof message>;
type Unversioned<T> = T extends unknown ? Omit<T, 'version'> : never;

export function encodeConfigMessage(body: Unversioned<ConfigMessage>): Uint8Array {
  return Buffer.from(JSON.stringify({ version: 1, ...body }));
}

/** Null: of another version than ours. It is authentic, but its sender may be newer than we are. */
export function decodeConfigMessage(body: Uint8Array): ConfigMessage | null {
  try {
    const parsed = message.safeParse(JSON.parse(Buffer.from(body).toString('utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
