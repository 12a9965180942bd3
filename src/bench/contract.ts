/**
 * The words of the benchmarks. A *scenario* asks a question and names the *figures* that answer it. *Peers* are what is compared:
 * each sets up a *bed* of its own. All beds stand at once, and rounds go from bed to bed, so that whatever else the machine does
 * meets all of them.
 */

/** Something that is measured. */
export interface Figure {
  /** Key of a {@link Sample}. */
  readonly id: string;
  readonly name: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
  /** Decimals that are worth showing. */
  readonly digits: number;
}

/** One round at one bed: numbers by the ids of figures. What a bed cannot measure is left out. */
export type Sample = Readonly<Record<string, number>>;

/** A peer, set up. */
export interface Bed {
  /** Bounded in time by itself. Rejects when the round is worth nothing. */
  measure(): Promise<Sample>;
  /** What to know of this peer's figures, asked after the last round. */
  notes?(): Promise<readonly string[]>;
  /** Removes all that was set up. */
  close(): Promise<void>;
}

export interface BedOptions {
  /** Length of one measurement. */
  readonly seconds: number;
  readonly signal: AbortSignal;
  /** YAML laid over the config of Covey's beds. */
  readonly overrides: readonly string[];
  readonly say: (line: string) => void;
}

export interface Peer {
  readonly name: string;
  /** For people, what it is: one line. */
  readonly about: string;
  /** Programs that it needs, as found in PATH. */
  readonly needs: readonly Program[];
  /** Where it cannot take part, whatever is installed: why. */
  readonly cannot?: string;
  setUp(options: BedOptions): Promise<Bed>;
}

export interface Program {
  readonly name: string;
  /** Debian package. */
  readonly package: string;
  /** Arguments that make it print its version. */
  readonly version: readonly string[];
}

export interface Scenario {
  readonly id: string;
  /** A question. */
  readonly title: string;
  /** How it is measured: a few sentences. */
  readonly about: string;
  readonly figures: readonly Figure[];
  /** The peer that others are compared with. */
  readonly base: string;
  readonly peers: readonly Peer[];
  /** One bed at a time instead of all at once: its peers would disturb each other, or would not fit the machine. */
  readonly isOneByOne?: boolean;
}

/** Of some numbers. */
export interface Summary {
  readonly n: number;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface FigureResult extends Summary {
  /** One a round, in order. */
  readonly values: readonly number[];
  /** This peer's value over the base's of the same round. Null for the base itself, and where a round has no value of the base. */
  readonly ratio: Summary | null;
}

export interface PeerResult {
  readonly name: string;
  readonly about: string;
  readonly figures: Readonly<Record<string, FigureResult>>;
  /** Rounds that were worth nothing, and remarks. */
  readonly notes: readonly string[];
}

export interface Absent {
  readonly name: string;
  readonly reason: string;
  /** The command that brings it; null: there is none. */
  readonly install: string | null;
}

export interface ScenarioResult {
  readonly id: string;
  readonly title: string;
  readonly about: string;
  readonly base: string;
  readonly figures: readonly Figure[];
  readonly peers: readonly PeerResult[];
  readonly absent: readonly Absent[];
  /** True when the time was over, or the run interrupted, before all rounds were done. */
  readonly isCut: boolean;
}

export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly memoryMiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly covey: string;
  readonly commit: string | null;
  /** Versions of programs that took part. */
  readonly programs: Readonly<Record<string, string>>;
  /** Load averages of 1 minute. More than the benchmark's own means that it had company. */
  readonly loadBefore: number;
  readonly loadAfter: number;
}

/** What `covey bench --json` prints. */
export interface Report {
  readonly version: 1;
  readonly kind: 'lab';
  /** ISO 8601, UTC. */
  readonly begun: string;
  readonly tookSeconds: number;
  /** To repeat it. */
  readonly command: string;
  readonly rounds: number;
  readonly secondsPerMeasurement: number;
  readonly machine: Machine;
  readonly scenarios: readonly ScenarioResult[];
}

/** The benchmark could not be run; the message says what to do. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
}
