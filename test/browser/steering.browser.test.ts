/** What people change by the page: config, accounts; what is refused to whom; and a page whose agent or server is in trouble. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterEach, expect, it } from 'vitest';
import { consoleUrl } from '../../src/lab/consoles.js';
import { CLI, nodePaths } from '../../src/lab/names.js';
import { processesIn } from '../../src/lab/topology.js';
import { run } from '../../src/platform/run.js';
import { until } from '../netns/farm.js';
import { accountsFile, useConsoles } from './console-bed.js';

const bed = useConsoles('browser-steer');
const { farm } = bed;

afterEach(() => expect(bed.faults.splice(0)).toEqual([]));

const editor = (page: Page) => page.getByLabel('Config of the farm, YAML');

it('offers what the schema allows, marks a faulty line, and applies a config to all nodes', async () => {
  const page = await bed.open('n2', 'config');
  await editor(page).waitFor();
  const before = await editor(page).inputValue();
  await editor(page).focus();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('\nbogus: 1\n');
  await page.getByRole('alert').getByText('bogus').waitFor();
  const line = before.split('\n').length;
  await expect.poll(() => page.locator('.gutter .faulty').allTextContents()).toEqual([`${line + 1}\n`]);
  expect(await page.getByRole('button', { name: 'Apply to all' }).isDisabled()).toBe(true);
  await page.getByRole('button', { name: 'Discard' }).click();
  await editor(page).focus();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('quo');
  await page.getByRole('button', { name: 'quorum:' }).click();
  await page.getByRole('group', { name: 'Possible here' }).getByRole('button', { name: 'majority' }).waitFor();
  await page.getByRole('button', { name: 'Discard' }).click();

  await editor(page).fill(before.replace('- 8080', '- 8081'));
  await page.getByText('What would change').waitFor();
  await page.locator('.diff .new').getByText('- 8081').waitFor();
  await page.getByRole('button', { name: 'Apply to all' }).click();
  await page.getByRole('button', { name: 'Apply to all', exact: true }).click();
  await page.getByRole('status').getByText('In force on all nodes').waitFor();
  for (const node of farm.nodes) {
    const { text, by } = await bed.agent(node).config(null);
    expect(text).toContain('- 8081');
    expect(by).toBe('admin (console)');
  }
  await page.locator('.history li').first().getByText('in force').waitFor();
  await page.context().close();
}, 60_000);

it('goes back to an earlier config, and lets nobody undo what they have not seen', async () => {
  const page = await bed.open('n1', 'config');
  await until('the config is there', async () => (await editor(page).inputValue()).includes('- 8081'));
  const mine = (await editor(page).inputValue()).replace('- 8081', '- 8082');
  await editor(page).fill(mine);
  await page.getByRole('button', { name: 'Apply to all' }).isEnabled();
  const { text } = await bed.agent('n3').config(null);
  const other = { text: text.replace('- 8081', '- 8083'), revision: null, dryRun: false, by: 'somebody else' };
  expect((await bed.agent('n3').apply(other)).applied).toBe(true);
  await page.getByText('Meanwhile somebody else has put revision').waitFor();
  expect(await page.getByRole('button', { name: 'Apply to all' }).isDisabled()).toBe(true);
  await page.getByRole('button', { name: 'Load it, and drop mine' }).click();
  await until('the newer one is loaded', async () => (await editor(page).inputValue()).includes('- 8083'));
  await page.locator('.history li').nth(1).getByRole('button', { name: 'Go back' }).click();
  await page.getByRole('dialog').locator('.diff .gone').getByText('- 8083').waitFor();
  await page.getByRole('dialog').locator('.diff .new').getByText('- 8081').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Go back' }).click();
  await page.getByRole('status').getByText('In force on all nodes').waitFor();
  for (const node of farm.nodes) expect((await bed.agent(node).config(null)).text).toContain('- 8081');
  await page.context().close();
}, 60_000);

it('keeps an unsaved text while other pages are looked at, and says that it is unsaved', async () => {
  const page = await bed.open('n1', 'config');
  await until('the config is there', async () => (await editor(page).inputValue()).includes('- 8081'));
  const mine = (await editor(page).inputValue()).replace('- 8081', '- 8085');
  await editor(page).fill(mine);
  await page.locator('[data-test=unsaved]').waitFor();
  await page.getByRole('link', { name: 'Farm' }).click();
  await page.getByRole('heading', { name: 'Farm', level: 1 }).waitFor();
  await page.getByRole('link', { name: 'Configuration (unsaved)' }).click();
  expect(await editor(page).inputValue()).toBe(mine);
  await page.locator('.diff .new').getByText('- 8085').waitFor();
  await page.getByRole('button', { name: 'Discard' }).click();
  await expect.poll(() => page.locator('[data-test=unsaved]').count()).toBe(0);
  expect(await editor(page).inputValue()).toContain('- 8081');
  await page.context().close();
}, 60_000);

it('lets a viewer look, and refuses all else, not only by hiding it', async () => {
  const page = await bed.open('n1', 'users');
  await page.getByLabel('New user').fill('vic');
  await page.getByRole('button', { name: 'Make the user' }).click();
  const password = await page.locator('[data-test=secret]').textContent();
  await page.getByRole('button', { name: 'Log out' }).click();
  await bed.logIn(page, { user: 'vic', password: password! });
  await page.getByRole('link', { name: 'Farm' }).click();
  await page.locator('[data-node=n2]').waitFor();
  expect(await page.getByRole('button', { name: /Drain|Stop|Restart/ }).count()).toBe(0);
  // With this session's cookie and token, past the page.
  const refused = (path: string, body: object) =>
    page.evaluate(`(async () => {
      const { token } = await (await fetch('/api/v1/session')).json();
      const headers = { 'content-type': 'application/json', 'x-covey-token': token };
      const body = ${JSON.stringify(JSON.stringify(body))};
      return (await fetch('/api/v1${path}', { method: 'POST', headers, body })).status;
    })()`);
  expect(await refused('/commands', { command: 'stop', node: 'n2', now: true })).toBe(403);
  expect(await refused('/config/apply', { revision: 0 })).toBe(403);
  expect(await refused('/users', { name: 'eve', role: 'admin' })).toBe(403);
  expect(await refused('/explain', { address: '10.77.0.100' })).toBe(200);
  expect((await bed.agent('n1').status()).members.every(({ state }) => state === 'up')).toBe(true);
  await page.getByRole('link', { name: 'Timeline' }).click();
  await page.getByText('this needs the role operator; vic is viewer').waitFor();
  await page.context().close();
}, 60_000);

/** The processes of a node whose command line ends so. */
function pidsOf(node: string, entry: RegExp): readonly number[] {
  return processesIn(farm.lab, node).filter((pid) => {
    try {
      return entry.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '));
    } catch {
      return false;
    }
  });
}

it('marks as stale what an agent that stands still said 2 s ago, and is live again when it moves', async () => {
  const page = await bed.open('n3');
  const agents = pidsOf('n3', /entry\/agent\.js/);
  expect(agents.length).toBe(1);
  try {
    process.kill(agents[0]!, 'SIGSTOP');
    await page.locator('[data-test=agent-gone]').waitFor();
    await page.getByText(/^stale: /).waitFor();
    expect(await page.locator('[data-test=gone]').count()).toBe(0);
    expect(await page.locator('[data-test=agent-gone]').getByRole('link').allInnerTexts()).toEqual(['n1', 'n2']);
  } finally {
    process.kill(agents[0]!, 'SIGCONT');
  }
  await page.getByText('live', { exact: true }).waitFor();
  await farm.whole();
  await page.context().close();
}, 60_000);

it('says before the last node leaves that nobody would serve, and what it does not say where others are up', async () => {
  const page = await bed.open('n1');
  const button = (name: string) => page.locator('[data-node=n1]').getByRole('button', { name });
  const outage = page.getByRole('dialog').locator('[data-test=outage]');
  await button('Stop').click();
  await page.getByRole('dialog').getByText('its share goes to n2, n3').waitFor();
  expect(await outage.count()).toBe(0);
  await page.getByRole('button', { name: 'Cancel' }).click();
  for (const node of ['n2', 'n3'])
    await bed.agent('n1').command({ command: 'stop', node, deadlineMs: null, now: true });
  for (const node of ['n2', 'n3']) await page.locator(`[data-node=${node}]`).getByText('stopped').first().waitFor();
  for (const command of ['Stop', 'Drain', 'Restart']) {
    await button(command).click();
    await outage.getByText('no other node is up (n2 is stopped, n3 is stopped)').waitFor();
    expect(await outage.textContent()).toContain('nobody would serve: the VIPs would be dead until');
    await page.getByRole('button', { name: 'Cancel' }).click();
  }
  await page.getByRole('button', { name: 'Rolling restart' }).click();
  await page.getByRole('dialog').getByText('fewer than two nodes are up').waitFor();
  await page.getByRole('button', { name: 'Close' }).click();
  for (const node of ['n2', 'n3']) await bed.agent('n1').command({ command: 'start', node, deadlineMs: null });
  await farm.whole();
  await page.context().close();
}, 60_000);

it('warns of a config that moves the consoles, has its answer, and leads to where they are then', async () => {
  const page = await bed.open('n1', 'config');
  await editor(page).waitFor();
  await until('the config is there', async () => (await editor(page).inputValue()).includes('9443'));
  await editor(page).fill((await editor(page).inputValue()).replace('9443', '9444'));
  await page.getByText('the consoles move to').first().waitFor();
  await page.getByRole('button', { name: 'Apply to all' }).click();
  await page.getByRole('button', { name: 'Apply to all', exact: true }).click();
  await page.getByRole('status').getByText('In force on all nodes').waitFor();
  const links = page.locator('.urgent a');
  const ports = async () => {
    const hrefs = await links.evaluateAll((all) => all.map((one) => (one as unknown as { href: string }).href));
    return hrefs.map((href) => new URL(href).port);
  };
  await expect.poll(ports, { timeout: 10_000 }).toEqual(['9444', '9444', '9444']);
  await links.first().click();
  await page.getByRole('button', { name: 'Log in' }).waitFor();
  expect(new URL(page.url()).port).toBe('9444');
  await page.context().close();
  const { text } = await bed.agent('n1').config(null);
  const back = { text: text.replace('9444', '9443'), revision: null, dryRun: false, by: 'the test' };
  expect((await bed.agent('n1').apply(back)).applied).toBe(true);
  for (const node of farm.nodes) {
    const get = ['curl', '-sk', '--fail', '-o', '/dev/null', consoleUrl(node)];
    await until(`the console of ${node} is back`, () =>
      farm.exec('client', get).then(
        () => true,
        () => false,
      ),
    );
  }
}, 60_000);

it('comes back after kill -9 of the console, with its accounts, and asks for the password again', async () => {
  const page = await bed.open('n2');
  const [console_] = pidsOf('n2', /entry\/console\.js/);
  process.kill(console_!, 'SIGKILL');
  await page.getByRole('button', { name: 'Log in' }).waitFor();
  await bed.logIn(page);
  await page.getByText('live', { exact: true }).waitFor();
  expect(pidsOf('n2', /entry\/console\.js/)).not.toContain(console_);
  await page.context().close();
}, 60_000);

it('lets root give a lost admin a new password, which counts on every node', async () => {
  const { runDir } = nodePaths(farm.lab, 'n2');
  const { stdout } = await run(process.execPath, [CLI, 'console', '--reset-admin', '--run-dir', runDir]);
  const password = /password (\S+)/.exec(stdout)![1]!;
  const hashOn = (node: string) => readFileSync(accountsFile(farm, node), 'utf8');
  await until('n1 has heard of it', () => hashOn('n1') === hashOn('n2'));
  const page = await bed.visit('n1');
  await bed.logIn(page, { user: 'admin', password });
  await page.getByText('role admin').waitFor();
  await page.context().close();
}, 60_000);
