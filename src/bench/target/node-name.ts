/** Which node gave an answer. Pure. */

/** Headers that services and proxies use for it. */
const USUAL = ['x-served-by', 'x-node', 'x-server', 'x-backend', 'x-backend-server', 'x-hostname'];
const LONGEST = 64;

export interface Answer {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

/** Null: it does not say. A body of one word counts, as that of `covey lab`'s service. */
export function nodeOf({ headers, body }: Answer, nodeHeader: string | null): { name: string; by: string } | null {
  for (const header of nodeHeader === null ? USUAL : [nodeHeader.toLowerCase()]) {
    const value = headers[header];
    const text = typeof value === 'string' ? value : value?.[0];
    if (text !== undefined) return { name: text.slice(0, LONGEST), by: `the header ${header}` };
  }
  const word = /^\s*([\w.-]{1,64})\s*$/.exec(body)?.[1];
  return nodeHeader === null && word !== undefined ? { name: word, by: 'the body, which is one word' } : null;
}

export const UNKNOWABLE =
  'nothing: let the services send a header such as X-Served-By with the name of the node, or name theirs (--node-header)';
