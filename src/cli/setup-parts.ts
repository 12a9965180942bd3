/** What `init`, `join` and `apply` need of the host. `src/cli/entry` hands in the real ones, tests hand in others. */

export interface DetectedInterface {
  readonly name: string;
  /** Its own address with prefix length; null: it has none. */
  readonly address: string | null;
}

export interface SetupParts {
  /** Who runs this command, for the farm's events. */
  readonly user: string;
  /** Absolute path of the package's covey.schema.json. */
  readonly schemaPath: string;
  /** The interface of the default route; null: there is none. */
  detect(): Promise<DetectedInterface | null>;
  /** Asks at the terminal; an empty answer gives `fallback`. */
  ask(question: string, fallback: string): Promise<string>;
  exists(path: string): boolean;
  /** A new file with this mode, on the disk; replaces another one only with `force`. */
  write(path: string, text: string, mode: number, force: boolean): void;
  /** Config and key from a member with an open invite. */
  fetchInvite(target: {
    readonly address: string;
    readonly port: number;
    readonly code: string;
    readonly host: string;
  }): Promise<{ readonly farm: string; readonly node: string; readonly configText: string; readonly keyText: string }>;
}
