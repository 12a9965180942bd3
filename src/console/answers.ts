/** What each operation of the API answers, for the OpenAPI file: by method and path, as in the table of routes. */
import { z } from 'zod';
import {
  applied,
  buckets,
  commanded,
  config,
  event,
  explained,
  history,
  peer,
  probed,
  status,
  told,
} from './answers-farm.js';
import {
  type AuditEntry,
  type Frame,
  ROLES,
  type SessionReport,
  type TokenReport,
  type TrafficReport,
  type TrafficSecond,
  type UserReport,
} from './contract.js';

const role = z.enum(ROLES);
const rate = z.number().nullable().describe('Packets a second; null: the node was not heard.');
const rates = z.array(rate);
const perRule = <T extends z.ZodType>(value: T) => z.record(z.string(), z.record(z.string(), value));

const second = told<TrafficSecond>()(
  z.object({
    at: z.number().describe('Wall clock, seconds.'),
    nodes: z.record(
      z.string(),
      z.object({
        accepted: rate,
        rejected: z.record(z.string(), z.number()),
        relayed: rate,
        held: rate,
        lost: rate,
        rules: perRule(z.number()),
      }),
    ),
  }),
);
const traffic = told<TrafficReport>()(
  z.object({
    times: z.array(z.number()).describe('Wall clock, seconds, oldest first; the other lists have one value for each.'),
    nodes: z.record(
      z.string(),
      z.object({
        accepted: rates,
        relayed: rates,
        held: rates,
        lost: rates,
        rejected: z.record(z.string(), rates),
        rules: perRule(rates),
      }),
    ),
  }),
);
const age = z.number().nullable().describe('ms; null: never.');
const frame = told<Frame>()(
  z.object({
    sequence: z.number(),
    atMs: z.number(),
    agent: z.object({ ok: z.boolean(), trouble: z.string() }),
    status: status.nullable(),
    statusAgeMs: age,
    peers: z.array(peer),
    peersAgeMs: age,
    bucketsAgeMs: age,
    eventsAgeMs: age,
    warnings: z.array(z.string()),
    consoles: z.array(z.object({ node: z.string(), state: z.string(), url: z.string() })),
    moved: z
      .object({ listen: z.string().nullable() })
      .optional()
      .describe('This console ends now, and then one listens here instead, or (null) none.'),
    fingerprint: z.string(),
    traffic: second.nullable(),
  }),
);
const session = told<SessionReport>()(
  z.object({ name: z.string(), role, token: z.string().describe('For the header x-covey-token.') }),
);
const audit = told<AuditEntry>()(
  z.object({ at: z.string(), who: z.string(), from: z.string(), what: z.string(), outcome: z.string() }),
);
const user = told<UserReport>()(z.object({ name: z.string(), role, changedAt: z.string() }));
const token = told<TokenReport>()(
  z.object({ id: z.string(), name: z.string(), role, createdBy: z.string(), createdAt: z.string() }),
);
const nothing = z.object({});
const secret = z.object({ name: z.string(), password: z.string().describe('Shown once.') });

/** Those that have a name of their own in the file. */
export const NAMED = {
  Status: status,
  Frame: frame,
  Buckets: buckets,
  Traffic: traffic,
  Event: event,
  AuditEntry: audit,
  Explanation: explained,
  Command: commanded,
  Probe: probed,
  Config: config,
  ConfigHistory: history,
  ConfigApplied: applied,
  Session: session,
  User: user,
  Token: token,
} as const;

export const ANSWERS: Readonly<Record<string, z.ZodType>> = {
  'POST /session': session,
  'GET /session': session,
  'DELETE /session': nothing,
  'GET /status': status,
  'GET /frame': frame,
  'GET /buckets': buckets,
  'GET /traffic': traffic,
  'GET /events': z.object({ events: z.array(event) }),
  'GET /audit': z.object({ entries: z.array(audit) }),
  'POST /explain': explained,
  'POST /commands': commanded,
  'POST /rolling-restart': z.object({ message: z.string() }),
  'POST /probe': probed,
  'GET /config': config,
  'GET /config/history': history,
  'GET /config/schema': z.record(z.string(), z.unknown()).describe('A JSON Schema.'),
  'POST /config/check': applied,
  'POST /config/apply': applied,
  'GET /users': z.object({ users: z.array(user) }),
  'POST /users': secret,
  'PUT /users/:name': secret.partial().describe('Empty unless a new password was asked for.'),
  'DELETE /users/:name': nothing,
  'PUT /password': nothing,
  'GET /tokens': z.object({ tokens: z.array(token) }),
  'POST /tokens': z.object({ id: z.string(), token: z.string().describe('Shown once.') }),
  'DELETE /tokens/:id': nothing,
};
