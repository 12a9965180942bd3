/**
 * Pictures of every page of a lab farm's console: `screenshots.mjs DIRECTORY`, run by scripts/screenshots.sh. A farm of three under load, of
 * which one node drains; then the farm page once more with a dead node, and a page whose node is gone.
 */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { consoleUrl, firstLogin, type Login, WITH_CONSOLES } from '../../src/lab/consoles.js';
import { interruption } from '../../src/lab/interrupt.js';
import { labDown, labKill, labUp } from '../../src/lab/lab.js';
import { namespaceOf, nodeNames, PROJECT, VIP } from '../../src/lab/names.js';
import { openBrowser } from './chromium.js';

const LAB = 'screenshots';
const NODES = nodeNames(3);
/** Some seconds of a curve. */
const SECONDS_OF_TRAFFIC = 25;
const LOAD_SECONDS = 120;
const PAGES = ['farm', 'traffic', 'timeline', 'checks', 'network', 'explain', 'config', 'users'];
const LOOKS: Readonly<Record<string, BrowserContextOptions>> = {
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 900 } },
  light: { colorScheme: 'light', viewport: { width: 1280, height: 900 } },
  phone: { colorScheme: 'dark', viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
};
/** Something to look at on the page of the checks. */
const WITH_CHECKS = `
checkers:
  - { name: site, type: http, url: "http://127.0.0.1/", on-fail: wait }
  - { name: spare, type: tcp, address: "127.0.0.1:81", on-fail: notify }
services:
  - { name: app, start: "true", stop: "true" }`;

const directory = process.argv[2] ?? 'build/screenshots';

async function logIn(page: Page, { user, password }: Login): Promise<void> {
  await page.getByLabel('Name').fill(user);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('navigation').waitFor();
}

/** Waits until the page shows what it is about. */
async function ready(page: Page, name: string): Promise<void> {
  await page.getByText('live', { exact: true }).waitFor();
  if (name === 'farm') await page.getByText('None is moving').waitFor();
  if (name === 'traffic') await page.locator('.u-over').first().waitFor();
  if (name === 'timeline') await page.locator('.timeline li').first().waitFor();
  if (name === 'checks') await page.getByText('well').first().waitFor();
  if (name === 'network') await page.getByRole('button', { name: 'Probe the network' }).click();
  if (name === 'network') await page.getByText('Best reach that works').waitFor({ timeout: 15_000 });
  if (name === 'explain') {
    await page.getByLabel('Client').fill('10.77.0.100:40000');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByText('died:').waitFor();
  }
  if (name === 'config') await edit(page);
  if (name === 'users') await page.getByText('(you)').waitFor();
}

/** A change that is not applied: its differences and what it would do are part of the picture. */
async function edit(page: Page): Promise<void> {
  const editor = page.getByLabel('Config of the farm, YAML');
  await editor.waitFor();
  await editor.fill((await editor.inputValue()).replace('- 8080', '- 8081'));
  await page.getByText('What would change').waitFor();
  await page.locator('button.primary:enabled').waitFor();
}

async function untilTraffic(page: Page): Promise<void> {
  const seconds = () =>
    page.evaluate<number>(`fetch('/api/v1/traffic').then((answer) => answer.json()).then(({ times }) => times.length)`);
  while ((await seconds()) < SECONDS_OF_TRAFFIC) await page.waitForTimeout(500);
}

async function shoot(page: Page, name: string, fullPage = true): Promise<void> {
  const path = join(directory, `${name}.png`);
  await page.screenshot({ path, fullPage });
  process.stdout.write(`${path}\n`);
}

async function pictures(browser: Browser, login: Login): Promise<void> {
  for (const [look, options] of Object.entries(LOOKS)) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
    const page = await context.newPage();
    await page.goto(consoleUrl('n1'));
    await page.getByLabel('Name').waitFor();
    await shoot(page, `login-${look}`);
    await logIn(page, login);
    await untilTraffic(page);
    for (const name of PAGES) {
      await page.goto(`${consoleUrl('n1')}#/${name}`);
      await ready(page, name);
      await shoot(page, `${name}-${look}`);
    }
    await context.close();
  }
}

/** The farm page with a question open, with a dead node, and when the node that serves it is gone. */
async function outage(browser: Browser, login: Login): Promise<void> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...LOOKS.dark });
  const page = await context.newPage();
  await page.goto(consoleUrl('n1'));
  await logIn(page, login);
  await page.locator('[data-node=n2]').getByRole('button', { name: 'Drain' }).click();
  // What dims the page behind a question is as large as the screen, not as the page.
  await shoot(page, 'drain-dark', false);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await labKill(LAB, 'n3');
  await page.locator('[data-node=n3].dead').waitFor();
  await page.getByRole('img', { name: 'Shares: n1 50.0' }).waitFor();
  await shoot(page, 'killed-dark');
  await labKill(LAB, 'n1');
  await page.locator('[data-test=gone]').waitFor();
  await page.getByText('stale:').waitFor();
  await shoot(page, 'gone-dark');
}

/** Requests a second to a port of the VIP: each has a rule of its own. */
const LOADS: Readonly<Record<string, number>> = { '80': 150, '8000': 50 };

function startLoad([port, rate]: readonly [string, number]) {
  const words = [
    '--url',
    `http://${VIP}:${port}/`,
    '--rate',
    `${rate}`,
    '--seconds',
    `${LOAD_SECONDS}`,
    '--names',
    NODES.join(','),
  ];
  const load = join(PROJECT, 'dist', 'lab', 'load.js');
  return spawn('ip', ['netns', 'exec', namespaceOf(LAB, 'client'), process.execPath, load, ...words], {
    stdio: 'ignore',
  });
}

async function main(signal: AbortSignal): Promise<void> {
  mkdirSync(directory, { recursive: true });
  await labDown(LAB);
  const overrides = [WITH_CONSOLES, WITH_CHECKS];
  await labUp({ lab: LAB, nodes: 3, client: true, ipv6: true, agents: true, overrides, signal }, () => undefined);
  const loads = Object.entries(LOADS).map(startLoad);
  const browser = await openBrowser(LAB, 'client');
  try {
    const login = await firstLogin(LAB, NODES);
    await pictures(browser, login);
    signal.throwIfAborted();
    await outage(browser, login);
  } finally {
    for (const load of loads) load.kill();
    await browser.close();
  }
}

const interrupt = interruption((line) => process.stderr.write(`${line}\n`));
try {
  await main(interrupt.signal);
} finally {
  await labDown(LAB);
  interrupt.done();
}
