/** Questions to the console's server. */
import { BY_ITSELF_HEADER, type ErrorBody, type SessionReport, TOKEN_HEADER } from '../contract.js';

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}

let token = '';

export function useSession(session: SessionReport | null): void {
  token = session?.token ?? '';
}

/**
 * @param byItself nobody has just asked for it.
 * @throws ApiError, also when the server is gone (status 0).
 */
export async function ask<T>(method: string, path: string, body?: object, byItself = false): Promise<T> {
  const headers: Record<string, string> = { [TOKEN_HEADER]: token };
  if (byItself) headers[BY_ITSELF_HEADER] = '1';
  if (body !== undefined) headers['content-type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
    });
  } catch {
    throw new ApiError(
      0,
      'gone',
      'this console does not answer',
      method === 'GET' ? '' : 'what was asked may have happened',
    );
  }
  const answer: unknown = await response.json().catch(() => ({}));
  if (response.ok) return answer as T;
  const { code, message, hint } = (answer as Partial<ErrorBody>).error ?? {};
  throw new ApiError(response.status, code ?? 'unknown', message ?? `HTTP ${response.status}`, hint ?? '');
}
