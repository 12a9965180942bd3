/** E-mail by the mail server that the config names. */
import type { Notify } from '../../config/contract.js';
import type { Notification } from './contract.js';

type Mail = Extract<Notify, { way: 'email' }>;

const SMTPS_PORT = 465;

/**
 * STARTTLS is used where the server offers it, and demanded before a password is given. Without a password a certificate that nobody
 * vouches for is better than none; with one it is refused.
 */
export async function sendMail(mail: Mail, password: string | null, notification: Notification): Promise<void> {
  // Loaded when it is needed: most farms send no mail.
  const { createTransport } = await import('nodemailer');
  const { host, port } = hostAndPort(mail.smtp);
  const hasLogin = mail.user !== null && password !== null;
  const transport = createTransport({
    host,
    port,
    secure: port === SMTPS_PORT,
    requireTLS: hasLogin,
    tls: { rejectUnauthorized: hasLogin },
    connectionTimeout: mail.timeoutMs,
    greetingTimeout: mail.timeoutMs,
    socketTimeout: mail.timeoutMs,
    ...(hasLogin ? { auth: { user: mail.user, pass: password } } : {}),
  });
  try {
    await transport.sendMail({
      from: mail.from,
      to: mail.address,
      subject: `[covey ${notification.farm}] ${notification.node}: ${notification.event}`,
      text: `${notification.text}\n\n${notification.at}\n\n${JSON.stringify(notification, null, 2)}\n`,
      // Mail programs that answer by themselves leave it alone (RFC 3834 section 5).
      headers: { 'Auto-Submitted': 'auto-generated' },
    });
  } finally {
    transport.close();
  }
}

/** `mail.example.org:25` or `[fd77::25]:25`; the config has seen to its form. */
function hostAndPort(text: string): { readonly host: string; readonly port: number } {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) };
}
