/** The only loader of the C++ addon: the data plane with real packets. Works in the main thread and in worker threads. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { KeptState, TableOp, TableResult } from '../buckets/contract.js';
import { decodeKept, decodeResults, encodeOps, encodeShape } from './codec.js';
import {
  type CaptureState,
  type ControlFrame,
  DATAPLANE_ABI,
  type DataPlane,
  type EchoPort,
  LeaseLapsedError,
  type OpenOptions,
  type Shape,
  type Verdict,
} from './contract.js';
import { COUNTER_NAMES, RULE_OUTCOMES } from './counters.js';

/** What addons/dataplane/src/binding.cc exports. System errors carry `code`, `errno` and `syscall`. */
interface AddonDataPlane {
  mac(): Uint8Array;
  engine(): string;
  noFastPath(): string;
  captureState(): CaptureState;
  setShape(shape: Uint8Array): void;
  renewLease(deadlineMs: number): boolean;
  reset(): void;
  leaseOpen(): boolean;
  /** Null when the lease is not open. */
  apply(ops: Uint8Array): Uint8Array | null;
  kept(): Uint8Array;
  takeAskers(all: boolean): Uint8Array;
  learnAskers(records: Uint8Array): void;
  classify(frame: Uint8Array, asServing: boolean): Verdict;
  sendControl(payload: Uint8Array, mayWait: boolean): void;
  probeAddress(address: Uint8Array): void;
  sendFrame(frame: Uint8Array): void;
  listenEcho(vip: Uint8Array | null): void;
  takeControl(): ControlFrame[];
  onControl(wake: () => void): void;
  close(): void;
}

interface Addon {
  readonly abi: number;
  readonly counterNames: readonly string[];
  readonly ruleOutcomes: readonly string[];
  readonly DataPlane: new (options: OpenOptions) => AddonDataPlane;
  bootTimeMs(): number;
  takePrecedence(): Precedence;
  sendControlOnce(interfaceName: string, payload: Uint8Array): void;
  peerCredentials(descriptor: number): PeerCredentials;
  sendUnixDatagram(path: string, text: string): void;
}

export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** What a thread has before others: real-time scheduling, a better niceness, or nothing. */
export type Precedence = 'real-time' | 'nice' | 'none';

/** The addon is not built, or is of another version than this code. */
export class AddonError extends Error {
  override readonly name = 'AddonError';
}

const FILE = join(dirname(fileURLToPath(import.meta.url)), '../../addons/dataplane/build/Release/dataplane.node');

function load(): Addon {
  if (!existsSync(FILE)) throw new AddonError(`${FILE} is missing. Build it: npm run build:addon`);
  const addon = required();
  const isOurs =
    addon.abi === DATAPLANE_ABI &&
    addon.counterNames.join() === COUNTER_NAMES.join() &&
    addon.ruleOutcomes.join() === RULE_OUTCOMES.join();
  if (isOurs) return addon;
  throw new AddonError(
    `${FILE} was built from other sources than this code (ABI ${addon.abi}, wanted ${DATAPLANE_ABI}; or other counters). Rebuild it: npm run build:addon`,
  );
}

function required(): Addon {
  try {
    return createRequire(import.meta.url)(FILE) as Addon;
  } catch (cause) {
    const why = (cause as Error).message.replace(`${FILE}: `, '');
    throw new AddonError(`${FILE} cannot be loaded (${why}). Build it: npm run build:addon`, {
      cause,
    });
  }
}

let loaded: Addon | undefined;

/** Loads at first use, so that programs which need no packets run without the addon. */
function theAddon(): Addon {
  loaded ??= load();
  return loaded;
}

/** The names of the counters in shared memory, as the addon lists them. */
export function nativeCounterNames(): readonly string[] {
  return theAddon().counterNames;
}

/** What is counted by rule, as the addon lists it. */
export function nativeRuleOutcomes(): readonly string[] {
  return theAddon().ruleOutcomes;
}

/** CLOCK_BOOTTIME in ms. */
export function bootTimeMs(): number {
  return theAddon().bootTimeMs();
}

/**
 * The calling thread comes before all others of the host that are not real-time, as far as this process may: for the thread that sends
 * heartbeats. Threads that it starts from now on do not.
 */
export function takePrecedence(): Precedence {
  return theAddon().takePrecedence();
}

/**
 * Broadcasts one control frame without a data plane: what the supervisor says after its child has ended.
 * @param payload 1..1498 bytes.
 * @throws a system error with `code`, `errno` and `syscall`.
 */
export function sendControlOnce(interfaceName: string, payload: Uint8Array): void {
  theAddon().sendControlOnce(interfaceName, payload);
}

/**
 * Who opened the other end of a Unix stream socket (SO_PEERCRED).
 * @throws a system error with `code`, `errno` and `syscall`.
 */
export function peerCredentials(descriptor: number): PeerCredentials {
  return theAddon().peerCredentials(descriptor);
}

/**
 * One datagram to a Unix socket, `/path` or `@abstract`, as sd_notify(3) sends them. Never blocks.
 * @throws a system error with `code`, `errno` and `syscall`.
 */
export function sendUnixDatagram(path: string, text: string): void {
  theAddon().sendUnixDatagram(path, text);
}

export class NativeDataPlane implements DataPlane, EchoPort {
  readonly #addon: AddonDataPlane;

  private constructor(addon: AddonDataPlane) {
    this.#addon = addon;
  }

  /**
   * Opens capture and TUN and starts the threads.
   * @throws AddonError, or a system error with `code` (ENODEV: no such interface, EPERM: capability missing, ENOENT: no
   * /dev/net/tun, EBUSY: TUN name in use, ENETDOWN: interface down), `errno` and `syscall`.
   */
  static open(options: OpenOptions): NativeDataPlane {
    return new NativeDataPlane(new (theAddon().DataPlane)(options));
  }

  nowMs(): number {
    return bootTimeMs();
  }

  get mac(): Uint8Array {
    return this.#addon.mac();
  }

  get engine(): string {
    return this.#addon.engine();
  }

  get noFastPath(): string {
    return this.#addon.noFastPath();
  }

  get captureState(): CaptureState {
    return this.#addon.captureState();
  }

  setShape(shape: Shape): void {
    this.#addon.setShape(encodeShape(shape));
  }

  renewLease(deadlineMs: number): boolean {
    return this.#addon.renewLease(deadlineMs);
  }

  reset(): void {
    this.#addon.reset();
  }

  leaseOpen(): boolean {
    return this.#addon.leaseOpen();
  }

  apply(ops: readonly TableOp[]): readonly TableResult[] {
    const results = this.#addon.apply(encodeOps(ops));
    if (results === null) throw new LeaseLapsedError('the lease is not open: no table command was applied');
    return decodeResults(results);
  }

  kept(): KeptState {
    return decodeKept(this.#addon.kept());
  }

  takeAskers(all: boolean): Uint8Array {
    return this.#addon.takeAskers(all);
  }

  learnAskers(records: Uint8Array): void {
    this.#addon.learnAskers(records);
  }

  classify(frame: Uint8Array, asServing = false): Verdict {
    return this.#addon.classify(frame, asServing);
  }

  sendControl(payload: Uint8Array, mayWait = false): void {
    this.#addon.sendControl(payload, mayWait);
  }

  probeAddress(address: Uint8Array): void {
    this.#addon.probeAddress(address);
  }

  sendFrame(frame: Uint8Array): void {
    this.#addon.sendFrame(frame);
  }

  listenEcho(vip: Uint8Array | null): void {
    this.#addon.listenEcho(vip);
  }

  takeControl(): readonly ControlFrame[] {
    return this.#addon.takeControl();
  }

  onControl(wake: () => void): void {
    this.#addon.onControl(wake);
  }

  close(): void {
    this.#addon.close();
  }
}
