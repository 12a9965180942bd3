/** Are addresses free that a running farm is about to take? Asked by a capture of its own, before anybody answers for them. */
import type { RawFrames } from '../platform/raw/contract.js';
import { Claims, claimText } from './claims.js';
import { whoHasVips } from './conflict.js';
import { captureFilter } from './filter.js';
import { parseEthernet } from './packets.js';

export interface VipCheckParts {
  readonly vips: readonly Uint8Array[];
  /** Of the interface, 6 bytes. */
  readonly mac: Uint8Array;
  readonly vmac: Uint8Array;
  readonly probeMac: Uint8Array;
  readonly farmId: Uint8Array;
  readonly port: number;
  readonly openRaw: (filter: string) => RawFrames;
  readonly nowMs: () => number;
}

/** Who has them, one sentence each; empty: nobody answers, or nothing can be captured here. Takes 350 ms. */
export async function whoHas(parts: VipCheckParts): Promise<readonly string[]> {
  const { vips, mac, vmac, probeMac, farmId, port, nowMs } = parts;
  const claims = new Claims({ vips, mac, vmac, probeMac, farmId });
  const raw = parts.openRaw(captureFilter({ vips, own: mac, vmac, probeMac, gateway: null, port }));
  try {
    raw.onFrame(({ bytes, atMs }) => {
      const frame = parseEthernet(bytes);
      if (frame !== null) claims.take(frame, atMs);
    });
    if ((await raw.ready()).state !== 'open') return [];
    const send = (frame: Uint8Array) => raw.send(frame);
    const found = await whoHasVips({ vips, mac, claims, send, nowMs, conflict: () => undefined });
    return found.map(claimText);
  } finally {
    raw.close();
  }
}
