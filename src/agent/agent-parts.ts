/** What the agent's main thread is given from outside: contracts of the host, the services and the ways out. */
import type { Config } from '../config/contract.js';
import type { ControlHandler } from '../control/contract.js';
import type { Host, HostOptions } from '../platform/host/contract.js';
import type { Capability, EchoRoute, ReachDoor } from '../reach/contract.js';
import type { ConfigServiceParts } from './config-service.js';
import type { ConsoleDoorParts } from './console-door.js';
import type { AgentBegin, AgentNotice, MembershipSnapshot } from './contract.js';
import type { LiveConfigParts } from './live-config.js';
import type { Send } from './notify/contract.js';
import type { OperationsDoors, OperationsHooks } from './operations.js';
import type { Ping } from './witness.js';

/** What the reach service may do to the rest of the agent. */
export interface ReachHooks {
  readonly view: () => Promise<MembershipSnapshot>;
  readonly framesSeen: () => number;
  readonly offer: (best: Capability, why: string) => void;
  readonly goUp: () => void;
  readonly echo: (route: EchoRoute | null) => void;
  readonly conflict: (bad: boolean, detail: string) => void;
  readonly tell: (to: string | null, body: Uint8Array) => void;
  readonly record: (level: 'info' | 'warn' | 'error', event: string, fields: Readonly<Record<string, unknown>>) => void;
}

export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What the agent is given from outside. */
export interface AgentParts extends ConsoleDoorParts {
  readonly log: Log;
  readonly membershipEntry: string;
  readonly claimHost: (options: HostOptions) => Promise<Host>;
  readonly tunName: (farm: string, interfaceName: string) => string;
  /** Makes and locks the run directory; throws when another agent holds it. */
  readonly lockRunDir: (runDir: string, holder: string) => Promise<{ release(): Promise<void> }>;
  /** Listens on the control socket. */
  readonly listen: (
    runDir: string,
    handler: ControlHandler,
  ) => Promise<{ readonly socketPath: string; close(): Promise<void> }>;
  /** CLOCK_BOOTTIME, ms. */
  readonly nowMs: () => number;
  /** Opens ICMP echo on the interface; throws when the package or the permission is missing. */
  readonly openPing: (interfaceName: string) => { readonly ping: Ping; close(): void };
  /** Probes and VIP conflict checks on the interface; nothing is opened before its `start`. */
  readonly openReach: (config: Config, node: string, baseDir: string, hooks: ReachHooks) => ReachDoor;
  /** Services and checkers; nothing runs before they are told. */
  readonly openOperations: (config: Config, options: AgentBegin['options'], hooks: OperationsHooks) => OperationsDoors;
  /** TCP connections to these addresses. */
  readonly countConnections: (addresses: readonly string[]) => Promise<number>;
  /** Ends all TCP connections to these addresses with an RST, and says how many there were. */
  readonly resetConnections: (addresses: readonly string[]) => Promise<number>;
  /** What another config asks of this host, and where configs are kept. */
  readonly live: LiveParts;
  /** Notifies once; `file:` paths of the config are relative to `baseDir`. */
  readonly sender: (baseDir: string) => Send;
  readonly tellSupervisor: (notice: AgentNotice) => void;
}

type LiveParts = Pick<LiveConfigParts, 'hostFaults' | 'stage'> &
  Pick<ConfigServiceParts, 'readFile' | 'openHistory' | 'invites'> & {
    readonly whoHas: (
      running: Config,
      node: string,
      baseDir: string,
      vips: Config['vips'],
    ) => Promise<readonly string[]>;
  };
