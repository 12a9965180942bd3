/** The built page, held in memory: the console may have lost the right to read it by the time that somebody asks. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';

export interface WebFile {
  readonly type: string;
  readonly plain: Buffer;
  readonly gzip: Buffer;
  readonly brotli: Buffer;
  readonly tag: string;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Path -> file. Throws when the page was not built. */
export function loadWebFiles(directory: string): ReadonlyMap<string, WebFile> {
  const names = readdirSync(directory).filter((name) => TYPES[extname(name)] !== undefined);
  if (!names.includes('index.html')) throw new Error(`there is no page in ${directory}: npm run build`);
  return new Map(names.map((name) => [name === 'index.html' ? '/' : `/${name}`, webFile(join(directory, name))]));
}

function webFile(path: string): WebFile {
  const plain = readFileSync(path);
  return {
    type: TYPES[extname(path)]!,
    plain,
    gzip: gzipSync(plain, { level: 9 }),
    brotli: brotliCompressSync(plain),
    tag: `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`,
  };
}
