import { describe, expect, it } from 'vitest';
import { EMPTY_BOOK, userOf, withChangedUser, withNewUser } from '../../../src/console/accounts.js';
import { AccountSync, mayFound, resetPassword, WAIT_FOR_OTHERS_MS } from '../../../src/console/founding.js';
import { isPassword } from '../../../src/console/passwords.js';
import { AccountStore } from '../../../src/console/store.js';
import { MemoryFiles, statusOf } from './rig.js';

const elder = withNewUser(EMPTY_BOOK, 'admin', 'admin', 'elder', '2026-01-01T00:00:00.000Z');

function bed(node: string, over: { share?: (document: string | null) => Promise<string[]> } = {}) {
  const clock = { nowMs: 0 };
  const told: (string | null)[] = [];
  const [announced, withdrawn]: [[string, string][], string[]] = [[], []];
  const accounts = new AccountStore(new MemoryFiles());
  const sync = new AccountSync({
    accounts,
    share: async (document) => {
      told.push(document);
      const documents = (await over.share?.(document)) ?? [];
      return { documents: documents.map((text) => ({ document: text })) };
    },
    status: () => statusOf({ node }),
    nowMs: () => clock.nowMs,
    wallMs: () => Date.parse('2026-06-01') + clock.nowMs,
    announce: (name, password) => announced.push([name, password]),
    withdraw: (name) => withdrawn.push(name),
  });
  return { clock, told, announced, withdrawn, accounts, sync };
}

describe('the first account', () => {
  it('is made by the first living node that is up; the others wait, but not for ever', () => {
    expect(mayFound(statusOf({ node: 'n1' }), 0)).toBe(true);
    expect(mayFound(statusOf({ node: 'n2' }), 0)).toBe(false);
    expect(mayFound(statusOf({ node: 'n1', state: 'joining' }), 0)).toBe(false);
    expect(mayFound(null, 0)).toBe(false);
    expect(mayFound(null, WAIT_FOR_OTHERS_MS)).toBe(true);
  });

  it('is announced once, with a password that works, and told', async () => {
    const { sync, announced, accounts, told } = bed('n1');
    await sync.turn();
    await sync.turn();
    expect(announced.length).toBe(1);
    const [name, password] = announced[0]!;
    expect(await isPassword(password, userOf(accounts.book, name)!.hash)).toBe(true);
    expect(told).toEqual([null, accounts.document()]);
  });

  it('is not made where another console has told one', async () => {
    const { sync, announced, accounts } = bed('n1', { share: async () => [JSON.stringify(elder)] });
    await sync.turn();
    expect(announced).toEqual([]);
    expect(userOf(accounts.book, 'admin')?.hash).toBe('elder');
  });

  it('is made once by turns that overlap', async () => {
    let answer: (documents: string[]) => void = () => undefined;
    const { sync, announced } = bed('n1', { share: () => new Promise((done) => (answer = done)) });
    const turns = [sync.turn(), sync.turn(), sync.turn()];
    answer([]);
    await Promise.all(turns);
    expect(announced.length).toBe(1);
  });

  it('is taken back aloud when an elder one turns up, and not when somebody has changed its password', async () => {
    let others: string[] = [];
    const { sync, withdrawn, accounts } = bed('n1', { share: async () => others });
    await sync.turn();
    others = [JSON.stringify(elder)];
    await sync.turn();
    expect(withdrawn).toEqual(['admin']);
    expect(userOf(accounts.book, 'admin')?.hash).toBe('elder');

    const changed = bed('n1');
    await changed.sync.turn();
    const { book } = changed.accounts;
    changed.accounts.set(withChangedUser(book, 'admin', { hash: 'mine' }, '2026-07-01T00:00:00.000Z'));
    await changed.sync.turn();
    expect(changed.withdrawn).toEqual([]);
  });
});

describe('telling the others', () => {
  it('happens again and again, and at once after a change', async () => {
    const { sync, told, clock, accounts } = bed('n1');
    await sync.turn();
    await sync.turn();
    clock.nowMs = 5000;
    await sync.turn();
    expect(told.at(-1)).toBeNull();
    sync.changed();
    await sync.turn();
    expect(told.at(-1)).toBe(accounts.document());
    clock.nowMs = 20_000;
    await sync.turn();
    expect(told.at(-1)).toBe(accounts.document());
  });

  it('is tried again when it fails, and the failure is said unless the agent is merely gone', async () => {
    let error: Error | null = Object.assign(new Error('document: too long'), { code: 'bad-request' });
    const { sync, told, accounts } = bed('n1', { share: async () => (error === null ? [] : Promise.reject(error)) });
    accounts.set(elder);
    await sync.turn();
    expect(sync.trouble).toBe('document: too long');
    error = Object.assign(new Error('gone'), { name: 'AgentNotRunningError' });
    await sync.turn();
    expect(sync.trouble).toBe('');
    error = null;
    await sync.turn();
    expect(told).toEqual([accounts.document(), accounts.document(), accounts.document()]);
    await sync.turn();
    expect(told.at(-1)).toBeNull();
  });
});

describe('a lost password', () => {
  it('is replaced, the role made admin, and a user made where there is none', async () => {
    const accounts = new AccountStore(new MemoryFiles());
    const first = await resetPassword(accounts, 'admin', '2026-01-01T00:00:00.000Z');
    accounts.set(withNewUser(accounts.book, 'vic', 'viewer', 'h', '2026-01-02T00:00:00.000Z'));
    const second = await resetPassword(accounts, 'vic', '2026-01-03T00:00:00.000Z');
    expect(await isPassword(first, userOf(accounts.book, 'admin')!.hash)).toBe(true);
    expect(userOf(accounts.book, 'vic')).toMatchObject({ role: 'admin', revision: 2 });
    expect(await isPassword(second, userOf(accounts.book, 'vic')!.hash)).toBe(true);
  });
});
