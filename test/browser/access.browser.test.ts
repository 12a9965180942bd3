/** Whom the page must not shut out: screen readers (axe-core), keyboards, phones, dark and light. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterEach, describe, expect, it } from 'vitest';
import { consoleUrl } from '../../src/lab/consoles.js';
import { PAGES, PHONE, useConsoles } from './console-bed.js';

const bed = useConsoles('browser-access');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

afterEach(() => expect(bed.faults.splice(0)).toEqual([]));

/** Serious and critical findings, with where they are. */
async function findings(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE);
  return page.evaluate(`axe.run().then(({ violations, passes }) => [
    ...(passes.length > 10 ? [] : ['axe has looked at nothing']),
    ...violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => id + ': ' + nodes.map(({ target }) => target.join(' ')).join(', ')),
  ])`);
}

const overflow = (page: Page) =>
  page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');

/** What a page shows only after somebody has asked. */
async function fill(page: Page, name: string): Promise<void> {
  if (name === 'explain') {
    await page.getByLabel('Client').fill('10.77.0.100:40000');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.locator('[data-test=answer]').waitFor();
  }
  if (name === 'network') {
    await page.getByRole('button', { name: 'Probe the network' }).click();
    await page.getByText('Best reach that works').waitFor();
  }
  if (name === 'config') await page.locator('.history li').first().waitFor();
}

const WAYS: readonly (readonly [string, BrowserContextOptions])[] = [
  ['dark', { colorScheme: 'dark' }],
  ['light', { colorScheme: 'light' }],
  ['on a phone', { ...PHONE, colorScheme: 'light' }],
];

describe.each(WAYS)('%s', (_way, options) => {
  it('has no serious finding on any page, and nothing beside the screen', async () => {
    const page = await bed.visit('n1', options);
    const found: Record<string, readonly string[]> = { login: await findings(page) };
    await bed.logIn(page);
    for (const name of PAGES) {
      await page.goto(`${consoleUrl('n1')}#/${name}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await fill(page, name);
      found[name] = [...(await findings(page)), ...((await overflow(page)) > 0 ? ['wider than the screen'] : [])];
    }
    expect(found).toEqual(Object.fromEntries(['login', ...PAGES].map((name) => [name, []])));
    await page.context().close();
  }, 60_000);
});

it('works by the keyboard alone', async () => {
  const page = await bed.visit('n1');
  await page.getByLabel('Name').focus();
  await page.keyboard.type('admin');
  await page.keyboard.press('Tab');
  await page.keyboard.type(bed.admin().password);
  await page.keyboard.press('Enter');
  await page.getByRole('navigation').waitFor();
  // The first Tab of a page comes to the way past the navigation.
  await page.keyboard.press('Tab');
  expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
  await page.keyboard.press('Enter');
  expect(await page.evaluate('document.activeElement.id')).toBe('main');
  const drain = page.locator('[data-node=n2]').getByRole('button', { name: 'Drain' });
  await drain.waitFor();
  const isDrain = async () => (await drain.and(page.locator(':focus')).count()) === 1;
  for (let presses = 0; presses < 20 && !(await isDrain()); presses++) await page.keyboard.press('Tab');
  expect(await isDrain()).toBe(true);
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  // What is behind a modal dialog cannot be reached; Escape leaves it, and leads back.
  for (let presses = 0; presses < 4; presses++) {
    await page.keyboard.press('Tab');
    expect(
      await page.evaluate('document.activeElement === document.body || !!document.activeElement.closest("dialog")'),
    ).toBe(true);
  }
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  expect(await isDrain()).toBe(true);
  await page.context().close();
});
