/** The OpenAPI 3.1 description of the API, made of the same table that serves it. Pure. */
import { z } from 'zod';
import { API, type Route } from './route.js';

const ERROR = { $ref: '#/components/schemas/Error' };
const json = (schema: object) => ({ content: { 'application/json': { schema } } });

export function openApi(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = `${API}${route.path.replace(/:(\w+)/g, '{$1}')}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Covey console',
      version,
      description: 'Scripts send a token that an admin has made on the page Users: `authorization: Bearer TOKEN`.',
    },
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        session: { type: 'apiKey', in: 'cookie', name: '__Host-covey' },
      },
      schemas: {
        Error: {
          type: 'object',
          required: ['error'],
          properties: {
            error: {
              type: 'object',
              required: ['code', 'message', 'hint'],
              properties: { code: { type: 'string' }, message: { type: 'string' }, hint: { type: 'string' } },
            },
          },
        },
      },
    },
  };
}

function operation({ path, summary, role, body }: Route): object {
  const parameters = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  return {
    summary,
    ...(role === null ? { security: [] } : { security: [{ token: [] }, { session: [] }], 'x-role': role }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === null ? {} : { requestBody: { required: true, ...json(z.toJSONSchema(body, { io: 'input' })) } }),
    responses: {
      200: { description: 'done', ...json({ type: 'object' }) },
      default: { description: 'refused', ...json(ERROR) },
    },
  };
}
