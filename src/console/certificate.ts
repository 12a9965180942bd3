/** The console's certificate: the operator's own, or one that signs itself, made at the first start. */
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

export interface Certificate {
  readonly certificate: string;
  readonly key: string;
  /** SHA-256, `AA:BB:...`, as browsers show it. */
  readonly fingerprint: string;
}

/** openssl is missing, or refused; the message says what to do. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
}

const YEARS = 10;

export function certificateFrom(certificate: string, key: string): Certificate {
  return { certificate, key, fingerprint: new X509Certificate(certificate).fingerprint256 };
}

/** `names`: host names and addresses by which it is reached. P-256, valid for ten years: nobody renews it, and its fingerprint is the trust. */
export async function selfSigned(names: readonly string[]): Promise<Certificate> {
  const alternatives = names.map((name) => (isIP(name) === 0 ? `DNS:${name}` : `IP:${name}`)).join(',');
  // Both come on standard output, so the key never lies in a file that is not ours.
  const pem = await openssl([
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-noenc',
    '-days',
    String(YEARS * 365),
    '-subj',
    '/CN=Covey console',
    '-addext',
    `subjectAltName=${alternatives}`,
    '-addext',
    'extendedKeyUsage=serverAuth',
    '-keyout',
    '-',
    '-out',
    '-',
  ]);
  const certificate = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/.exec(pem)?.[0];
  const key = /-----BEGIN PRIVATE KEY-----[\s\S]*?-----END PRIVATE KEY-----/.exec(pem)?.[0];
  if (certificate === undefined || key === undefined) throw new CertificateError('openssl gave no certificate');
  return certificateFrom(`${certificate}\n`, `${key}\n`);
}

function openssl(words: readonly string[]): Promise<string> {
  return new Promise((done, failed) => {
    execFile('openssl', [...words], { timeout: 30_000 }, (error, stdout, stderr) => {
      if (error === null) return done(stdout);
      const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      const why = isMissing ? 'openssl is not installed: apt-get install openssl' : stderr.trim() || error.message;
      failed(new CertificateError(`no certificate could be made: ${why}`, { cause: error }));
    });
  });
}
