import type { z } from 'zod';
import type { Checker, CheckerTarget, Config, Heartbeat, NodeOverride, Notify, NotifyTarget } from './contract.js';
import { DEFAULT_PATTERN } from './event-kinds.js';
import { type configSchema, heartbeatSchema, tableSchema } from './schema.js';
import type { checkerSchema } from './schema-operations.js';
import type { notifySchema } from './schema-seeing.js';

type Parsed = z.output<typeof configSchema>;

/** The lease is this many intervals unless given: two heartbeats may be lost before the third decides. */
const DEFAULT_LEASE_INTERVALS = 5;

/** From the names of the file to those of the code: units in names, nothing optional. */
export function assemble(parsed: Parsed): Config {
  const { key, reachCalm, heartbeat, drain, table, services, checkers, rules, nodes, ...same } = parsed;
  return {
    ...same,
    keyFile: key,
    reachCalmMs: reachCalm ?? null,
    heartbeat: assembleHeartbeat(heartbeat ?? heartbeatSchema.parse({})),
    drain: { deadlineMs: drain?.deadline ?? 60_000 },
    table: table ?? tableSchema.parse({}),
    rules: rules.map(({ hold, ...rule }) => ({ ...rule, holdMs: hold })),
    nodes: Object.fromEntries(Object.entries(nodes).map(([name, node]): [string, NodeOverride] => [name, node ?? {}])),
    services: services.map(({ timeout, window, ...service }) => ({
      name: service.name,
      systemd: service.systemd ?? null,
      start: service.start ?? null,
      stop: service.stop ?? null,
      restart: service.restart ?? null,
      timeoutMs: timeout,
      maxRestarts: service.maxRestarts,
      windowMs: window,
    })),
    checkers: checkers.map(assembleChecker),
    console: parsed.console ?? null,
    metrics: parsed.metrics ?? null,
    notify: parsed.notify.map(assembleNotify),
  };
}

function leaseOf(heartbeat: { readonly interval: number; readonly lease?: number | undefined }): number {
  return heartbeat.lease ?? DEFAULT_LEASE_INTERVALS * heartbeat.interval;
}

function assembleHeartbeat(heartbeat: z.output<typeof heartbeatSchema>): Heartbeat {
  const leaseMs = leaseOf(heartbeat);
  const marginMs = Math.round(leaseMs * 0.1 + 50);
  return { intervalMs: heartbeat.interval, leaseMs, marginMs, udp: heartbeat.udp, port: heartbeat.port };
}

function assembleChecker(checker: z.output<typeof checkerSchema>): Checker {
  return {
    ...target(checker),
    name: checker.name,
    intervalMs: checker.interval,
    timeoutMs: checker.timeout,
    fall: checker.fall,
    rise: checker.rise,
    graceMs: checker.grace,
    onFail: checker['on-fail'],
  };
}

function target(checker: z.output<typeof checkerSchema>): CheckerTarget {
  const { type } = checker;
  switch (type) {
    case 'http': {
      const { url, status, body = null } = checker;
      return { type, url, status, body, tlsName: checker['tls-name'] ?? null };
    }
    case 'tcp':
    case 'ping':
      return { type, address: checker.address };
    case 'udp':
      return { type, address: checker.address, payload: checker.payload, expect: checker.expect ?? null };
    case 'process':
      return { type, process: checker.process ?? null, pidFile: checker['pid-file'] ?? null };
    case 'interface':
      return { type, interface: checker.interface, address: checker.address ?? null };
    case 'exec':
      return { type, command: checker.command };
    case 'disk':
      return { type, path: checker.path, freePercent: checker.free };
    case 'load':
      return { type, max: checker.max };
    case 'custom':
      return { type };
  }
}

function assembleNotify(notify: z.output<typeof notifySchema>): Notify {
  return { ...notifyTarget(notify), events: notify.events ?? [DEFAULT_PATTERN], timeoutMs: notify.timeout };
}

/** `checks-seeing.ts` has seen to it that there is one way, with what it needs. */
function notifyTarget(notify: z.output<typeof notifySchema>): NotifyTarget {
  const { webhook, exec, email, smtp, from } = notify;
  if (webhook !== undefined) return { way: 'webhook', url: webhook, secretFile: notify.secret ?? null };
  if (exec !== undefined) return { way: 'exec', command: exec };
  const login = { user: notify.user ?? null, passwordFile: notify.password ?? null };
  return { way: 'email', address: email!, smtp: smtp!, from: from!, ...login };
}
