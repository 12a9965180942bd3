/**
 * ICMP echo by the `raw-socket` package (RFC 792; RFC 4443 for IPv6): for `witness:` and ping checkers.
 *
 * Main thread only: raw-socket is bound to the main event loop. The Socket is referenced for its whole life, because the
 * native side holds a bare pointer to it. The package is optional: without it, only echo is missing.
 */
import { createRequire } from 'node:module';
import { isIPv6 } from 'node:net';

/** The part of raw-socket's API that is used. */
interface RawSocket {
  on(event: 'message', listener: (packet: Buffer, source: string) => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  send(packet: Buffer, offset: number, length: number, address: string, done: (error: Error | null) => void): void;
  setOption(level: number, option: number, value: Buffer, length: number): void;
  close(): void;
}
interface RawSocketModule {
  createSocket(options: { protocol: number; addressFamily: number }): RawSocket;
  createChecksum(packet: Buffer): number;
  readonly AddressFamily: { readonly IPv4: number; readonly IPv6: number };
  readonly Protocol: { readonly ICMP: number; readonly ICMPv6: number };
}

/** `raw-socket` cannot be loaded: it is not installed, or was built for another Node. */
export class IcmpUnavailableError extends Error {
  override readonly name = 'IcmpUnavailableError';
  constructor(cause: unknown) {
    super(
      'ICMP echo needs the package raw-socket, which cannot be loaded (witness and ping checkers are off); type: npm rebuild raw-socket',
      { cause },
    );
  }
}

// asm/socket.h: SOL_SOCKET, SO_BINDTODEVICE.
const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;
const ECHO_BYTES = 16;
const V4 = { request: 8, reply: 0 } as const;
const V6 = { request: 128, reply: 129 } as const;

/** Sends echo requests of one family, and matches replies by identifier, sequence and source. */
export class Pinger {
  readonly #raw: RawSocketModule;
  readonly #socket: RawSocket;
  readonly #types: typeof V4 | typeof V6;
  readonly #identifier: number;
  readonly #waiting = new Map<number, { readonly address: string; readonly answered: () => void }>();
  #sequence = 0;
  #closed = false;

  /**
   * @param family 4 or 6.
   * @param interfaceName bind to this device, so that the echo takes the way of the traffic; null: as routed.
   * @param identifier uint16 that tells our echoes from those of other programs.
   * @throws IcmpUnavailableError without the package; a system error without CAP_NET_RAW.
   */
  constructor(family: 4 | 6, interfaceName: string | null, identifier: number) {
    this.#raw = loadRawSocket();
    this.#types = family === 4 ? V4 : V6;
    this.#identifier = identifier & 0xffff;
    this.#socket = this.#raw.createSocket({
      protocol: family === 4 ? this.#raw.Protocol.ICMP : this.#raw.Protocol.ICMPv6,
      addressFamily: family === 4 ? this.#raw.AddressFamily.IPv4 : this.#raw.AddressFamily.IPv6,
    });
    // Unreachable networks and the like: the echo goes unanswered, which is what the caller is told.
    this.#socket.on('error', () => undefined);
    this.#socket.on('message', (packet, source) => this.#receive(packet, source));
    if (interfaceName !== null) {
      const device = Buffer.from(`${interfaceName}\0`);
      this.#socket.setOption(SOL_SOCKET, SO_BINDTODEVICE, device, device.length);
    }
  }

  /** One echo. @returns the round trip in ms; null when nothing came back within `timeoutMs`. */
  ping(address: string, timeoutMs: number): Promise<number | null> {
    this.#sequence = (this.#sequence + 1) & 0xffff;
    const sequence = this.#sequence;
    const packet = this.#request(sequence);
    const startedAt = performance.now();
    return new Promise((done) => {
      const finish = (roundTripMs: number | null) => {
        clearTimeout(timer);
        this.#waiting.delete(sequence);
        done(roundTripMs);
      };
      const timer = setTimeout(() => finish(null), timeoutMs);
      this.#waiting.set(sequence, { address, answered: () => finish(performance.now() - startedAt) });
      this.#socket.send(packet, 0, packet.length, address, (error) => {
        if (error !== null) finish(null);
      });
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }

  #request(sequence: number): Buffer {
    const packet = Buffer.alloc(ECHO_BYTES);
    packet.writeUInt8(this.#types.request, 0);
    packet.writeUInt16BE(this.#identifier, 4);
    packet.writeUInt16BE(sequence, 6);
    // The kernel computes the ICMPv6 checksum itself (RFC 3542 section 3.1).
    if (this.#types === V4) packet.writeUInt16BE(this.#raw.createChecksum(packet), 2);
    return packet;
  }

  /** IPv4 raw sockets deliver the IP header too (raw(7)), IPv6 ones do not. */
  #receive(packet: Buffer, source: string): void {
    const at = this.#types === V4 ? ((packet[0] ?? 0) & 0x0f) * 4 : 0;
    if (packet.length < at + 8 || packet.readUInt8(at) !== this.#types.reply) return;
    if (packet.readUInt16BE(at + 4) !== this.#identifier) return;
    const waiting = this.#waiting.get(packet.readUInt16BE(at + 6));
    if (waiting !== undefined && waiting.address === source) waiting.answered();
  }
}

export const familyOf = (address: string): 4 | 6 => (isIPv6(address) ? 6 : 4);

function loadRawSocket(): RawSocketModule {
  try {
    return createRequire(import.meta.url)('raw-socket') as RawSocketModule;
  } catch (error) {
    throw new IcmpUnavailableError(error);
  }
}
