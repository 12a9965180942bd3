/** The services of a node, as the agent sees them: what may be asked of them, and what they say of themselves. */
import type { Service } from '../config/contract.js';

/** Drawing in life.ts. */
export type ServiceState =
  | 'stopped'
  | 'looking'
  | 'starting'
  | 'ready'
  | 'pausing'
  | 'restarting'
  | 'spent'
  | 'stopping';

/** What `status` shows of a service. */
export interface ServiceReport {
  readonly name: string;
  readonly state: ServiceState;
  /** Why it is in this state, for people; empty where the state says it all. */
  readonly reason: string;
  /** Within the window. */
  readonly restarts: number;
  readonly maxRestarts: number;
  readonly windowMs: number;
  /** In this state. */
  readonly forMs: number;
  /** True while the node takes no client because of it. */
  readonly holdsNode: boolean;
}

export interface ServiceChange {
  readonly name: string;
  readonly from: ServiceState;
  readonly to: ServiceState;
  readonly reason: string;
  /** A reload brought it to a node that serves, and it had not been ready before. */
  readonly isNew: boolean;
}

export interface Outcome {
  readonly ok: boolean;
  /** Why not. */
  readonly detail: string;
}

/** How commands are carried out. None of these rejects. */
export interface ServiceCommands {
  /** `onLine` may be called after the end, by what the command left behind. */
  run(
    service: Service,
    what: 'start' | 'stop' | 'restart',
    onLine: (line: string) => void,
    signal: AbortSignal,
  ): Promise<Outcome>;
  /** Whether the service manager says that it runs; null: it has none, so nobody can say. */
  isActive(service: Service): Promise<Outcome | null>;
}

/** By name: when each restart began, wall clock, ms since 1970, oldest first. */
export type RestartTimes = Readonly<Record<string, readonly number[]>>;

/** What is known of restarts over the death of the agent. */
export interface RestartStore {
  read(): RestartTimes;
  /** Replaces all that was kept. Throws when it cannot be written. */
  write(times: RestartTimes): void;
}

export interface ServicesDoor {
  /** Starts all that do not run, one after the other in the order of the config. */
  bringUp(): void;
  /** Stops all, in reverse order. Resolves when that is done, or {@link bringUp} was called meanwhile. */
  bringDown(): Promise<void>;
  /** Something outside says that the service does not do its work: it is restarted, within its limits. */
  failed(name: string, why: string): void;
  /** Something outside says that it does: one that was given up counts again. */
  well(name: string): void;
  /** An operator wants those that were given up to be tried again: their restarts are forgotten. */
  tryAgain(): void;
  /** Takes over a new config: what is new is started, what is gone is stopped, what runs goes on. */
  update(services: readonly Service[]): void;
  reports(): readonly ServiceReport[];
  /** Ends commands under way; services stay as they are. */
  close(): void;
}
