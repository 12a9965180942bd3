/** One table of routes serves for three: the server, its checks of who may do what, and the OpenAPI file. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { AuditEntry, Role } from './contract.js';
import type { Caller } from './sessions.js';

export interface Asked<Body> {
  readonly caller: Caller;
  readonly body: Body;
  readonly query: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, string>>;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** As fastify writes it, below {@link API}. */
  readonly path: string;
  readonly summary: string;
  /** Null: for everybody, also without a session. */
  readonly role: Role | null;
  readonly body: z.ZodType | null;
  /** What is written into the audit; null: it changes nothing. */
  readonly audit: ((asked: Asked<unknown>) => string) | null;
  /** Of a route for everybody: who they say they are and what they want, for the record of those who are refused. */
  readonly claimed?: (asked: Asked<unknown>) => Pick<AuditEntry, 'who' | 'what'>;
  readonly answer: (asked: Asked<unknown>) => unknown;
}

export const API = '/api/v1';

/** Keeps the body's type between its schema and its handler. */
export function route<S extends z.ZodType>(
  definition: Omit<Route, 'body' | 'audit' | 'claimed' | 'answer'> & {
    readonly body: S;
    readonly audit: ((asked: Asked<z.infer<S>>) => string) | null;
    readonly claimed?: (asked: Asked<z.infer<S>>) => Pick<AuditEntry, 'who' | 'what'>;
    readonly answer: (asked: Asked<z.infer<S>>) => unknown;
  },
): Route {
  return definition as unknown as Route;
}

export function reading(
  path: string,
  summary: string,
  answer: (asked: Asked<unknown>) => unknown,
  role: Role | null = 'viewer',
): Route {
  return { method: 'GET', path, summary, role, body: null, audit: null, answer };
}
