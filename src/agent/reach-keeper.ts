/** Keeps a reach service running: opens it, opens another one when the VIPs change, and remembers what the last one said of conflicts. */
import type { ReachDoor } from '../reach/contract.js';

export interface ReachKeeperParts {
  /** A service for the config as it is now; `onConflict` is told whether another host has a VIP. */
  readonly open: (onConflict: (bad: boolean, detail: string) => void) => ReachDoor;
  readonly conflict: (bad: boolean, detail: string) => void;
  readonly failed: (error: unknown) => void;
}

export class ReachKeeper {
  readonly #parts: ReachKeeperParts;
  #door: ReachDoor | null = null;
  /** Another host has a VIP that is not taken yet. */
  #hasConflict = false;

  constructor(parts: ReachKeeperParts) {
    this.#parts = parts;
  }

  /** The running service. @throws before the first `open`. */
  get door(): ReachDoor {
    if (this.#door === null) throw new Error('no reach service runs yet');
    return this.#door;
  }

  /** To be called with the guard in place, so that the kernel does not answer for the VIPs itself, and before the node serves. */
  async open(): Promise<void> {
    const door = this.#parts.open((bad, detail) => this.#onConflict(bad, detail));
    this.#door = door;
    await door.start();
    await door.checkVips();
  }

  /** Other VIPs, other frames to look for. The farm's reach stays as it is agreed until the new service has evidence of its own. */
  async reopen(): Promise<void> {
    const before = this.#door;
    const next = this.#parts.open((bad, detail) => this.#onConflict(bad, detail));
    this.#door = next;
    before?.close();
    try {
      await next.start();
      if (this.#hasConflict) await this.#askForVipsAnew(next);
      if (this.#door === next) next.watch();
    } catch (error) {
      this.#parts.failed(error);
    }
  }

  close(): void {
    this.#door?.close();
  }

  /** The service that said so is gone, and would never say that the conflict is over. */
  async #askForVipsAnew(door: ReachDoor): Promise<void> {
    this.#hasConflict = false;
    await door.checkVips();
    if (!this.#hasConflict) this.#onConflict(false, '');
  }

  #onConflict(bad: boolean, detail: string): void {
    this.#hasConflict = bad;
    this.#parts.conflict(bad, detail);
  }
}
