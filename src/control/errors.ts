import type { ErrorCode, ErrorReport } from './contract.js';

const HTTP_STATUS: Readonly<Record<ErrorCode, number>> = {
  'bad-request': 400,
  'not-found': 404,
  'no-such-node': 404,
  refused: 409,
  'not-allowed': 403,
  'bad-config': 422,
  unreachable: 502,
  internal: 500,
};

/** A refusal that travels over the socket: thrown by the agent's handler, thrown again by the client. */
export class ControlError extends Error {
  override readonly name = 'ControlError';

  /** @param hint What to type or change next; may be empty. */
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly hint = '',
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  get httpStatus(): number {
    return HTTP_STATUS[this.code] ?? 500;
  }

  report(): ErrorReport {
    return { error: { code: this.code, message: this.message, hint: this.hint } };
  }
}

/** Nobody listens on the socket: no agent runs with this run directory. */
export class AgentNotRunningError extends Error {
  override readonly name = 'AgentNotRunningError';
  readonly hint = 'start it with: covey run --config covey.yaml';

  constructor(
    readonly runDir: string,
    options?: ErrorOptions,
  ) {
    super(`no agent is running here (run directory ${runDir})`, options);
  }
}

/** The socket is there, but we may not speak to it. */
export class ControlAccessError extends Error {
  override readonly name = 'ControlAccessError';
  readonly hint = 'it is for root, and for reading also for members of the group covey, if there is one';

  constructor(
    readonly socketPath: string,
    options?: ErrorOptions,
  ) {
    super(`no permission to speak to the agent at ${socketPath}`, options);
  }
}

/** A living agent already listens on the socket. */
export class AgentRunningError extends Error {
  override readonly name = 'AgentRunningError';
  readonly hint = 'stop it first, or give this one another --run-dir';

  constructor(readonly socketPath: string) {
    super(`another agent is already running: it answers at ${socketPath}`);
  }
}

/** The socket cannot be made. */
export class SocketError extends Error {
  override readonly name = 'SocketError';

  constructor(
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
