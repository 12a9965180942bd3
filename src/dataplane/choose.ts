/** Which engine captures: what the config says, or with `auto` the better one that this host has. */
import type { DataPlane, OpenOptions } from './contract.js';

export interface Chosen<T> {
  readonly dataPlane: T;
  /** For `status`: why it is this engine, and whether the kernel takes packets by itself, as of now. */
  readonly reason: () => string;
}

/**
 * The ring has room for 64 times as many frames in the same memory, and the kernel's own word on checksums and super-frames, which a
 * relay must pass on; libpcap is what any Linux has. So `auto` tries them in this order.
 * @throws what `open` throws for the engine that was asked for, or with `auto` for libpcap.
 */
export function openWithEngine<T extends DataPlane>(
  choice: 'auto' | 'pcap' | 'ring',
  options: Omit<OpenOptions, 'engine'>,
  open: (options: OpenOptions) => T,
): Chosen<T> {
  const opened = (engine: 'pcap' | 'ring', why: string): Chosen<T> => {
    const dataPlane = open({ ...options, engine });
    return { dataPlane, reason: () => `${why}; ${fastPathText(dataPlane.noFastPath)}` };
  };
  if (choice !== 'auto') return opened(choice, `capture: ${choice}`);
  try {
    return opened('ring', 'this kernel has it');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return opened('pcap', `the ring cannot be had: ${why}`);
  }
}

function fastPathText(noFastPath: string): string {
  return noFastPath === '' ? 'with fast path' : `without fast path: ${noFastPath}`;
}
