/** From a request to the handler's call. What comes in is checked here, so the handler need not. */
import { z } from 'zod';
import { parseAddress } from '../buckets/address.js';
import { MAX_SHARED_BYTES } from './console-contract.js';
import { type ControlHandler, type Requester, TRACE_BATCH, TRACE_BYTES } from './contract.js';
import { ControlError } from './errors.js';

const port = z.int().min(0).max(65535);
const address = z.string().refine((text) => parseAddress(text) !== null, 'is not an address');

const explainQuery = z.strictObject({
  address,
  port: port.nullable(),
  to: z.strictObject({ address, port, protocol: z.enum(['tcp', 'udp']) }).nullable(),
  without: z.array(z.string().min(1).max(63)).max(64).optional(),
});

const commandRequest = z.strictObject({
  command: z.enum(['drain', 'stop', 'start', 'restart']),
  node: z.string().min(1).max(63).nullable(),
  deadlineMs: z.number().min(0).max(86_400_000).nullable(),
  now: z.boolean().optional(),
});

const bucketsQuery = z.strictObject({ plan: z.coerce.number().int().min(0).max(7) });

const sharedDocument = z.strictObject({ document: z.string().max(MAX_SHARED_BYTES) });

const setRequest = z.strictObject({
  name: z.string().min(1).max(63),
  isUp: z.boolean(),
  reason: z.string().max(200),
});

const traceRequest = z.strictObject({
  frames: z
    .array(
      z.strictObject({
        data: z.base64().max(Math.ceil(TRACE_BYTES / 3) * 4),
        length: z
          .int()
          .min(1)
          .max(1 << 17),
      }),
    )
    .max(TRACE_BATCH),
});

const probeRequest = z.strictObject({ apply: z.boolean() });

const applyRequest = z
  .strictObject({
    text: z.string().nullable(),
    revision: z.int().min(0).nullable(),
    dryRun: z.boolean(),
    by: z.string().min(1).max(200),
  })
  .refine(({ text, revision }) => (text === null) !== (revision === null), 'give a text or a revision');

const inviteRequest = z.strictObject({ port: z.int().min(1).max(65535).nullable() });

const revisionQuery = z.strictObject({ revision: z.coerce.number().int().min(0).nullable() });

const eventsQuery = z.strictObject({
  since: z.iso.datetime({ offset: true }).nullable(),
  limit: z.coerce.number().int().min(1).max(10_000),
  after: z.coerce.number().int().min(0).optional(),
});

type Answer = (handler: ControlHandler, body: string, query: URLSearchParams, by: Requester) => Promise<object>;

const ROUTES: Readonly<Record<string, Answer>> = {
  'GET /v1/status': (handler) => handler.status(),
  'POST /v1/explain': (handler, body) => handler.explain(checked(explainQuery, json(body))),
  'POST /v1/command': (handler, body, _query, by) => handler.command(checked(commandRequest, json(body)), by),
  'GET /v1/events': (handler, _body, query) =>
    handler.events(
      checked(eventsQuery, {
        since: query.get('since'),
        limit: query.get('limit') ?? 1000,
        after: query.get('after') ?? undefined,
      }),
    ),
  'POST /v1/trace': (handler, body) => handler.trace(checked(traceRequest, json(body))),
  'GET /v1/metrics': (handler) => handler.metrics(),
  'POST /v1/set': (handler, body, _query, by) => handler.set(checked(setRequest, json(body)), by),
  'POST /v1/reload': (handler) => handler.reload(),
  'POST /v1/config/apply': (handler, body) => handler.apply(checked(applyRequest, json(body))),
  'GET /v1/config': (handler, _body, query) =>
    handler.config(checked(revisionQuery, { revision: query.get('revision') }).revision),
  'GET /v1/config/history': (handler) => handler.configHistory(),
  'POST /v1/invite': (handler, body) => handler.invite(checked(inviteRequest, json(body))),
  'POST /v1/probe': (handler, body) => handler.probe(checked(probeRequest, json(body))),
  'GET /v1/keys': (handler) => handler.keys(),
  'POST /v1/keys/reload': (handler) => handler.reloadKeys(),
  'GET /v1/buckets': (handler, _body, query) =>
    handler.buckets(checked(bucketsQuery, { plan: query.get('plan') ?? 0 }).plan),
  'GET /v1/peers': (handler) => handler.peers(),
  'POST /v1/console/door': (handler) => handler.openDoor(),
  'GET /v1/console/shared': (handler) => handler.share(null),
  'POST /v1/console/shared': (handler, body) => handler.share(checked(sharedDocument, json(body)).document),
};

/** What members of the socket's group may ask: all that changes nothing. */
export function isReading(method: string, path: string): boolean {
  return method === 'GET' || path === '/v1/explain';
}

/** @throws {@link ControlError} for what the contract does not know. */
export async function route(
  handler: ControlHandler,
  method: string,
  url: URL,
  body: string,
  by: Requester,
): Promise<object> {
  const answer = ROUTES[`${method} ${url.pathname}`];
  if (answer !== undefined) return answer(handler, body, url.searchParams, by);
  const hint = url.pathname.startsWith('/v1/') ? '' : 'this agent speaks version 1: paths begin with /v1/';
  throw new ControlError('not-found', `there is no ${method} ${url.pathname}`, hint);
}

function json(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw new ControlError('bad-request', 'the body is not JSON', '', { cause: error });
  }
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the body'}: ${issue.message}`);
  throw new ControlError('bad-request', faults.join('; '));
}
