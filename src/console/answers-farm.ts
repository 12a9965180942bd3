/** What the agent tells through the API, as schemas for the OpenAPI file. The compiler holds them to the types of the control contract. */
import { z } from 'zod';
import type {
  ApplyReport,
  BucketsReport,
  CommandReport,
  ConfigHistoryReport,
  ConfigReport,
  EventReport,
  ExplainReport,
  PeersReport,
  ProbeReport,
  StatusReport,
} from '../control/contract.js';

/** Accepts a schema of `T` that leaves out none of its properties. */
export const told =
  <T>() =>
  <S extends z.ZodType<T>>(schema: S & (keyof T extends keyof z.infer<S> ? unknown : never)): S =>
    schema;

const version = z.literal(1).describe('May gain properties, never loses or changes one.');
const counts = z.record(z.string(), z.number());
const ms = z.number().describe('ms');
const NODE_STATES = ['stopped', 'joining', 'up', 'draining', 'waiting'] as const;
const counters = z
  .object({
    framesSeen: z.number(),
    accepted: z.number(),
    rejected: counts.describe('Reason -> frames.'),
    injected: z.number(),
    relayed: z.number(),
    held: z.number(),
    replayed: z.number(),
    captureDrops: z.number(),
    arpAnswered: z.number(),
  })
  .catchall(z.union([z.number(), counts]))
  .describe("Since the agent's start.");
const packets = z.object({ accepted: z.number(), relayed: z.number(), rejected: counts });
const drain = z.object({
  left: z.number().describe('Clients or connections that it still serves in buckets of others.'),
  connections: z.number().nullable().describe('TCP connections to the VIPs.'),
  remainingMs: z.number().nullable().describe('ms until the rest is cut off; null: no deadline.'),
});
const reach = z.object({ mode: z.string(), reason: z.string() });

const member = z.object({
  name: z.string(),
  state: z.enum([...NODE_STATES, 'dead']),
  reason: z.string(),
  incarnation: z.number(),
  weight: z.number(),
  weightPercent: z.number(),
  share: z.number().describe('Part of the buckets of plan 0 that it holds, 0 to 1.'),
  heldBuckets: z.number(),
  keeps: z.number(),
  lastHeardMs: z.number().nullable().describe('ms; null: never.'),
  paths: counts,
  reach: z.string(),
  mac: z.string(),
  addresses: z.array(z.string()).optional(),
});
const rule = z.object({
  name: z.string(),
  protocol: z.enum(['tcp', 'udp']),
  ports: z.array(z.string()),
  affinity: z.enum(['connection', 'client', 'network']),
  mode: z.enum(['balance', 'failover', 'deny']),
  plan: z.number(),
  holdMs: z.number(),
  packets: packets.optional(),
});
const service = z.object({
  name: z.string(),
  state: z.enum(['stopped', 'looking', 'starting', 'ready', 'pausing', 'restarting', 'spent', 'stopping']),
  reason: z.string(),
  restarts: z.number(),
  maxRestarts: z.number(),
  windowMs: z.number(),
  forMs: z.number(),
  holdsNode: z.boolean(),
});
const checker = z.object({
  name: z.string(),
  type: z.enum(['http', 'tcp', 'udp', 'ping', 'process', 'interface', 'exec', 'disk', 'load', 'custom']),
  state: z.enum(['idle', 'starting', 'well', 'failed', 'unable']),
  detail: z.string(),
  onFail: z.string(),
  failures: z.number(),
  successes: z.number(),
  lastMs: z.number().nullable(),
  tookMs: z.number().nullable(),
  isAwaited: z.boolean(),
});

export const status = told<StatusReport>()(
  z.object({
    version,
    farm: z.string(),
    node: z.string().describe('The node that answers.'),
    state: z.enum(NODE_STATES),
    reason: z.string(),
    reach,
    view: z.object({ digest: z.string(), agreed: z.boolean() }),
    members: z.array(member),
    rules: z.array(rule),
    counters,
    vips: z.array(z.string()),
    interface: z.string(),
    incarnation: z.number(),
    lease: z.object({ remainingMs: z.number().nullable(), durationMs: ms }),
    paths: z.array(z.object({ path: z.string(), ok: z.boolean(), detail: z.string() })),
    supervisor: z.object({
      restarts: z.number(),
      lastReason: z.string(),
      lastAt: z.string().nullable(),
      backoffMs: ms,
    }),
    grants: z.number(),
    drain: drain.nullable(),
    services: z.array(service),
    checkers: z.array(checker),
    warnings: z.array(z.string()),
    software: z.object({ version: z.string(), engine: z.string(), engineReason: z.string() }),
    uptimeMs: ms,
  }),
);

const check = z.object({
  kind: z.enum(['checker', 'service']),
  name: z.string(),
  state: z.string(),
  detail: z.string(),
  note: z.string(),
});
export const peer = told<PeersReport['nodes'][number]>()(
  z.object({
    node: z.string(),
    ageMs: z.number().describe('ms since it said so.'),
    uptimeMs: ms,
    counters,
    connections: z.number().nullable(),
    drain: drain.nullable(),
    warnings: z.array(z.string()),
    console: z.string().nullable(),
    checks: z.array(check).optional(),
    rules: z.record(z.string(), packets).optional(),
  }),
);

export const buckets = told<BucketsReport & { readonly ageMs: number }>()(
  z.object({
    version,
    plan: z.number(),
    buckets: z.number(),
    nodes: z.array(z.string()).describe('What the numbers in owners and planned stand for; 255: nobody.'),
    owners: z.string().describe('Base64 of one byte for each bucket: who holds it.'),
    planned: z.string().describe('Likewise: whom the plan wants.'),
    ageMs: z.number().describe('ms since the agent said so.'),
  }),
);

export const event = told<EventReport>()(
  z.object({
    seq: z.number(),
    at: z.string().describe('ISO 8601.'),
    node: z.string(),
    event: z.string().describe('Kind; covey events --kinds explains them.'),
    fields: z.record(z.string(), z.unknown()),
  }),
);

const target = z.object({ address: z.string(), port: z.number(), protocol: z.enum(['tcp', 'udp']) });
export const explained = told<ExplainReport>()(
  z.object({
    version,
    bucket: z.number().nullable(),
    owner: z.string().nullable(),
    rule: z.string().nullable(),
    why: z.string().describe('One sentence for people.'),
    verdict: z.string(),
    reason: z.string(),
    plan: z.number().nullable(),
    planned: z.string().nullable(),
    node: z.string(),
    client: z.string(),
    to: target,
    without: z
      .object({
        nodes: z.array(z.string()),
        owner: z.string().nullable(),
        moves: z.boolean(),
        movedBuckets: z.number(),
        keepsLost: z.number(),
        shares: z.array(z.object({ name: z.string(), share: z.number() })),
        why: z.string(),
      })
      .optional(),
  }),
);

export const commanded = told<CommandReport>()(
  z.object({
    version,
    command: z.enum(['drain', 'stop', 'start', 'restart']),
    node: z.string().describe('It has taken the command.'),
    message: z.string(),
  }),
);

const revision = {
  revision: z.number(),
  at: z.string(),
  by: z.string(),
  appliedOn: z.string(),
  hash: z.string(),
  inForce: z.boolean(),
};
export const config = told<ConfigReport>()(
  z.object({
    version,
    node: z.string(),
    ...revision,
    text: z.string(),
    file: z.string(),
    secretFiles: z.array(z.string()),
  }),
);
export const history = told<ConfigHistoryReport>()(
  z.object({ version, node: z.string(), revisions: z.array(z.object(revision)).describe('Newest first.') }),
);
export const applied = told<ApplyReport>()(
  z.object({
    version,
    node: z.string(),
    dryRun: z.boolean(),
    applied: z.boolean(),
    revision: z.number(),
    changed: z.array(z.string()),
    warnings: z.array(z.string()),
    diff: z.array(z.string()),
    nodes: z.array(
      z.object({
        node: z.string(),
        outcome: z.enum(['switched', 'told', 'ready', 'refused', 'silent', 'failed']),
        why: z.string(),
      }),
    ),
  }),
);

/** What the hosts say of themselves in `nodes` is for people. */
export const probed = z.object({
  version,
  farm: z.string(),
  node: z.string(),
  reach,
  verdict: z.object({
    reach: z.enum(['flood', 'multicast', 'relay', 'none']),
    reason: z.string(),
    evidence: z.array(z.string()),
    fixes: z.array(z.string()),
  }),
  matrix: z.array(
    z.object({
      from: z.string(),
      to: z.string(),
      unicast: z.boolean().nullable(),
      flood: z.boolean().nullable(),
      multicast: z.boolean().nullable(),
      kinds: z.record(z.string(), z.enum(['yes', 'no', 'unknown'])),
      mtu: z.number().nullable().describe('bytes'),
    }),
  ),
  nodes: z.array(z.record(z.string(), z.unknown())),
  silent: z.array(z.string()),
  applied: z.boolean(),
  tookMs: ms,
}) satisfies z.ZodType<Omit<ProbeReport, 'nodes'>>;
