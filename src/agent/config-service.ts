/**
 * All that is asked about the node's config: read the file again, give another one to the farm, show what was in force, let a host join.
 * Puts the farm's rollout and this node's switch-over together; a reload and an apply never overlap.
 */
import { Mutex } from 'async-mutex';
import type { Config } from '../config/contract.js';
import { textDiff } from '../config/text-diff.js';
import type {
  ApplyReport,
  ApplyRequest,
  ConfigHistoryReport,
  ConfigReport,
  ConfigRevision,
  InviteReport,
  InviteRequest,
  ReloadReport,
} from '../control/contract.js';
import { ControlError } from '../control/errors.js';
import type { NodeName } from '../membership/messages.js';
import type { LiveConfig } from './live-config.js';
import { changes, harm, judgeConfig, reloadConfig } from './reload.js';
import type { Reachable, RolloutParts } from './rollout/contract.js';
import type { ConfigEntry } from './rollout/revision.js';
import { ApplyRefused, NeedsRestart, Rollout } from './rollout/rollout.js';

const TICK_MS = 500;

export interface ConfigServiceParts {
  readonly node: NodeName;
  readonly configFile: string;
  /** The text that is in force at the start. */
  readonly configText: string;
  readonly running: () => Config;
  readonly live: Pick<LiveConfig, 'prepare'>;
  readonly stage: (path: string, text: string) => { commit(): void; abort(): void };
  readonly readFile: (path: string) => Promise<string>;
  readonly openHistory: () => RolloutParts['history'] & { readonly writeError: string };
  readonly living: () => Promise<readonly Reachable[]>;
  readonly tell: RolloutParts['tell'];
  readonly record: RolloutParts['record'];
  /** Opens the door for one more host; an earlier one closes. */
  readonly invites: (content: InviteContentSource, port: number | null) => Promise<OpenInvite>;
  readonly keyFile: () => string;
  readonly nowMs: () => number;
  readonly pause: (ms: number) => Promise<void>;
}

export interface InviteContentSource {
  readonly farm: string;
  readonly node: NodeName;
  readonly configText: () => string;
  /** Addresses that are not this host's own. */
  readonly vips: () => readonly string[];
  readonly keyFile: string;
  readonly record: RolloutParts['record'];
}

export interface OpenInvite {
  readonly code: string;
  readonly port: number;
  readonly addresses: readonly string[];
  readonly until: string;
  close(): void;
}

export class ConfigService {
  readonly #parts: ConfigServiceParts;
  readonly #history: ReturnType<ConfigServiceParts['openHistory']>;
  readonly #rollout: Rollout;
  readonly #reloads = new Mutex();
  #invite: OpenInvite | null = null;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(parts: ConfigServiceParts) {
    this.#parts = parts;
    this.#history = parts.openHistory();
    this.#rollout = new Rollout(parts.configText, {
      node: parts.node,
      tell: parts.tell,
      living: parts.living,
      prepare: (text) => this.#prepare(text),
      keepForLater: async (text) => parts.stage(parts.configFile, text).commit(),
      history: this.#history,
      record: parts.record,
      nowMs: parts.nowMs,
      pause: parts.pause,
      hearingMs: () => parts.running().heartbeat.intervalMs,
      wallTime: () => new Date().toISOString(),
    });
  }

  /** Tells members which config is in force here, and hears of later ones. The membership thread must run. */
  watch(): void {
    this.#timer = setTimeout(() => void this.#tick(), 0);
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#invite?.close();
  }

  told(from: NodeName, body: Uint8Array): void {
    this.#rollout.told(from, body).catch((error: Error) => {
      this.#parts.record('error', 'config-message', { from, error: error.message });
    });
  }

  warnings(): readonly string[] {
    const { current, highest } = this.#rollout;
    const isBehind = current.revision < highest;
    return [
      ...(isBehind
        ? [`the config in force is not the farm's latest, revision ${highest}; see: covey config history`]
        : []),
      ...(this.#history.writeError === '' ? [] : [this.#history.writeError]),
    ];
  }

  /** Reads the file again. Throws ControlError with the old config still in force. */
  reload(): Promise<ReloadReport> {
    return this.#reloads.runExclusive(async () => {
      if (this.#rollout.isBusy) throw new ControlError('refused', 'a config is being applied just now', 'try again');
      const { configFile, node, running, readFile, live } = this.#parts;
      const apply = async (text: string) => {
        const prepared = await live.prepare(text, true);
        await prepared.commit();
        this.#rollout.readByHand(text);
      };
      return reloadConfig({ configFile, node, running: running(), readFile, apply }).catch(asRefusal);
    });
  }

  async apply({ text, revision, dryRun, by }: ApplyRequest): Promise<ApplyReport> {
    const { node, running } = this.#parts;
    const wanted = text ?? this.#find(revision!).text;
    const before = this.#rollout.current;
    const next = judgeConfig(wanted, text === null ? `revision ${revision}` : 'config', node, running());
    const report = { version: 1 as const, node, dryRun, diff: textDiff(before.text, wanted) };
    if (dryRun) {
      const [changed, warnings] = [changes(running(), next, node), harm(running(), next)];
      return { ...report, applied: false, revision: before.revision, changed, warnings, nodes: [] };
    }
    const outcome = await this.#rollout.apply(wanted, by).catch(asRefusal);
    return { ...report, ...outcome };
  }

  show(revision: number | null): Omit<ConfigReport, 'file' | 'secretFiles'> {
    const entry = revision === null ? this.#rollout.current : this.#find(revision);
    return { version: 1, node: this.#parts.node, ...this.#revision(entry), text: entry.text };
  }

  history(): ConfigHistoryReport {
    const revisions = this.#history.entries().map((entry) => this.#revision(entry));
    return { version: 1, node: this.#parts.node, revisions: revisions.reverse() };
  }

  async invite({ port }: InviteRequest): Promise<InviteReport> {
    const { node, running, record, keyFile } = this.#parts;
    this.#invite?.close();
    const source = {
      farm: running().farm,
      node,
      record,
      keyFile: keyFile(),
      configText: () => this.#rollout.current.text,
      vips: () => running().vips.map(({ text }) => text.split('/')[0]!),
    };
    this.#invite = await this.#parts.invites(source, port).catch((cause: Error) => {
      const hint = 'give another port: covey invite --port 7950, and covey join HOST:7950';
      throw new ControlError('refused', `cannot listen for the new host: ${cause.message}`, hint, { cause });
    });
    const { code, port: taken, addresses, until } = this.#invite;
    record('info', 'invite-open', { port: taken, until });
    return { version: 1, node, code, port: taken, addresses, until };
  }

  /** As the rollout wants it: what this node can do only at its start is told apart. */
  async #prepare(text: string) {
    if (this.#reloads.isLocked()) throw new Error('this node reads its config file again just now: try again');
    try {
      return await this.#parts.live.prepare(text);
    } catch (error) {
      if (error instanceof ControlError && error.code === 'refused') {
        throw new NeedsRestart(`${error.message}; ${error.hint}`, { cause: error });
      }
      throw error;
    }
  }

  #revision({ revision, at, by, node, hash }: ConfigEntry): ConfigRevision {
    const { current } = this.#rollout;
    const inForce = hash === current.hash && (revision === current.revision || revision === 0);
    return { revision, at, by, appliedOn: node, hash, inForce };
  }

  #find(revision: number): ConfigEntry {
    const entry = this.#history.find(revision);
    if (entry !== null) return entry;
    const known = this.#history.entries().map((one) => one.revision);
    const hint =
      known.length === 0 ? 'nothing was applied yet' : `there are: ${known.join(', ')}; see: covey config history`;
    throw new ControlError('not-found', `this node knows no revision ${revision}`, hint);
  }

  async #tick(): Promise<void> {
    try {
      await this.#rollout.tick();
    } catch (error) {
      if (!this.#closed) this.#parts.record('warn', 'config-watch', { error: String(error) });
    }
    if (!this.#closed) this.#timer = setTimeout(() => void this.#tick(), TICK_MS);
  }
}

function asRefusal(error: unknown): never {
  if (error instanceof ControlError) throw error;
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof ApplyRefused ? '' : 'the config that is in force stays';
  throw new ControlError('refused', message, hint, { cause: error });
}
