/** A webhook: JSON by POST, signed so that its receiver can tell who wrote it, and when. */
import { createHmac } from 'node:crypto';
import type { Notification } from './contract.js';

export const SIGNATURE_HEADER = 'x-covey-signature';
export const TIMESTAMP_HEADER = 'x-covey-timestamp';

/** HMAC-SHA256 over `TIMESTAMP.BODY`: a receiver that looks at the time takes no recording either. */
export function signature(secret: string, timestamp: string, body: string): string {
  return `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`;
}

/** Rejects unless the answer is 2xx. Redirections are not followed: what is signed is for the one that the config names. */
export async function postWebhook(
  url: string,
  secret: string | null,
  notification: Notification,
  timeoutMs: number,
): Promise<void> {
  const { href, authorization } = withoutLogin(url);
  const body = JSON.stringify(notification);
  const timestamp = String(Math.floor(Date.now() / 1000));
  const response = await fetch(href, {
    method: 'POST',
    body,
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
    headers: {
      'content-type': 'application/json',
      'user-agent': 'covey',
      [TIMESTAMP_HEADER]: timestamp,
      ...(secret === null ? {} : { [SIGNATURE_HEADER]: signature(secret, timestamp, body) }),
      ...(authorization === null ? {} : { authorization }),
    },
  }).catch((error: Error) => {
    throw new Error(reasonOf(error, timeoutMs), { cause: error });
  });
  // An answer that nobody reads would hold its connection.
  await response.body?.cancel();
  if (!response.ok) throw new Error(`answered with HTTP status ${response.status}`);
}

/** fetch takes no `user:password@` in an address. */
function withoutLogin(text: string): { readonly href: string; readonly authorization: string | null } {
  const url = new URL(text);
  const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = url.password = '';
  return { href: url.href, authorization: login === ':' ? null : `Basic ${Buffer.from(login).toString('base64')}` };
}

/** fetch says no more than "fetch failed"; the reason is its cause. */
function reasonOf(error: Error, timeoutMs: number): string {
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
  return error.cause instanceof Error ? error.cause.message || String(error.cause) : error.message;
}
