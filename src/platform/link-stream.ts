/** Cuts a byte stream into blocks that carry their length before them. */
export class BlockReader {
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /**
   * The next block, or null until it is there. `tooLong` is called (and must throw) as soon as a length above `most` is seen, so that no
   * more than that is ever gathered.
   */
  next(lengthBytes: 2 | 4, most: number, tooLong: (length: number) => never): Uint8Array | null {
    if (this.#bytes < lengthBytes) return null;
    const head = this.#peek(lengthBytes);
    const length = head.reduce((sum, byte) => sum * 256 + byte, 0);
    if (length > most) tooLong(length);
    if (this.#bytes < lengthBytes + length) return null;
    return this.#take(lengthBytes + length).subarray(lengthBytes);
  }

  #peek(length: number): Uint8Array {
    if (this.#chunks[0]!.length < length) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0]!.subarray(0, length);
  }

  #take(length: number): Uint8Array {
    if (this.#chunks[0]!.length < length) this.#chunks = [Buffer.concat(this.#chunks)];
    const first = this.#chunks[0]!;
    this.#bytes -= length;
    if (first.length === length) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(length);
    return first.subarray(0, length);
  }
}
