import { request } from 'node:http';
import { join } from 'node:path';
import { CLAIMED_HEADER } from './access.js';
import type { BucketsReport, DoorReport, PeersReport, SharedReport } from './console-contract.js';
import {
  type ApplyReport,
  type ApplyRequest,
  CONTROL_VERSION,
  type CommandReport,
  type CommandRequest,
  type ConfigHistoryReport,
  type ConfigReport,
  type ErrorReport,
  type EventsQuery,
  type EventsReport,
  type ExplainQuery,
  type ExplainReport,
  type InviteReport,
  type InviteRequest,
  type KeysReport,
  type MetricsReport,
  type ProbeReport,
  type ProbeRequest,
  type ReloadReport,
  type SetReport,
  type SetRequest,
  SOCKET_NAME,
  type StatusReport,
  type TraceReport,
  type TraceRequest,
} from './contract.js';
import { DEADLINE_HEADER, deadlineIn } from './deadline.js';
import { AgentNotRunningError, ControlAccessError, ControlError } from './errors.js';

const DEFAULT_TIMEOUT_MS = 5000;
const COMMAND_TIMEOUT_MS = 10_000;
/** A probe takes its time, and waits for members that may not answer. */
const PROBE_TIMEOUT_MS = 15_000;
/** An apply waits for every member, twice. */
const APPLY_TIMEOUT_MS = 25_000;

/**
 * Asks the local agent, one connection a question.
 *
 * Every call throws {@link AgentNotRunningError}, {@link ControlAccessError}, or {@link ControlError}: the agent's refusal, or
 * code `unreachable` when it does not answer in time or says what we do not understand.
 */
export class ControlClient {
  readonly #runDir: string;
  readonly #timeoutMs: number;

  readonly #claimed: string | null;

  /** @param claimed for whom sudo has started us; null: nobody else. */
  constructor(runDir: string, timeoutMs = DEFAULT_TIMEOUT_MS, claimed: string | null = null) {
    this.#claimed = claimed;
    this.#runDir = runDir;
    this.#timeoutMs = timeoutMs;
  }

  status(): Promise<StatusReport> {
    return this.#ask<StatusReport>('GET', '/v1/status');
  }

  explain(query: ExplainQuery): Promise<ExplainReport> {
    return this.#ask<ExplainReport>('POST', '/v1/explain', query);
  }

  /** @param consoleUser of a console: which of its users asks. */
  command(command: CommandRequest, consoleUser: string | null = null): Promise<CommandReport> {
    // Another node has its own time to answer; the agent says when it did not.
    const timeoutMs = Math.max(this.#timeoutMs, COMMAND_TIMEOUT_MS);
    return this.#ask<CommandReport>('POST', '/v1/command', command, timeoutMs, consoleUser);
  }

  trace(request: TraceRequest): Promise<TraceReport> {
    return this.#ask<TraceReport>('POST', '/v1/trace', request);
  }

  metrics(): Promise<MetricsReport> {
    return this.#ask<MetricsReport>('GET', '/v1/metrics');
  }

  events({ since, limit, after }: EventsQuery): Promise<EventsReport> {
    const query = new URLSearchParams({
      limit: String(limit),
      ...(since === null ? {} : { since }),
      ...(after === undefined ? {} : { after: String(after) }),
    });
    return this.#ask<EventsReport>('GET', `/v1/events?${query}`);
  }

  set(request: SetRequest): Promise<SetReport> {
    return this.#ask<SetReport>('POST', '/v1/set', request);
  }

  reload(): Promise<ReloadReport> {
    return this.#ask<ReloadReport>('POST', '/v1/reload', {});
  }

  apply(request: ApplyRequest): Promise<ApplyReport> {
    return this.#ask<ApplyReport>('POST', '/v1/config/apply', request, Math.max(this.#timeoutMs, APPLY_TIMEOUT_MS));
  }

  config(revision: number | null): Promise<ConfigReport> {
    return this.#ask<ConfigReport>('GET', revision === null ? '/v1/config' : `/v1/config?revision=${revision}`);
  }

  configHistory(): Promise<ConfigHistoryReport> {
    return this.#ask<ConfigHistoryReport>('GET', '/v1/config/history');
  }

  invite(request: InviteRequest): Promise<InviteReport> {
    return this.#ask<InviteReport>('POST', '/v1/invite', request);
  }

  probe(request: ProbeRequest): Promise<ProbeReport> {
    return this.#ask<ProbeReport>('POST', '/v1/probe', request, Math.max(this.#timeoutMs, PROBE_TIMEOUT_MS));
  }

  keys(): Promise<KeysReport> {
    return this.#ask<KeysReport>('GET', '/v1/keys');
  }

  reloadKeys(): Promise<KeysReport> {
    return this.#ask<KeysReport>('POST', '/v1/keys/reload', {});
  }

  buckets(plan = 0): Promise<BucketsReport> {
    return this.#ask<BucketsReport>('GET', `/v1/buckets?plan=${plan}`);
  }

  peers(): Promise<PeersReport> {
    return this.#ask<PeersReport>('GET', '/v1/peers');
  }

  openDoor(): Promise<DoorReport> {
    return this.#ask<DoorReport>('POST', '/v1/console/door', {});
  }

  /** See {@link SharedReport}; null only reads. */
  share(document: string | null): Promise<SharedReport> {
    if (document === null) return this.#ask<SharedReport>('GET', '/v1/console/shared');
    return this.#ask<SharedReport>('POST', '/v1/console/shared', { document });
  }

  async #ask<T extends { readonly version: number }>(
    method: string,
    path: string,
    body?: object,
    timeoutMs = this.#timeoutMs,
    consoleUser: string | null = null,
  ): Promise<T> {
    const sent = body === undefined ? '' : JSON.stringify(body);
    const claimed = consoleUser === null ? this.#claimed : encodeURIComponent(consoleUser);
    const { status, text } = await this.#exchange(method, path, sent, timeoutMs, claimed);
    const answer = parse(text);
    if (status >= 400) throw refusal(answer, status);
    if (answer.version === CONTROL_VERSION) return answer as T;
    const hint = 'agent and command are of different releases: use the same';
    throw new ControlError(
      'unreachable',
      `the agent answers in version ${String(answer.version)} of the contract`,
      hint,
    );
  }

  #exchange(
    method: string,
    path: string,
    body: string,
    timeoutMs: number,
    claimed: string | null,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const socketPath = join(this.#runDir, SOCKET_NAME);
    return new Promise((resolve, reject) => {
      const headers = {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        [DEADLINE_HEADER]: deadlineIn(timeoutMs),
        ...(claimed === null ? {} : { [CLAIMED_HEADER]: claimed }),
      };
      const signal = AbortSignal.timeout(timeoutMs);
      const isOrder = method === 'POST' && path !== '/v1/explain';
      const fail = (error: Error) => reject(this.#explained(error, socketPath, timeoutMs, isOrder));
      const asked = request({ socketPath, method, path, headers, signal, agent: false }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', fail);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 500, text: Buffer.concat(parts).toString('utf8') }),
        );
      });
      asked.on('error', fail);
      asked.end(body);
    });
  }

  #explained(error: NodeJS.ErrnoException, socketPath: string, timeoutMs: number, isOrder: boolean): Error {
    const options = { cause: error };
    switch (error.code) {
      case 'ENOENT':
      case 'ENOTDIR':
      case 'ECONNREFUSED':
        return new AgentNotRunningError(this.#runDir, options);
      case 'EACCES':
      case 'EPERM':
        return new ControlAccessError(socketPath, options);
      case 'ABORT_ERR':
        return new ControlError(
          'unreachable',
          `the agent did not answer within ${timeoutMs} ms`,
          isOrder ? 'what it has not begun by now it does not do any more' : '',
          options,
        );
      default:
        return new ControlError('unreachable', `the agent at ${socketPath} broke off: ${error.message}`, '', options);
    }
  }
}

function parse(text: string): Partial<ErrorReport> & { readonly version?: unknown } {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' && answer !== null ? answer : {};
  } catch (error) {
    throw new ControlError('unreachable', 'the agent answered with something that is not JSON', '', { cause: error });
  }
}

function refusal({ error }: Partial<ErrorReport>, status: number): ControlError {
  if (error === undefined) return new ControlError('unreachable', `the agent answered with HTTP status ${status}`);
  return new ControlError(error.code, error.message, error.hint);
}
