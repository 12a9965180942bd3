/**
 * Another config on this node, while it runs. All that can fail is done first, and undone when the farm does not switch:
 *
 *   prepare   judged, host asked; new VIPs: nobody else has them, lock, guard, address; new text beside the config file, on the disk;
 *             membership told what comes
 *   commit    data plane and membership; VIPs that are gone: connections ended, address, guard, lock; file; supervisor; the rest
 *
 * The order at a new VIP is that of the start (guard, then address, then the data plane accepts), at one that goes the reverse.
 */
import type { Cidr, Config } from '../config/contract.js';
import type { Host } from '../platform/host/contract.js';
import { changes, harm, judgeConfig, newVips } from './reload.js';
import type { PreparedConfig } from './rollout/contract.js';

export interface Staged {
  commit(): void;
  abort(): void;
}

export interface LiveConfigParts {
  readonly configFile: string;
  readonly node: string;
  readonly running: () => Config;
  readonly host: () => Pick<Host, 'admit' | 'keepOnly'>;
  /** Who else has these addresses; one sentence each. */
  readonly whoHas: (running: Config, vips: readonly Cidr[]) => Promise<readonly string[]>;
  /** What this host lacks for the config: an interface, a key. One sentence each. */
  readonly hostFaults: (next: Config) => Promise<readonly string[]>;
  /** Writes beside the config file; throws when that cannot be. */
  readonly stage: (path: string, text: string) => Staged;
  /** Tells membership that the farm may go over to it, so that nobody waits while some nodes have it and some not yet. */
  readonly expect: (text: string) => Promise<void>;
  /** Data plane and membership; they switch between two packets. */
  readonly switchOver: (text: string, next: Config) => Promise<void>;
  /** Ends all TCP connections to these addresses. @returns how many there were. */
  readonly resetConnections: (addresses: readonly string[]) => Promise<number>;
  /** What hangs on the config and on no packet: witness, probes. */
  readonly follow: (before: Config, next: Config) => void;
  readonly record: (level: 'info' | 'warn' | 'error', event: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** A reason of this host's not to take a config. */
export class HostRefusal extends Error {
  override readonly name = 'HostRefusal';
}

const addressOf = ({ text }: Cidr) => text.split('/')[0]!;
const hostVips = (vips: readonly Cidr[]) =>
  vips.map((vip) => ({ address: addressOf(vip), prefixLength: vip.prefixLength }));

export class LiveConfig {
  readonly #parts: LiveConfigParts;

  constructor(parts: LiveConfigParts) {
    this.#parts = parts;
  }

  /**
   * @param isInFile the text was read from the config file, so that it need not be written.
   * @throws ControlError, HostError or {@link HostRefusal}; then nothing has changed.
   */
  async prepare(text: string, isInFile = false): Promise<PreparedConfig> {
    const { configFile, node, running, hostFaults } = this.#parts;
    const before = running();
    const next = judgeConfig(text, configFile, node, before);
    const faults = await hostFaults(next);
    if (faults.length > 0) throw new HostRefusal(faults.join('; '));
    const staged = isInFile ? null : this.#parts.stage(configFile, text);
    try {
      await this.#parts.expect(text);
      await this.#admit(before, next);
    } catch (error) {
      staged?.abort();
      throw error;
    }
    return this.#prepared(text, before, next, staged);
  }

  async #admit(before: Config, next: Config): Promise<void> {
    const fresh = newVips(before, next);
    if (fresh.length === 0) return;
    const { whoHas, host } = this.#parts;
    const claims = await whoHas(before, fresh);
    if (claims.length > 0) throw new HostRefusal(claims.join('; '));
    await host().admit(hostVips(fresh));
  }

  #prepared(text: string, before: Config, next: Config, staged: Staged | null): PreparedConfig {
    const { node, host } = this.#parts;
    let isOver = false;
    return {
      changed: changes(before, next, node),
      warnings: harm(before, next),
      commit: async () => {
        isOver = true;
        try {
          await this.#parts.switchOver(text, next);
        } catch (error) {
          staged?.abort();
          await host().keepOnly(hostVips(before.vips));
          throw error;
        }
        await this.#letGo(before, next);
        this.#write(staged);
        this.#parts.follow(before, next);
      },
      abort: async () => {
        if (isOver) return;
        isOver = true;
        staged?.abort();
        await host().keepOnly(hostVips(before.vips));
      },
    };
  }

  /** The data plane takes nothing for them any more; what is left of their connections would only time out. */
  async #letGo(before: Config, next: Config): Promise<void> {
    const gone = newVips(next, before);
    if (gone.length === 0) return;
    const { record, resetConnections, host } = this.#parts;
    try {
      const count = await resetConnections(gone.map(addressOf));
      record('info', 'vips-gone', { vips: gone.map(({ text }) => text), connectionsReset: count });
    } catch (error) {
      record('warn', 'vips-gone', { vips: gone.map(({ text }) => text), error: String(error) });
    }
    try {
      await host().keepOnly(hostVips(next.vips));
    } catch (error) {
      record('error', 'vips-not-taken-away', { error: String(error), hint: 'restart this node when it suits' });
    }
  }

  /** The config is in force, and stays so: a file that could not be replaced is told, and this node hears again what it lacks when it starts. */
  #write(staged: Staged | null): void {
    try {
      staged?.commit();
    } catch (error) {
      this.#parts.record('error', 'config-not-written', { error: String(error) });
    }
  }
}
