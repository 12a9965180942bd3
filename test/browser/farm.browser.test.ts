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
  await page.getByRole('combobox').selectOption('n2');
  await page.getByRole('img', { name: /^By rule, accepted on n2, packets per second/ }).waitFor();
  await until('n2 has packets of web', async () => (await accepted('web')) > 0);
  await page.getByRole('button', { name: 'Rejected', exact: true }).click();
  await page.getByRole('img', { name: /^By rule, rejected on n2, packets per second/ }).waitFor();
  expect((await summary).lost).toBe(0);
  await page.context().close();
});

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
