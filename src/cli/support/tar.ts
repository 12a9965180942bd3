/** A .tar.gz of text files: ustar (POSIX.1-1988), 512 bytes of header before each, everything padded to 512. */
import { gzipSync } from 'node:zlib';

export interface ArchiveFile {
  /** At most 100 bytes. */
  readonly name: string;
  readonly text: string;
}

const BLOCK = 512;

export function tarGz(files: readonly ArchiveFile[], modifiedMs: number): Uint8Array {
  const parts = files.flatMap(({ name, text }) => {
    const body = Buffer.from(text);
    return [header(name, body.length, modifiedMs), body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)];
  });
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]));
}

function header(name: string, size: number, modifiedMs: number): Buffer {
  if (Buffer.byteLength(name) > 100) throw new RangeError(`${name} is too long a name for an archive`);
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number) =>
    block.write(
      `${Math.floor(value)
        .toString(8)
        .padStart(length - 1, '0')}\0`,
      at,
      'latin1',
    );
  block.write(name, 0);
  octal(0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(modifiedMs / 1000, 136, 12);
  block.write('        0ustar\x0000', 148, 'latin1');
  // The sum of all bytes, with the eight of the sum itself as spaces.
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
