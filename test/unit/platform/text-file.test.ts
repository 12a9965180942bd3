import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTextFile } from '../../../src/platform/text-file.js';

let directory: string;
const at = (name: string) => join(directory, name);

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'covey-text-'));
  writeFileSync(at('plain'), 'a');
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('a text file', () => {
  it('is read as it stands, with a mark of the byte order', async () => {
    writeFileSync(at('marked'), '\uFEFFfarm: wéb\n');
    expect(await readTextFile(at('marked'))).toBe('\uFEFFfarm: wéb\n');
  });

  it.each<[string, () => unknown, RegExp, string | undefined]>([
    ['a directory', () => mkdirSync(at('it')), /^it is a directory; name a file in it$/, 'EISDIR'],
    ['nothing', () => undefined, /^there is no such file; is the name right\?$/, 'ENOENT'],
    [
      'a dangling link',
      () => symlinkSync('gone.yaml', at('it')),
      /^it is a link to gone\.yaml, which is not/,
      'ENOENT',
    ],
    ['a link to itself', () => symlinkSync('it', at('it')), /^it is a link that leads back to itself/, 'ELOOP'],
    ['Latin-1', () => writeFileSync(at('it'), 'a: é\nb: \xe9\n', 'latin1'), /^line 1 is not UTF-8; save it/, undefined],
    [
      'a line of Latin-1',
      () => writeFileSync(at('it'), Buffer.concat([Buffer.from('a: é\nb: '), Buffer.of(0xe9)])),
      /^line 2 is not UTF-8/,
      undefined,
    ],
    ['UTF-16', () => writeFileSync(at('it'), '\uFEFFfarm: web', 'utf16le'), /^it is UTF-16, not UTF-8/, undefined],
  ])('that is %s is refused in words that say what to do', async (_what, make, message, code) => {
    make();
    await expect(readTextFile(at('it'))).rejects.toMatchObject({ message: expect.stringMatching(message), code });
  });

  it('below a file is refused as such', async () => {
    await expect(readTextFile(at('plain/it'))).rejects.toThrow(/^something above it is a file/);
  });
});
