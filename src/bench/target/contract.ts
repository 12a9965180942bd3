/** Measuring a farm that lives, from outside. */

export interface TargetOptions {
  /** As it was given: for the request's Host, and for people. */
  readonly host: string;
  /** Where it is. */
  readonly address: string;
  readonly port: number;
  readonly path: string;
  readonly seconds: number;
  /** Connections that ask without a pause. */
  readonly connections: number;
  /** New connections a second, one request on each: they show shares and gaps. */
  readonly probesPerSecond: number;
  /** After so long an answer no longer counts. Below 1 s, or the kernel's second SYN would hide that the first one was lost. */
  readonly timeoutMs: number;
  /** Name of a header that says which node answered; null: look for what could. */
  readonly nodeHeader: string | null;
}

/** One request. Times in ms from the start of the run. */
export interface Asked {
  readonly atMs: number;
  readonly tookMs: number;
  /** Null: answered. */
  readonly error: string | null;
  /** Who answered, as far as the answer says. */
  readonly node: string | null;
}

export interface Second {
  readonly second: number;
  readonly answered: number;
  readonly failed: number;
  readonly p99Ms: number | null;
}

/** What `covey bench --target --json` prints. */
export interface TargetReport {
  readonly version: 1;
  readonly kind: 'target';
  readonly begun: string;
  readonly tookSeconds: number;
  readonly command: string;
  readonly target: string;
  readonly connections: number;
  readonly requestsPerSecond: number;
  readonly requests: number;
  readonly failed: Readonly<Record<string, number>>;
  /** Of requests on kept connections, ms; null: none was answered. */
  readonly latencyMs: Readonly<Record<'p50' | 'p90' | 'p99' | 'p999' | 'max', number>> | null;
  /** Part of the new connections that each node answered, 0..1. Null: the answers do not say who gave them. */
  readonly shares: Readonly<Record<string, number>> | null;
  /** How a node was told from another, or why none could be. */
  readonly sharesBy: string;
  readonly newConnections: number;
  readonly newConnectionsLost: number;
  /** From the first to the last of a row of new connections that got no answer, ms; 0: one alone, or none. */
  readonly longestGapMs: number;
  readonly seconds: readonly Second[];
  /** Load average of this machine afterwards: a client without time of its own measures itself. */
  readonly clientLoad: number;
}
