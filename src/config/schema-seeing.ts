/** The form of `metrics` and `notify`: who is told what the node sees. */
import { command, duration, list, section, text, word } from './fields.js';
import { parseHostAndPort } from './ports.js';
import { Problem, shown } from './problem.js';

export const metricsSchema = section('metrics settings such as { listen: "127.0.0.1:9445" }', {
  listen: text('an address with port, such as 127.0.0.1:9445', parseHostAndPort),
});

const webhook = text('an address to post to, such as https://hooks.example.org/covey', (raw) =>
  URL.canParse(raw) && /^https?:\/\//.test(raw)
    ? raw
    : new Problem(`${shown(raw)} is not an http or https address: write e.g. https://hooks.example.org/covey`),
);

/** A secret never stands in the config itself: it is sent around, shown and archived. */
const secretFile = text('a file such as file:webhook.secret', (raw) => {
  const path = /^file:(.+)$/.exec(raw)?.[1];
  return path ?? new Problem(`a secret is kept in a file of its own: write file:PATH, such as file:webhook.secret`);
});

const mail = (what: string) => word(`${what}, such as ops@example.org`, /^[^\s@<>]+@[^\s@<>]+$/);

const eventPattern = word(
  'a kind of event such as member-lost, or checker* for all that begin so',
  /^[a-z0-9-]+\*?$|^\*$/,
);

export const notifySchema = section('a notification such as { webhook: "https://hooks.example.org/covey" }', {
  webhook: webhook.optional(),
  secret: secretFile.optional(),
  exec: command('a shell command').optional(),
  email: mail('an e-mail address').optional(),
  smtp: text('a mail server with port, such as mail.example.org:25', parseHostAndPort).optional(),
  from: mail('the address of the sender').optional(),
  user: word('the name to log in to the mail server with', /\S/).optional(),
  password: secretFile.optional(),
  events: list(eventPattern, 'kinds of events', '[member-lost, state]', 64).optional(),
  timeout: duration(100, 60_000).default(10_000),
});

export const notifyListSchema = list(notifySchema, 'notifications', '[{ exec: "logger -t covey" }]', 16, 0).default([]);
