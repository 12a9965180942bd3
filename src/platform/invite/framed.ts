/** A TCP connection that carries a few messages, each behind its length (uint32, big endian). */
import type { Socket } from 'node:net';
import { MAX_INVITE_BYTES } from './contract.js';

export class FramedSocket {
  readonly #socket: Socket;
  #buffer = Buffer.alloc(0);
  #failure: Error | null = null;
  #wake: () => void = () => undefined;

  /** Everything must be over within `timeoutMs`. */
  constructor(socket: Socket, timeoutMs: number) {
    this.#socket = socket;
    const timer = setTimeout(() => socket.destroy(new Error(`not done within ${timeoutMs} ms`)), timeoutMs);
    socket.on('data', (part: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, part]);
      if (this.#buffer.length > MAX_INVITE_BYTES + 4) socket.destroy(new Error('the other side says too much'));
      this.#wake();
    });
    socket.on('error', (error) => this.#end(error));
    socket.on('end', () => this.#end(new Error('the other side closed the connection')));
    socket.on('close', () => {
      clearTimeout(timer);
      this.#end(new Error('the connection was closed'));
    });
  }

  send(message: Uint8Array): void {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(message.length);
    this.#socket.write(Buffer.concat([head, message]));
  }

  /** The next message, at most `mostBytes` long. Throws when the connection ends before. */
  async receive(mostBytes: number): Promise<Uint8Array> {
    for (;;) {
      const length = this.#buffer.length < 4 ? null : this.#buffer.readUInt32BE(0);
      if (length !== null && length > mostBytes) throw new Error('the other side does not speak as covey does');
      if (length !== null && this.#buffer.length >= 4 + length) {
        const message = this.#buffer.subarray(4, 4 + length);
        this.#buffer = this.#buffer.subarray(4 + length);
        return message;
      }
      if (this.#failure !== null) throw this.#failure;
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
  }

  /** What was sent still goes out. */
  close(): void {
    this.#socket.end();
    this.#socket.destroySoon();
  }

  #end(failure: Error): void {
    this.#failure ??= failure;
    this.#wake();
  }
}
