/** Whether a request was meant for this console, and whether a change comes from its own page. Pure. */
import { isIP } from 'node:net';

interface Headers {
  readonly [name: string]: string | string[] | undefined;
}

/**
 * A name that somebody else's DNS points here must not be served, or its pages could read ours (DNS rebinding). An address cannot be
 * pointed anywhere, so every address is allowed; of names only those that the host is known by.
 */
export function isOurHost(host: string | undefined, names: readonly string[]): boolean {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9_.-]+))(?::\d{1,5})?$/.exec(host ?? '');
  if (match === null) return false;
  if (match[1] !== undefined) return isIP(match[1]) === 6;
  const name = match[2]!.toLowerCase();
  return isIP(name) === 4 || names.includes(name);
}

/** Browsers send Origin with every change, and Sec-Fetch-Site with every request (fetch standard); a page can forge neither. */
export function isSameOrigin(headers: Headers): boolean {
  const { origin, host } = headers;
  if (origin !== undefined) return origin === `https://${host}`;
  return headers['sec-fetch-site'] === 'same-origin';
}
