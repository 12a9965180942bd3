/** Keeps as packed bytes, and as entries of the tables. Layout: `KEEP_BYTES` in src/buckets/contract.ts. */
import {
  KEEP_BYTES,
  KEY_BYTES,
  type KeeperKeeps,
  type KeeperSlot,
  type Keeps,
  MAX_PLANS,
} from '../buckets/contract.js';
import { keyText } from './classify.js';
import type { Flow } from './memory-flow.js';

/** A key that another node serves, in a bucket that is ours or may become ours. */
export interface ForeignKeep {
  readonly record: Uint8Array;
  readonly plan: number;
  bucket: number;
  readonly keeper: KeeperSlot;
  readonly serial: number;
  /** Named by hold-keys: its frames wait in the ring. */
  isHeld: boolean;
}

/** One keep of a packed list. */
export interface ListedKeep {
  readonly record: Uint8Array;
  readonly text: string;
  readonly serial: number;
}

/** The keeps of a packed list; an incomplete one at its end, or one with an unknown plan, is left out. */
export function listedKeeps(keeps: Keeps): ListedKeep[] {
  const list: ListedKeep[] = [];
  const view = new DataView(keeps.buffer, keeps.byteOffset, keeps.byteLength);
  for (let offset = 0; offset + KEEP_BYTES <= keeps.length; offset += KEEP_BYTES) {
    if (keeps[offset]! >= MAX_PLANS) continue;
    const record = keeps.slice(offset, offset + KEY_BYTES);
    list.push({ record, text: keyText(record), serial: view.getUint32(offset + KEY_BYTES) });
  }
  return list;
}

export function packKeeps(list: readonly { readonly record: Uint8Array; readonly serial: number }[]): Keeps {
  const keeps = new Uint8Array(list.length * KEEP_BYTES);
  const view = new DataView(keeps.buffer);
  for (const [i, { record, serial }] of list.entries()) {
    keeps.set(record, i * KEEP_BYTES);
    view.setUint32(i * KEEP_BYTES + KEY_BYTES, serial);
  }
  return keeps;
}

/** Our keys as group 0, with `serial`, or with the serial of each where that is null. No group for no key. */
export function ownGroup(flows: readonly Flow[], serial: number | null): KeeperKeeps[] {
  if (flows.length === 0) return [];
  const keeps = packKeeps(flows.map((flow) => ({ record: flow.record, serial: serial ?? flow.serial })));
  return [{ keeper: 0, keeps }];
}

export function foreignGroups(keeps: readonly ForeignKeep[]): KeeperKeeps[] {
  const byKeeper = new Map<KeeperSlot, ForeignKeep[]>();
  for (const keep of keeps) {
    const group = byKeeper.get(keep.keeper);
    if (group === undefined) byKeeper.set(keep.keeper, [keep]);
    else group.push(keep);
  }
  return [...byKeeper].map(([keeper, group]) => ({ keeper, keeps: packKeeps(group) }));
}
