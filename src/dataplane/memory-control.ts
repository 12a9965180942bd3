/** Control frames (EtherType 0x88B5) of the in-memory data plane: the bounded queue of those received, and building one. */
import type { ControlFrame } from './contract.js';
import { ETHERTYPE_CONTROL } from './packet.js';

const MOST_WAITING = 256;
const MOST_BYTES = 1500;
const BROADCAST = new Uint8Array(6).fill(0xff);

export class ControlQueue {
  /** Called when the first frame of an empty queue arrives: so at most once per {@link take}. */
  wake: () => void = () => {};
  private waiting: ControlFrame[] = [];

  /** False: the queue is full, the frame is lost. `payload` is where the Ethernet header ends. */
  push(frame: Uint8Array, payload: number): boolean {
    if (this.waiting.length >= MOST_WAITING) return false;
    this.waiting.push({ source: frame.slice(6, 12), payload: frame.slice(payload) });
    if (this.waiting.length === 1) this.wake();
    return true;
  }

  take(): readonly ControlFrame[] {
    const taken = this.waiting;
    this.waiting = [];
    return taken;
  }
}

/** A broadcast from `mac`. Throws {@link RangeError} when the payload does not fit an Ethernet frame. */
export function controlFrame(mac: Uint8Array, payload: Uint8Array): Uint8Array {
  if (payload.length > MOST_BYTES) {
    throw new RangeError(`a control frame of ${payload.length} bytes is above ${MOST_BYTES}`);
  }
  const frame = new Uint8Array(14 + payload.length);
  frame.set(BROADCAST, 0);
  frame.set(mac, 6);
  frame.set([ETHERTYPE_CONTROL >>> 8, ETHERTYPE_CONTROL & 0xff], 12);
  frame.set(payload, 14);
  return frame;
}
