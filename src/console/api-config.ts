/** The config: read, try, put in force on all nodes, go back. The agent judges and does; the console only passes on. */
import { z } from 'zod';
import { ConsoleError } from './errors.js';
import { type Route, reading, route } from './route.js';

/** What `covey apply` asks, too. */
export interface ConfigAgent {
  config(revision: number | null): Promise<{ readonly hash: string; readonly revision: number; readonly by: string }>;
  configHistory(): Promise<object>;
  apply(request: {
    readonly text: string | null;
    readonly revision: number | null;
    readonly dryRun: boolean;
    readonly by: string;
  }): Promise<object>;
}

export interface ConfigParts {
  readonly agent: Partial<ConfigAgent>;
  /** The config's JSON schema, for hints while one types. */
  readonly schema: object;
}

/** As much as the agent takes. */
const text = z.string().max(128 * 1024);
const check = z.strictObject({ text });
const apply = z
  .strictObject({
    text: text.nullable().default(null),
    revision: z.int().min(0).nullable().default(null),
    /** `hash` of the config that the text was made from: refused when another one is in force by now. Null: whatever is in force. */
    base: z.string().max(64).nullable().default(null),
  })
  .refine((body) => (body.text === null) !== (body.revision === null), 'give either text or revision');

/** @throws ConsoleError where the agent is of a release that reads its config from a file only. */
function able({ agent }: ConfigParts): ConfigAgent {
  if (agent.apply !== undefined && agent.config !== undefined) return agent as ConfigAgent;
  throw new ConsoleError(
    501,
    'not-there',
    'this agent takes its config from its file only',
    'edit it, then: covey reload',
  );
}

export function configRoutes(parts: ConfigParts): Route[] {
  return [
    reading('/config', 'The config in force, or with ?revision=N the one that was.', ({ query }) =>
      able(parts).config(revisionOf(query.revision)),
    ),
    reading('/config/history', 'The configs that were applied, newest first.', () => able(parts).configHistory()),
    reading('/config/schema', 'JSON schema of the config.', () => parts.schema),
    route({
      method: 'POST',
      path: '/config/check',
      summary: 'Say what a config would change; nothing changes. A faulty one is refused with line and column.',
      role: 'admin',
      body: check,
      audit: null,
      answer: ({ body, caller }) =>
        able(parts).apply({ text: body.text, revision: null, dryRun: true, by: caller.name }),
    }),
    route({
      method: 'POST',
      path: '/config/apply',
      summary: 'Put a config, or an earlier revision, in force on all nodes or on none.',
      role: 'admin',
      body: apply,
      audit: ({ body }) => (body.revision === null ? 'apply a config' : `go back to config revision ${body.revision}`),
      answer: async ({ body: { base, ...body }, caller }) => {
        const agent = able(parts);
        if (base !== null) await mustBeInForce(agent, base);
        return agent.apply({ ...body, dryRun: false, by: `${caller.name} (console)` });
      },
    }),
  ];
}

function revisionOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^\d{1,9}$/.test(text)) throw new ConsoleError(400, 'bad-request', 'revision: a number, as in /config/history');
  return Number(text);
}

/** Two who edit at once: the later one must not undo what the earlier one did without having seen it. */
async function mustBeInForce(agent: ConfigAgent, base: string): Promise<void> {
  const { hash, revision, by } = await agent.config(null);
  if (hash === base) return;
  const message = `meanwhile ${by} has put revision ${revision} in force`;
  throw new ConsoleError(409, 'changed-meanwhile', message, 'load it, and make your change to that');
}
