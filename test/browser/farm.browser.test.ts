/** The page during an outage: what it shows of a kill, a drain under load, and the loss of the node that serves it. */
import { afterEach, expect, it } from 'vitest';
import { consoleUrl } from '../../src/lab/consoles.js';
import { labKill, labStart } from '../../src/lab/lab.js';
import { CLIENT_ADDRESS, VIP } from '../../src/lab/names.js';
import { until } from '../netns/farm.js';
import { third, useConsoles } from './console-bed.js';

const bed = useConsoles('browser-farm');
const { farm } = bed;

afterEach(() => expect(bed.faults.splice(0)).toEqual([]));

it('asks for a password, says when it is wrong, and shows the farm after the right one', async () => {
  const page = await bed.visit('n1');
  await page.getByLabel('Name').fill('admin');
  await page.getByLabel('Password').fill('not this one');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByText('wrong name or password').waitFor();
  await bed.logIn(page);
  await page.getByRole('heading', { name: 'Farm', level: 1 }).waitFor();
  await until('three thirds', async () => {
    const shares = await bed.shares(page);
    return shares.length === 3 && shares.every(third);
  });
  await page.context().close();
});

it('tells on the page Traffic which rule has the packets, on all nodes and on one', async () => {
  const page = await bed.open('n1', 'traffic');
  const { summary } = farm.load(8, 100);
  const table = page.getByRole('region', { name: 'Packets per second now, by rule' });
  const accepted = async (rule: string) =>
    Number(
      await table
        .getByRole('row', { name: new RegExp(`^${rule} `) })
        .locator('td')
        .first()
        .textContent(),
    );
  await until('web has packets', async () => (await accepted('web')) > 0);
  expect([await accepted('app'), await accepted('bulk'), await accepted('dns')]).toEqual([0, 0, 0]);
  await page.getByRole('img', { name: /^Accepted, packets per second/ }).hover();
  await expect.poll(() => page.locator('.pointed').first().textContent()).toMatch(/\d\d:\d\d.* n1 .* n2 .* n3 /);
  await page.getByRole('combobox').selectOption('n2');
  await page.getByRole('img', { name: /^By rule, accepted on n2, packets per second/ }).waitFor();
  await until('n2 has packets of web', async () => (await accepted('web')) > 0);
  await page.getByRole('button', { name: 'Rejected', exact: true }).click();
  await page.getByRole('img', { name: /^By rule, rejected on n2, packets per second/ }).waitFor();
  expect((await summary).lost).toBe(0);
  await page.context().close();
});

it('has each second of each node that lives, and so did the console at which nobody looked', async () => {
  for (const node of ['n1', 'n3']) {
    const page = await bed.open(node, 'explain');
    const report = await page.evaluate<{ nodes: Record<string, { accepted: (number | null)[] }> }>(
      `fetch('/api/v1/traffic').then((answer) => answer.json())`,
    );
    for (const [name, { accepted }] of Object.entries(report.nodes)) {
      const heard = accepted.slice(accepted.findIndex((rate) => rate !== null));
      expect(heard.length, `${name} as ${node} heard it`).toBeGreaterThan(5);
      // A word of the newest seconds may be under way.
      expect(heard.slice(0, -2), `${name} as ${node} heard it`).not.toContain(null);
    }
    expect(Object.keys(report.nodes)).toEqual(['n1', 'n2', 'n3']);
    await page.context().close();
  }
});

it('explains anew by itself who serves a client, and says so when it depends on the port', async () => {
  const page = await bed.open('n1', 'explain');
  await page.getByLabel('Client').fill(CLIENT_ADDRESS);
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.getByText('depends on the client’s port', { exact: true }).waitFor();
  await page.getByLabel('Rule').selectOption({ label: 'any other port…' });
  await page.getByLabel('Port of the service').fill('9');
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.getByText('nobody: no rule takes this port').waitFor();
  const port = await portServedBy('n3');
  await page.getByLabel('Rule').selectOption({ index: 0 });
  await page.getByLabel('Client').fill(`${CLIENT_ADDRESS}:${port}`);
  await page.getByRole('button', { name: 'Explain' }).click();
  const owner = page.locator('[data-test=answer] dd').first();
  await expect.poll(() => owner.textContent()).toContain('n3');
  await labKill(farm.lab, 'n3');
  await expect.poll(() => owner.textContent(), { timeout: 5000 }).toMatch(/n[12]/);
  expect(await page.locator('[data-test=answer-old]').count()).toBe(0);
  await labStart(farm.lab, 'n3');
  await farm.whole();
  await page.context().close();
});

async function portServedBy(node: string): Promise<number> {
  const to = { address: VIP, port: 80, protocol: 'tcp' as const };
  for (let port = 40_000; port < 40_100; port++) {
    const { owner } = await bed.agent('n1').explain({ address: CLIENT_ADDRESS, port, to });
    if (owner === node) return port;
  }
  throw new Error(`${node} serves none of a hundred ports`);
}

it('shows within 2 s of a kill that two nodes have half each', async () => {
  const page = await bed.open('n1');
  await until('three thirds', async () => (await bed.shares(page)).every(third));
  const killed = performance.now();
  await labKill(farm.lab, 'n3');
  const takenMs = await until(
    '50 % and 50 %',
    async () => {
      const [first, second, third] = await bed.shares(page);
      return first === '50.0 %' && second === '50.0 %' && third === '0.0 %' ? performance.now() - killed : null;
    },
    2000,
  );
  expect(takenMs).toBeLessThan(2000);
  await expect.poll(() => page.locator('[data-node=n3] .state').textContent()).toContain('dead');
  // What n3 said of itself before is not passed off as true.
  await expect.poll(() => page.locator('[data-node=n3] .rows dd').allInnerTexts(), { timeout: 5000 }).toContain('–');
  expect(await page.getByRole('img', { name: /^Buckets held: n1 50\.0/ }).count()).toBe(1);
  await labStart(farm.lab, 'n3');
  await farm.whole();
  await until('three thirds again', async () => (await bed.shares(page)).every(third));
  await page.context().close();
});

it('drains a node under load without losing a request, and starts it again', async () => {
  const page = await bed.open('n1');
  const { child, summary } = farm.load(12);
  await until('the load runs', () => child.stdout().includes('\n'));
  const card = page.locator('[data-node=n2]');
  await card.getByRole('button', { name: 'Drain' }).click();
  await page.getByRole('dialog').getByText('It takes no new clients').waitFor();
  await page.getByRole('button', { name: 'Drain n2' }).click();
  await page.getByRole('status').getByText('n2 takes no new clients').waitFor();
  await until('n2 has given its share away', async () => (await bed.shares(page))[1] === '0.0 %');
  await card.getByText('stopped').waitFor();
  await card.getByRole('button', { name: 'Start', exact: true }).click();
  await page.getByRole('button', { name: 'Start n2' }).click();
  await until('three thirds again', async () => (await bed.shares(page)).every(third));
  const { lost, requests } = await summary;
  expect(requests).toBeGreaterThan(500);
  expect(lost).toBe(0);
  const { events } = await bed.agent('n2').events({ since: null, limit: 200 });
  const told = events.filter(({ event }) => event === 'command').map(({ fields }) => `${fields.name} by ${fields.by}`);
  expect(told).toEqual(['drain by admin (console) on n1', 'start by admin (console) on n1']);
  // Whoever was not asked knows it, too, once, should both others be lost.
  const elsewhere = (await bed.agent('n3').events({ since: null, limit: 200 })).events
    .filter(({ event }) => event === 'command-elsewhere')
    .map(({ fields }) => `${fields.command} ${fields.node} by ${fields.by}`);
  expect(elsewhere).toEqual(['drain n2 by admin (console) on n1', 'start n2 by admin (console) on n1']);
  await page.context().close();
}, 60_000);

it('explains who serves a client, as it then happens', async () => {
  const page = await bed.open('n1', 'explain');
  await page.getByLabel('Client').fill(`${CLIENT_ADDRESS}:45679`);
  await page.getByRole('button', { name: 'Explain' }).click();
  const answer = page.locator('[data-test=answer]');
  await answer.getByText(/^If n\d died:/).waitFor();
  const owner = (await answer.locator('dd').first().textContent())?.trim();
  const { stdout } = await farm.exec('client', ['curl', '-s', '--local-port', '45679', `http://${VIP}/`]);
  expect(stdout.trim()).toBe(owner);
  const { without } = await bed.agent('n2').explain({
    address: CLIENT_ADDRESS,
    port: 45_679,
    to: { address: VIP, port: 80, protocol: 'tcp' },
    without: [owner!],
  });
  expect(await answer.textContent()).toContain(`If ${owner} died: ${without?.owner}.`);
  await page.getByLabel('Client').fill('nonsense');
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.getByText('Write an address, with or without a port').waitFor();
  await page.context().close();
});

it('says that the node that serves it is gone, and offers the others', async () => {
  const page = await bed.open('n1');
  await labKill(farm.lab, 'n1');
  const banner = page.locator('[data-test=gone]');
  await banner.waitFor();
  await page.getByText(/^stale: /).waitFor();
  expect(await page.locator('.shell.is-stale').count()).toBe(1);
  const links = banner.getByRole('link');
  expect(await links.allInnerTexts()).toEqual(['n2', 'n3']);
  expect(await links.first().getAttribute('href')).toBe(`${consoleUrl('n2')}#/farm`);
  await links.first().click();
  await bed.logIn(page);
  await page.getByText('seen by n2').waitFor();
  await until('50 % and 50 %', async () => (await bed.shares(page)).join(' ') === '0.0 % 50.0 % 50.0 %');
  await labStart(farm.lab, 'n1');
  await farm.whole();
  await page.context().close();
}, 60_000);
