/** The OpenAPI 3.1 description of the API, made of the same table that serves it. Pure. */
import { z } from 'zod';
import { ANSWERS, NAMED } from './answers.js';
import { TOKEN_HEADER } from './contract.js';
import { API, type Route } from './route.js';

const ERROR = { $ref: '#/components/schemas/Error' };
const json = (schema: object) => ({ content: { 'application/json': { schema } } });
const REFUSED = { description: 'refused', ...json(ERROR) };

const ABOUT = `Two ways in. Scripts send a token that an admin has made on the page Users, or by POST ${API}/tokens: \`authorization: Bearer TOKEN\`; \
they need nothing else. The page has a session cookie; its changes must also come from the console's own origin and carry the session's token \
in the header \`${TOKEN_HEADER}\`. Each role may do what those before it may: viewer looks, operator steers nodes and probes, admin changes \
config and accounts; \`x-role\` names the one that an operation needs.`;

export function openApi(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = `${API}${route.path.replace(/:(\w+)/g, '{$1}')}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Covey console', version, description: ABOUT },
    paths: { ...paths, ...FIXED },
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        session: { type: 'apiKey', in: 'cookie', name: '__Host-covey' },
      },
      parameters: {
        PageToken: {
          name: TOKEN_HEADER,
          in: 'header',
          required: false,
          description: 'With a session: its token, as the log-in and GET /session answer it. Not with a bearer token.',
          schema: { type: 'string' },
        },
      },
      schemas: { Error: ERROR_SCHEMA, ...namedSchemas() },
    },
  };
}

const ERROR_SCHEMA = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message', 'hint'],
      properties: { code: { type: 'string' }, message: { type: 'string' }, hint: { type: 'string' } },
    },
  },
};

/** What the server answers beside its table of routes. */
const FIXED = {
  [`${API}/live`]: {
    get: {
      summary: 'All of it, live: server-sent events, without an end.',
      description:
        'Events: `frame` (schema Frame) at least once a second; `buckets` (Buckets, without ageMs) and `events` (a list of Event) at first, then when there is news.',
      security: [{ token: [] }, { session: [] }],
      'x-role': 'viewer',
      responses: {
        200: { description: 'the stream', content: { 'text/event-stream': { schema: { type: 'string' } } } },
        default: REFUSED,
      },
    },
  },
  [`${API}/openapi.json`]: {
    get: {
      summary: 'This description.',
      security: [],
      responses: { 200: { description: 'OpenAPI 3.1', ...json({ type: 'object' }) } },
    },
  },
};

const schemaPath = (name: string) => `#/components/schemas/${name}`;

function registry() {
  const named = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(NAMED)) named.add(schema, { id });
  return named;
}

/** As input: a later release may say more, so nobody is to refuse what is not in here. */
function namedSchemas(): Record<string, object> {
  const { schemas } = z.toJSONSchema(registry(), { io: 'input', uri: schemaPath });
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, withoutHead(schema)]));
}

function answerOf({ method, path }: Route): object {
  const schema = ANSWERS[`${method} ${path}`];
  if (schema === undefined) throw new Error(`${method} ${path} has no schema of its answer`);
  const name = Object.entries(NAMED).find(([, other]) => other === schema)?.[0];
  if (name !== undefined) return { $ref: schemaPath(name) };
  const named = registry();
  named.add(schema, { id: 'answer' });
  return withoutHead(z.toJSONSchema(named, { io: 'input', uri: schemaPath }).schemas.answer!);
}

/** Where a schema stands says as much. */
function withoutHead({ $schema, $id, id, ...rest }: Readonly<Record<string, unknown>>): object {
  return rest;
}

function operation(route: Route): object {
  const { method, path, summary, role, body } = route;
  const parameters = [
    ...[...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
    ...(method === 'GET' || role === null ? [] : [{ $ref: '#/components/parameters/PageToken' }]),
  ];
  return {
    summary,
    ...(role === null ? { security: [] } : { security: [{ token: [] }, { session: [] }], 'x-role': role }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === null ? {} : { requestBody: { required: true, ...json(z.toJSONSchema(body, { io: 'input' })) } }),
    responses: { 200: { description: 'done', ...json(answerOf(route)) }, default: REFUSED },
  };
}
