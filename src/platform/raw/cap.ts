/**
 * The `cap` package behind a small class. Only for the main thread of a process that does nothing else (see contract.ts).
 *
 * An opened capture is never closed while the process lives: `cap` stops its poll handle without closing it, so a collected Cap
 * leaves a freed handle in the event loop. The buffer is referenced for as long: the native side holds a bare pointer to it.
 */
import { createRequire } from 'node:module';

/** The part of cap's API that is used. */
interface CapInstance {
  open(device: string, filter: string, ringBytes: number, buffer: Buffer): string;
  send(frame: Buffer, length: number): void;
  on(event: 'packet', listener: (bytes: number, isTruncated: boolean) => void): void;
}
interface CapModule {
  readonly Cap: new () => CapInstance;
}

/** The package cannot be loaded: it is not installed, or was built for another Node. */
export class CapUnavailableError extends Error {
  override readonly name = 'CapUnavailableError';
  constructor(cause: unknown) {
    const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    super(`the package cap cannot be loaded (${why}); type: npm rebuild cap`, { cause });
  }
}

const RING_BYTES = 8 << 20;
/** A GRO frame is the longest that there is. */
const LONGEST_FRAME_BYTES = 65_535;
/** Everything that was ever opened, for the life of the process. */
const opened: { readonly cap: CapInstance; readonly buffer: Buffer }[] = [];

export class RawSocket {
  readonly #cap: CapInstance;

  /**
   * Opens the interface in promiscuous mode.
   * @param filter as in pcap-filter(7); our own frames pass it, too.
   * @throws CapUnavailableError; libpcap's error, e.g. for an interface that is down.
   */
  constructor(interfaceName: string, filter: string, onFrame: (frame: Uint8Array) => void) {
    const { Cap } = loadCap();
    const buffer = Buffer.alloc(LONGEST_FRAME_BYTES);
    this.#cap = new Cap();
    opened.push({ cap: this.#cap, buffer });
    const linkType = this.#cap.open(interfaceName, filter, RING_BYTES, buffer);
    if (linkType !== 'ETHERNET') throw new Error(`${interfaceName} is no Ethernet device (${linkType})`);
    this.#cap.on('packet', (bytes) => onFrame(Uint8Array.from(buffer.subarray(0, bytes))));
  }

  /** @throws libpcap's error, e.g. for a frame longer than the MTU allows. */
  send(frame: Uint8Array): void {
    this.#cap.send(Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength), frame.byteLength);
  }
}

function loadCap(): CapModule {
  try {
    return createRequire(import.meta.url)('cap') as CapModule;
  } catch (error) {
    throw new CapUnavailableError(error);
  }
}
