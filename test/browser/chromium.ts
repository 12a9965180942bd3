/** Debian's Chromium, started inside a lab: its namespaces have no way to anywhere else, so the browser must be where the page is. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { namespaceOf } from '../../src/lab/names.js';

const CHROMIUM = '/usr/bin/chromium';
/** It is root here, has no graphics card, and nobody to ask for updates. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A browser with a fresh profile on a host of the lab. Closing it removes all that it has left. */
export async function openBrowser(lab: string, host: string): Promise<Browser> {
  const directory = mkdtempSync(join(tmpdir(), 'covey-browser-'));
  const script = join(directory, 'chromium');
  // `ip netns exec` becomes the browser by exec, so the pipe by which it is steered and its pid stay what they are.
  writeFileSync(script, `#!/bin/sh\nexec ip netns exec ${namespaceOf(lab, host)} ${CHROMIUM} "$@"\n`);
  chmodSync(script, 0o755);
  const browser = await chromium.launch({ executablePath: script, args: FLAGS });
  browser.on('disconnected', () => rmSync(directory, { recursive: true, force: true }));
  return browser;
}
