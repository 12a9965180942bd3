/** What a browser is sent: small, and complete in itself. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');
const MOST_BYTES = 120_000;
const directory = mkdtempSync(join(tmpdir(), 'covey-bundle-'));
let files: ReadonlyMap<string, Buffer>;

beforeAll(() => {
  execFileSync(process.execPath, [join(ROOT, 'scripts/build-web.mjs'), directory]);
  files = new Map(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name))]));
});
afterAll(() => rmSync(directory, { recursive: true }));

it('is at most 120 kB, gzipped', () => {
  expect([...files.keys()].sort()).toEqual(['app.css', 'app.js', 'icon.svg', 'index.html']);
  const bytes = [...files.values()].reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0);
  expect(bytes).toBeGreaterThan(20_000);
  expect(bytes).toBeLessThanOrEqual(MOST_BYTES);
});

it('names no other server', () => {
  for (const [name, file] of files) {
    // The names of XML namespaces look like addresses, and are fetched by nobody.
    const text = file.toString('utf8').replaceAll(/http:\/\/www\.w3\.org\/[\w/]+/g, '');
    expect(text.match(/(?:https?:|wss?:)?\/\/[a-z0-9-]+(?:\.[a-z0-9-]+)+/gi) ?? [], name).toEqual([]);
    expect(text.match(/@import|url\((?!["']?data:)/g) ?? [], name).toEqual([]);
  }
});

it('has no script or style inline, which the policy would refuse', () => {
  const page = files.get('index.html')!.toString('utf8');
  expect(page).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/);
});
