/**
 * A farm of three real agents, each with its console, and a browser on the client:
 *
 *     client (Chromium) ---- switch ---- n1, n2, n3: agent + console on 9443
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { ControlClient } from '../../src/control/client.js';
import { consoleUrl, firstLogin, type Login, WITH_CONSOLES } from '../../src/lab/consoles.js';
import { nodePaths } from '../../src/lab/names.js';
import { type Farm, until, useFarm } from '../netns/farm.js';
import { openBrowser } from './chromium.js';

export const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  isMobile: true,
  hasTouch: true,
};
export const PAGES = ['farm', 'traffic', 'timeline', 'checks', 'network', 'explain', 'config', 'users'] as const;

export class ConsoleBed {
  /** Faults of the page itself, e.g. an exception; a test that ends with some has failed. */
  readonly faults: string[] = [];

  constructor(
    readonly farm: Farm,
    readonly browser: () => Browser,
    readonly admin: () => Login,
  ) {}

  agent(node: string): ControlClient {
    return new ControlClient(nodePaths(this.farm.lab, node).runDir);
  }

  /** A fresh browser profile at the log-in of a node's console. */
  async visit(node: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.browser().newContext({ ignoreHTTPSErrors: true, colorScheme: 'dark', ...options });
    context.setDefaultTimeout(10_000);
    const page = await context.newPage();
    page.on('pageerror', (error) => this.faults.push(error.message));
    await page.goto(consoleUrl(node));
    return page;
  }

  async logIn(page: Page, { user, password }: Login = this.admin()): Promise<void> {
    await page.getByLabel('Name').fill(user);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('navigation').waitFor();
  }

  /** Logged in, with the first figures there. */
  async open(node: string, name: (typeof PAGES)[number] = 'farm', options: BrowserContextOptions = {}): Promise<Page> {
    const page = await this.visit(node, options);
    await this.logIn(page);
    await page.goto(`${consoleUrl(node)}#/${name}`);
    await page.getByText('live', { exact: true }).waitFor();
    return page;
  }

  /** What the page says of each node's share, as text such as `33.3 %`, in the order of the names. */
  async shares(page: Page): Promise<readonly string[]> {
    const texts = await page.locator('[data-test=share]').allTextContents();
    return texts.map((text) => text.replace(/\s/g, ' '));
  }
}

export const third = (text: string) => /^33\.[34] %$/.test(text);

export function useConsoles(name: string): ConsoleBed {
  const farm = useFarm(name, { overrides: [WITH_CONSOLES] });
  let browser: Browser | undefined;
  let login: Login | undefined;
  beforeAll(async () => {
    login = await firstLogin(farm.lab, farm.nodes);
    browser = await openBrowser(farm.lab, 'client');
    await until('all consoles have the first account', () => {
      const [first, ...others] = farm.nodes.map((node) => accountsOf(farm, node));
      return first !== '' && others.every((text) => text === first);
    });
  });
  afterAll(async () => {
    await browser?.close();
  });
  return new ConsoleBed(
    farm,
    () => browser!,
    () => login!,
  );
}

/** The console's own copy of the accounts. */
export const accountsFile = (farm: Farm, node: string) =>
  join(nodePaths(farm.lab, node).runDir, 'console', 'state', 'accounts.json');

function accountsOf(farm: Farm, node: string): string {
  return existsSync(accountsFile(farm, node)) ? readFileSync(accountsFile(farm, node), 'utf8') : '';
}
