/** Look at the farm and steer it: the agent's answers, passed on. */
import { z } from 'zod';
import type { ControlClient } from '../control/client.js';
import type { ExplainQuery } from '../control/contract.js';
import type { Live } from './live.js';
import type { Rolling } from './rolling.js';
import { type Route, reading, route } from './route.js';
import type { Audit } from './store.js';

export type FarmAgent = Pick<ControlClient, 'status' | 'explain' | 'command' | 'probe' | 'events'>;

export interface FarmParts {
  readonly agent: FarmAgent;
  readonly live: Live;
  readonly audit: Audit;
  readonly rolling: Rolling;
}

const port = z.int().min(0).max(65_535);
const explain = z.strictObject({
  address: z.string().min(2).max(64),
  port: port.nullable().default(null),
  to: z
    .strictObject({ address: z.string().max(64), port, protocol: z.enum(['tcp', 'udp']) })
    .nullable()
    .default(null),
  without: z.array(z.string().min(1).max(63)).max(64).default([]),
});
const command = z.strictObject({
  command: z.enum(['drain', 'stop', 'start', 'restart']),
  node: z.string().min(1).max(63),
  deadlineMs: z.number().min(0).max(86_400_000).nullable().default(null),
  now: z.boolean().default(false),
});
const probe = z.strictObject({ apply: z.boolean().default(false) });

const MOST_AUDIT = 500;

export function farmRoutes({ agent, live, audit, rolling }: FarmParts): Route[] {
  return [
    reading('/status', 'The farm as this node sees it: what `covey status --json` prints.', () => agent.status()),
    reading('/frame', 'The newest of everything that the page shows, with ages.', () => live.frame()),
    reading('/buckets', 'Who holds each of the 4096 buckets, and how old that is.', () => live.bucketsNow()),
    reading('/traffic', 'The last hour, one value a second for each node, and for each rule on it.', () =>
      live.traffic.report(),
    ),
    reading('/events', 'What happened on this node.', () => ({ events: live.events })),
    reading('/audit', 'Who did what, by this console.', () => ({ entries: audit.newest(MOST_AUDIT) })),
    route({
      method: 'POST',
      path: '/explain',
      summary: 'Which node serves a client, and why.',
      role: 'viewer',
      body: explain,
      audit: null,
      answer: ({ body }) => agent.explain(withoutNothing(body)),
    }),
    route({
      method: 'POST',
      path: '/commands',
      summary: 'Drain, stop or start a node.',
      role: 'operator',
      body: command,
      audit: ({ body }) => `${body.command} ${body.node}${body.now ? ' now' : ''}`,
      answer: ({ body, caller }) => agent.command(body, caller.name),
    }),
    route({
      method: 'POST',
      path: '/rolling-restart',
      summary: 'Restart all nodes, one after the other, this one last; /audit tells how it goes.',
      role: 'operator',
      body: z.strictObject({}),
      audit: () => 'rolling restart',
      answer: ({ caller }) => ({
        message: `restarting one after the other: ${rolling.begin(caller.name).join(', ')}; see the timeline`,
      }),
    }),
    route({
      method: 'POST',
      path: '/probe',
      summary: 'Ask the network what it brings from each node to each other; takes 1 to 4 s.',
      role: 'operator',
      body: probe,
      audit: ({ body }) => (body.apply ? 'probe, and use the best reach' : 'probe'),
      answer: ({ body }) => agent.probe(body),
    }),
  ];
}

/** An agent of an earlier release refuses a field that it does not know. */
function withoutNothing({ without, ...question }: z.infer<typeof explain>): ExplainQuery {
  return without.length === 0 ? question : ({ ...question, without } as ExplainQuery);
}
