/**
 * What the host is made to look like while a node serves VIPs, and how that is undone (invariant I8).
 *
 *   claimHost      checks, lock, guard           nothing else may hold the VIPs in this network namespace
 *   ... the data plane opens and creates its TUN device ...
 *   raise          TUN up, VIPs on it            only now the kernel owns the VIPs; the guard stands already. The interface joins
 *                                                the groups by which neighbours ask for IPv6 VIPs
 *   watch          puts back what others removed
 *   lower          VIPs and TUN go first
 *   ... the data plane closes ...
 *   release        guard, lock and journal go last
 *
 * Everything but the journal file vanishes with the process, also by kill -9: the guard's tables belong to a child that
 * ends with our pipe, the TUN device is not persistent, the lock is an abstract socket.
 */

/** An address that the farm answers on, as text: `10.77.0.50` or `fd77::50`. */
export interface HostVip {
  readonly address: string;
  readonly prefixLength: number;
}

export interface HostOptions {
  readonly farm: string;
  readonly node: string;
  /** The interface that frames for the VIPs arrive on. */
  readonly interface: string;
  readonly vips: readonly HostVip[];
  /** Name of the TUN device that the data plane will create, at most 15 characters. {@link tunName} gives a fitting one. */
  readonly tun: string;
  /** The journal is kept here. */
  readonly runDir: string;
}

/** Something that stood and no longer does, or was put back. */
export interface HostEvent {
  readonly part: 'guard' | 'address' | 'tun' | 'interface';
  readonly repaired: boolean;
  /** One line for people. */
  readonly detail: string;
}

export interface Host {
  /** TUN up with the interface's MTU, VIPs on it. The TUN must exist. Throws {@link HostError}; then nothing is up. */
  raise(): Promise<void>;
  /** Compares and repairs now; gives what was found. Used by {@link watch}, and by tests. */
  verify(): Promise<readonly HostEvent[]>;
  /** Verifies every `intervalMs` (default 1000) from `raise` on; `report` hears of each finding. */
  watch(report: (event: HostEvent) => void, intervalMs?: number): void;
  /**
   * Takes further VIPs while the node runs: lock, guard, address, in this order, as at the start. Those that stand stay untouched.
   * Throws {@link HostError}; then nothing has changed.
   */
  admit(vips: readonly HostVip[]): Promise<void>;
  /** Takes away those that are not in `vips`: address, guard, lock. The data plane must have let go of them. */
  keepOnly(vips: readonly HostVip[]): Promise<void>;
  /** Takes the VIPs away and the TUN down. Idempotent; the guard stays. */
  lower(): Promise<void>;
  /** After `lower`: guard, lock and journal go. Idempotent. Call it when the data plane has closed its TUN. */
  release(): Promise<void>;
}

export type HostErrorCode =
  | 'no-interface'
  | 'interface-down'
  | 'not-ethernet'
  | 'no-permission'
  | 'no-tun'
  | 'no-run-dir'
  | 'no-guard'
  | 'held'
  | 'busy'
  | 'failed';

/** The host cannot be prepared. The message says what was tried, what happened and what to type. */
export class HostError extends Error {
  override readonly name = 'HostError';

  constructor(
    readonly code: HostErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
