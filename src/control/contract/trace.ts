/** What becomes of frames. Part of the contract of the agent's socket: see ../contract.ts. */
import type { NodeName } from '../../membership/messages.js';

export interface TraceRequest {
  /** Ethernet frames, at most {@link TRACE_BATCH}. */
  readonly frames: readonly {
    /** The first bytes, base64: at least all headers, at most {@link TRACE_BYTES}. */
    readonly data: string;
    /** Of the whole frame, bytes. */
    readonly length: number;
  }[];
}
export const TRACE_BATCH = 64;
export const TRACE_BYTES = 384;

export interface TraceReport {
  readonly version: 1;
  /** The node that was asked: the verdicts are its own. */
  readonly node: NodeName;
  /** False: its lease is not open, so it rejects everything. */
  readonly serving: boolean;
  /** One for each frame, in order. */
  readonly verdicts: readonly TraceVerdict[];
}

export interface TraceVerdict {
  /** `accept`, `reject`, `hold`, `relay`, `answer` or `control`. */
  readonly verdict: string;
  /** The counter that the frame bumps. */
  readonly reason: string;
  readonly rule: string | null;
  readonly plan: number | null;
  readonly bucket: number | null;
  /** Who holds the bucket; null: nobody known, or no bucket. */
  readonly owner: NodeName | null;
  readonly planned: NodeName | null;
}
