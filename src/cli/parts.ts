/** What the commands need of the world. `main.ts` hands in the real ones, tests hand in others. */
import type { Command } from 'commander';
import type { ControlClient } from '../control/client.js';
import type { TraceVerdict } from '../control/contract.js';
import type { Capture, CapturedFrame } from '../platform/pcap.js';
import type { SetupParts } from './setup-parts.js';
import type { RunTool } from './support/collect.js';

export interface Terminal {
  /** Standard output; a line end is added. */
  line(text: string): void;
  /** Standard error; a line end is added. */
  errorLine(text: string): void;
  /** Standard output, as it is. */
  raw(text: string): void;
  /** Standard output is a terminal: a view may be redrawn in place. */
  readonly isInteractive: boolean;
  /** Of the terminal now; 80 x 24 where there is none. */
  size(): { readonly columns: number; readonly rows: number };
  /** @returns what ends it. */
  onResize(then: () => void): () => void;
  readonly hasColours: boolean;
}

/** From its making on a signal to end (INT, TERM, HUP) no longer ends the process, but is told here, until `release`. */
export interface Interruption {
  readonly isInterrupted: boolean;
  readonly happened: Promise<void>;
  release(): void;
}

export interface CaptureDoor {
  /** Throws with the reason where the capture file cannot be read. */
  checkFile(path: string): void;
  openLive(interfaceName: string, filter: string, onFrame: (frame: CapturedFrame) => void): Capture;
  openFile(path: string, filter: string, onFrame: (frame: CapturedFrame) => void): Capture;
}

/** A farm that does not run, from its config and the names of its nodes. */
export interface ImaginedFarm {
  /** What the verdicts lack, for people; null: nothing. */
  readonly lacks: string | null;
  readonly vips: readonly string[];
  readonly judge: (frames: readonly CapturedFrame[]) => readonly TraceVerdict[];
}

export interface RunOptions {
  readonly configFile: string;
  readonly node: string;
  readonly runDir: string;
  readonly version: string;
}

export interface ConsoleOptions {
  readonly runDir: string;
  readonly listen: string;
  /** Names besides the host's own by which browsers may ask for it. */
  readonly host: readonly string[];
  /** Name of a user who becomes admin with a new password; then nothing is served. */
  readonly resetAdmin?: string;
}

/** `missing` may be well on another machine, `unusable` is so on none. `message` is for people, and names the file. */
export type KeyFileState =
  | { readonly state: 'good' }
  | {
      readonly state: 'missing' | 'unusable';
      readonly message: string;
      /** Another user might read it. */
      readonly needsRoot?: boolean;
    };

/** What is worth saying of a good config on this host. Each line is for people, and none makes the config bad. */
export interface HostFindings {
  /** `covey run` would not start here with it. */
  readonly refusals: readonly string[];
  readonly advice: readonly string[];
}

/** What this host has to say to a config. */
export interface Environment {
  keyFile(path: string): KeyFileState;
  interface(
    name: string,
    vips: readonly { readonly address: string; readonly prefixLength: number }[],
  ): Promise<HostFindings>;
}

/** A file that other users may read or change. */
export interface ExposedFile {
  /** Null: it has no name, or not the one that it was opened by. */
  readonly path: string | null;
  /** Permission bits. */
  readonly mode: number;
}

export interface StoredKey {
  /** 8 hex digits. */
  readonly id: string;
  readonly isActive: boolean;
  readonly isIdentity: boolean;
  readonly isRetired: boolean;
}

/** The key file; ids are as people type them, a unique beginning is enough. All throw with a message for people. */
export interface KeyStore {
  /** A whole key file with one new key, as text. */
  generate(): string;
  create(path: string): readonly StoredKey[];
  list(path: string): readonly StoredKey[];
  add(path: string, text: string | null): StoredKey;
  /** @returns the id in full. */
  use(path: string, id: string, check: (id: string) => void): string;
  /** `usedBy` maps an id in full to the nodes that seal with it. @returns the id in full. */
  remove(path: string, id: string, usedBy: (id: string) => readonly string[]): string;
  /** The id of a number that the agent reports. */
  format(keyId: number): string;
}

export type ControlApi = Pick<
  ControlClient,
  | 'status'
  | 'explain'
  | 'metrics'
  | 'trace'
  | 'probe'
  | 'command'
  | 'events'
  | 'reload'
  | 'set'
  | 'keys'
  | 'reloadKeys'
  | 'apply'
  | 'config'
  | 'configHistory'
  | 'invite'
>;

export interface CliParts {
  readonly version: string;
  readonly hostName: string;
  readonly terminal: Terminal;
  readonly control: (runDir: string) => ControlApi;
  readonly readFile: (path: string) => Promise<string>;
  /** Rejects where the file is not UTF-8, too. The message does not name the file. */
  readonly readConfigFile: (path: string) => Promise<string>;
  readonly readInput: () => Promise<string>;
  readonly environment: Environment;
  readonly keys: KeyStore;
  readonly setup: SetupParts;
  /** Runs the node in the foreground. @returns the exit code. */
  readonly run: (options: RunOptions) => Promise<number>;
  /** `found` is false where there is no such directory. */
  readonly cleanup: (options: {
    readonly runDir: string;
  }) => Promise<{ readonly undone: readonly string[]; readonly found: boolean }>;
  /** Runs the console in the foreground, or gives one of its users a new password. @returns the exit code. */
  readonly console: (options: ConsoleOptions) => Promise<number>;
  readonly addLabCommands: (program: Command) => void;
  readonly addBenchCommand: (program: Command) => void;
  /** Waits; false when the user has interrupted. */
  readonly pause: (ms: number) => Promise<boolean>;
  readonly nowMs: () => number;
  /** Null: no other user may read or change what this command writes to standard output, as far as a file's mode says so. */
  readonly exposedOutput: () => ExposedFile | null;
  /** Then nothing is gained by sudo. */
  readonly isRoot: boolean;
  readonly interruption: () => Interruption;
  /** ISO 8601, UTC. */
  readonly wallTime: () => string;
  readonly capture: CaptureDoor;
  readonly imagineFarm: (configFile: string, nodes: readonly string[]) => Promise<ImaginedFarm>;
  readonly runTool: RunTool;
  /** A new file, mode 0600; rejects where there is one already. */
  readonly writePrivateFile: (path: string, bytes: Uint8Array) => Promise<void>;
}
