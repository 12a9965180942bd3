/** `http` and `https`: a GET, its status, and what its body says. */
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request as sealedRequest } from 'node:https';
import { checkServerIdentity, type TLSSocket } from 'node:tls';
import type { CheckerTarget } from '../../config/contract.js';
import type { Probe, Verdict } from '../contract.js';

/** As much of a body as is searched. */
const MOST_BODY_BYTES = 64 * 1024;

type HttpTarget = Extract<CheckerTarget, { type: 'http' }>;

export function httpProbe(target: HttpTarget): Probe {
  const url = new URL(target.url);
  const body = target.body === null ? null : new RegExp(target.body, 'u');
  return async (signal) => {
    const response = await get(url, target.tlsName, signal);
    const status = response.statusCode ?? 0;
    const certificate = target.tlsName === null ? null : certificateFault(response.socket as TLSSocket, target.tlsName);
    if (certificate !== null) return gone(response, { ok: false, detail: certificate });
    if (!isExpected(status, target.status)) return gone(response, { ok: false, detail: `status ${status}` });
    if (body === null) return gone(response, { ok: true, detail: `status ${status}` });
    const isFound = body.test(await start(response));
    return gone(response, { ok: isFound, detail: `status ${status}, body ${isFound ? 'matches' : 'does not match'}` });
  };
}

/** Unless the config says otherwise: that it went well, or went elsewhere. */
function isExpected(status: number, wanted: readonly number[]): boolean {
  return wanted.length === 0 ? status >= 200 && status < 400 : wanted.includes(status);
}

function get(url: URL, tlsName: string | null, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { 'user-agent': 'covey', connection: 'close' };
    // Each check is a connection of its own, as a new client's is. Who signed the certificate is for clients to judge; a check at
    // 127.0.0.1 could not, by its name. The name is asked for by SNI and compared in `certificateFault`.
    const name = tlsName === null ? {} : { servername: tlsName };
    const asked =
      url.protocol === 'https:'
        ? sealedRequest(url, { agent: false, signal, headers, rejectUnauthorized: false, ...name }, resolve)
        : plainRequest(url, { agent: false, signal, headers }, resolve);
    asked.on('error', reject);
    asked.end();
  });
}

function certificateFault(socket: TLSSocket, name: string): string | null {
  const certificate = socket.getPeerCertificate();
  if (certificate.valid_to === undefined) return 'no certificate came';
  const wrong = checkServerIdentity(name, certificate);
  if (wrong !== undefined) return `the certificate is not for ${name}: ${wrong.message}`;
  if (Date.parse(certificate.valid_to) < Date.now()) return `the certificate ran out on ${certificate.valid_to}`;
  return null;
}

async function start(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    parts.push(part);
    bytes += part.length;
    if (bytes >= MOST_BODY_BYTES) break;
  }
  return Buffer.concat(parts).subarray(0, MOST_BODY_BYTES).toString('utf8');
}

function gone(response: IncomingMessage, verdict: Verdict): Verdict {
  response.destroy();
  return verdict;
}
