/** What the reach service needs of the world. The agent hands it in, tests hand in others. */
import type { ReachSetting } from '../membership/contract.js';
import type { NodeName } from '../membership/messages.js';
import type { RawFrames } from '../platform/raw/contract.js';
import type { Capability, EchoRoute, FarmView, HostLook } from './contract.js';
import type { Tagger } from './probe-frame.js';

export interface ReachParts {
  readonly node: NodeName;
  readonly farm: string;
  readonly setting: ReachSetting;
  readonly vips: readonly { readonly address: Uint8Array; readonly text: string }[];
  /** The port of heartbeats. */
  readonly port: number;
  readonly vmac: Uint8Array;
  readonly probeMac: Uint8Array;
  readonly farmId: Uint8Array;
  readonly tag: Tagger;
  /** uint32, random, new in each life. */
  readonly run: number;
  /** Calm after which the farm goes up again by itself, ms; null: only by command. */
  readonly calmMs: number | null;
  readonly openRaw: (filter: string) => RawFrames;
  readonly look: () => Promise<HostLook>;
  /** CLOCK_MONOTONIC, as {@link RawFrame.atMs}. */
  readonly nowMs: () => number;
  readonly view: () => Promise<FarmView>;
  /** Frames that the data plane has captured. */
  readonly framesSeen: () => number;
  /** New evidence for the core. */
  readonly offer: (best: Capability, why: string) => void;
  /** Lets this node's offer go up to its evidence. */
  readonly goUp: () => void;
  /** By which way heartbeats are to be echoed from now on; null: by none. */
  readonly echo: (route: EchoRoute | null) => void;
  /** Somebody else has a VIP that is not taken yet, or no longer. */
  readonly conflict: (bad: boolean, detail: string) => void;
  /** To one member, or (null) to every living one. May be lost. */
  readonly tell: (to: NodeName | null, body: Uint8Array) => void;
  readonly record: (level: 'info' | 'warn' | 'error', event: string, fields: Readonly<Record<string, unknown>>) => void;
}
