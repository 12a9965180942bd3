/** The newcomer's side of an invite. */
import { connect } from 'node:net';
import { z } from 'zod';
import { type InviteContent, JoinError, MAX_INVITE_BYTES } from './contract.js';
import { FramedSocket } from './framed.js';
import { codeBytes, exchangeKeys, HELLO_BYTES, isHello, newHello, openOnce, sealOnce } from './handshake.js';

const JOIN_WITHIN_MS = 15_000;

const contentSchema = z.object({
  version: z.literal(1),
  farm: z.string(),
  node: z.string(),
  configText: z.string(),
  keyText: z.string(),
});

export interface JoinTarget {
  readonly address: string;
  readonly port: number;
  readonly code: string;
  /** Name of this host, for the member's log. */
  readonly host: string;
}

/** Throws {@link JoinError}. */
export async function fetchInvite({ address, port, code, host }: JoinTarget): Promise<InviteContent> {
  const secret = codeBytes(code);
  if (secret === null) throw new JoinError(`that is no code: 28 letters and digits, as covey invite prints them`);
  const socket = connect({ host: address, port });
  const framed = new FramedSocket(socket, JOIN_WITHIN_MS);
  const where = `${address}, port ${port}`;
  try {
    const hello = newHello();
    framed.send(hello.bytes);
    const theirs = await framed.receive(HELLO_BYTES).catch((cause: Error) => {
      throw new JoinError(`no invite is open at ${where} (${cause.message}); there, type: sudo covey invite`, {
        cause,
      });
    });
    if (!isHello(theirs)) throw new JoinError(`what listens at ${where} is no covey`);
    const keys = exchangeKeys(secret, hello, hello.bytes, theirs);
    framed.send(sealOnce(keys.request, { version: 1, host }));
    const sealed = await framed.receive(MAX_INVITE_BYTES).catch((cause: Error) => {
      throw new JoinError(`${where} did not take the code; type it again, or make a new one there: sudo covey invite`, {
        cause,
      });
    });
    // Only who knows the code could seal this.
    const content = contentSchema.safeParse(openOnce(keys.answer, sealed));
    if (!content.success)
      throw new JoinError(`the answer from ${where} is not from who made the code; nothing was taken`);
    return content.data;
  } finally {
    framed.close();
  }
}
