/** The form of `services`, `checkers` and `console`. */
import { z } from 'zod';
import { parseHostAddress } from './address.js';
import type { CheckerAction } from './contract.js';
import {
  choice,
  command,
  duration,
  expecting,
  integer,
  interfaceName,
  list,
  NAME_PATTERN,
  name,
  section,
  text,
  word,
} from './fields.js';
import { parseHostAndPort } from './ports.js';
import { expected, isMap, Problem, shown } from './problem.js';
import { didYouMean } from './suggest.js';

const DAY_MS = 86_400_000;

const address = text('an address with port, such as 127.0.0.1:80', parseHostAndPort);

/** A pattern in JavaScript's syntax (u flag). */
const pattern = text('a regular expression', (raw) => {
  try {
    new RegExp(raw, 'u');
    return raw;
  } catch (error) {
    return new Problem(`${shown(raw)} is not a regular expression: ${(error as Error).message.replace(/^.*: /, '')}`);
  }
});

export const serviceSchema = section('a service such as { name: nginx, systemd: nginx }', {
  name: name('service'),
  systemd: word('the name of a systemd unit, such as nginx', /^[A-Za-z0-9:_.@\\-]+$/).optional(),
  start: command('a shell command').optional(),
  stop: command('a shell command').optional(),
  restart: command('a shell command').optional(),
  timeout: duration(100, 3_600_000).default(30_000),
  maxRestarts: integer('a whole number', 0, 1000).default(3),
  window: duration(1000, 30 * DAY_MS).default(DAY_MS),
});

const ACTIONS = ['restart', 'wait', 'stop', 'weight', 'notify'] as const;
const ACTION_FORMS = '"restart SERVICE", wait, stop, "weight 50%" or notify';

export function parseAction(raw: string): CheckerAction | Problem {
  const [action = '', argument, ...rest] = raw.trim().split(/\s+/);
  if (rest.length > 0 || !(ACTIONS as readonly string[]).includes(action)) {
    return new Problem(`${shown(raw)} is not an action: write ${ACTION_FORMS}${didYouMean(action, ACTIONS)}`);
  }
  if (action === 'restart') {
    const isName = argument !== undefined && NAME_PATTERN.test(argument);
    return isName ? { action, service: argument } : new Problem('restart lacks its service: write "restart SERVICE"');
  }
  if (action === 'weight') {
    const percent = Number(/^(\d{1,3})%$/.exec(argument ?? '')?.[1] ?? Number.NaN);
    return percent <= 100 ? { action, percent } : new Problem('weight lacks its part: write "weight 50%", 0 to 100');
  }
  if (argument !== undefined) return new Problem(`${action} takes nothing after it: write ${action}`);
  return { action: action as 'wait' | 'stop' | 'notify' };
}

const common = {
  name: name('checker'),
  interval: duration(100, 3_600_000).default(1000),
  timeout: duration(10, 3_600_000).default(1000),
  fall: integer('a whole number', 1, 100).default(3),
  rise: integer('a whole number', 1, 100).default(2),
  grace: duration(0, 3_600_000).default(0),
  'on-fail': text(`an action (${ACTION_FORMS})`, parseAction).default({ action: 'wait' }),
};

const url = text('an address to fetch, such as http://127.0.0.1/health', (raw) =>
  URL.canParse(raw) && /^https?:\/\//.test(raw)
    ? raw
    : new Problem(`${shown(raw)} is not an http or https address: write e.g. http://127.0.0.1/health`),
);

const TARGETS = {
  http: {
    url,
    status: list(integer('a status', 100, 599), 'statuses', '[200]', 32).default([]),
    body: pattern.optional(),
    'tls-name': word('the name that the certificate must have', /^[A-Za-z0-9.*-]+$/).optional(),
  },
  tcp: { address },
  udp: { address, payload: z.string(expecting('the text to send')).default(''), expect: pattern.optional() },
  ping: { address: text('an address such as 10.77.0.1', parseHostAddress) },
  process: {
    process: word('the name of a process', /^[^\s/]+$/).optional(),
    'pid-file': word('the path of a pid file', /^\//).optional(),
  },
  interface: { interface: interfaceName, address: text('an address such as 10.77.0.1', parseHostAddress).optional() },
  exec: { command: command('a shell command') },
  disk: {
    path: word('an absolute path', /^\//),
    free: text('a part such as 10%', (raw) => {
      const percent = Number(/^(\d{1,2})%$/.exec(raw)?.[1] ?? Number.NaN);
      return Number.isNaN(percent) ? new Problem(`${shown(raw)} is not a part of the disk: write e.g. 10%`) : percent;
    }),
  },
  load: { max: z.number(expecting('the highest load, such as 8')).positive(expecting('the highest load, such as 8')) },
  custom: {},
};

const CHECKER_TYPES = Object.keys(TARGETS) as [keyof typeof TARGETS, ...(keyof typeof TARGETS)[]];

function checker<const T extends keyof typeof TARGETS>(type: T) {
  return section('a checker', { ...common, type: z.literal(type), ...TARGETS[type] });
}

/** Says which types there are, where `type` is missing or unknown. */
const checkerTypeSchema = choice(CHECKER_TYPES);

export const checkerSchema = z.discriminatedUnion(
  'type',
  [
    checker('http'),
    checker('tcp'),
    checker('udp'),
    checker('ping'),
    checker('process'),
    checker('interface'),
    checker('exec'),
    checker('disk'),
    checker('load'),
    checker('custom'),
  ],
  {
    error: ({ input }) => {
      if (!isMap(input)) return expected(input, 'a checker such as { name: web, type: tcp, address: "127.0.0.1:80" }');
      return checkerTypeSchema.safeParse(input.type).error?.issues[0]?.message;
    },
  },
);

export const consoleSchema = section('console settings such as { listen: "127.0.0.1:9443" }', {
  listen: text('an address with port, such as 127.0.0.1:9443', parseHostAndPort),
  hosts: list(
    word('a host name such as covey.example.org', /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/),
    'host names',
    '[covey.example.org]',
    16,
  ).default([]),
});
