/**
 * Raw Ethernet frames in TypeScript, for probes and VIP conflict checks: rare frames, never traffic, never a heartbeat.
 *
 * The `cap` package runs in a process of its own. It aborts its process when the interface goes down (an assertion in its poll
 * callback, seen with 0.2.1), and it must not be loaded outside a main thread; neither may happen to the agent.
 */

/** A frame as captured, without its frame check sequence. */
export interface RawFrame {
  readonly bytes: Uint8Array;
  /** When it was taken from the capture: ms on CLOCK_MONOTONIC, the same clock in all processes of the host. */
  readonly atMs: number;
}

export type RawState =
  | { readonly state: 'opening' }
  | { readonly state: 'open' }
  /** Opened again by itself, unless `isFinal`: the package is missing. `why` is for people. */
  | { readonly state: 'failed'; readonly why: string; readonly isFinal: boolean };

export interface RawFrames {
  readonly state: RawState;
  /** Resolves when it is open, or has failed for the first time. */
  ready(): Promise<RawState>;
  /** Sends one whole Ethernet frame; lost where the port is not open. Bounded only by the caller. */
  send(frame: Uint8Array): void;
  /** Frames that pass the filter, our own among them. At most {@link MAX_FRAMES_PER_SECOND}; the rest is counted. */
  onFrame(listener: (frame: RawFrame) => void): void;
  onState(listener: (state: RawState) => void): void;
  /** Frames not told, because there were too many. */
  readonly skipped: number;
  close(): void;
}

/** A storm on the network must not become one in the agent's event loop. */
export const MAX_FRAMES_PER_SECOND = 5000;

/** Frames of which few tell as much as all: at most one from each source MAC in so many ms. */
export interface Thinning {
  readonly etherType: number;
  readonly everyMs: number;
}

/** Agent -> process. */
export type RawOrder =
  | { readonly type: 'open'; readonly interface: string; readonly filter: string; readonly thin: Thinning | null }
  | { readonly type: 'send'; readonly frame: Uint8Array };

/** Process -> agent. */
export type RawReport =
  | { readonly type: 'open' }
  | { readonly type: 'missing'; readonly why: string }
  | { readonly type: 'failed'; readonly why: string }
  | { readonly type: 'frames'; readonly frames: readonly RawFrame[]; readonly skipped: number };
