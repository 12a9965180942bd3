import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Book,
  EMPTY_BOOK,
  merged,
  userOf,
  withChangedUser,
  withNewToken,
  withNewUser,
  withoutToken,
} from '../../../src/console/accounts.js';
import { AccountStore, type StateFiles } from '../../../src/console/store.js';
import { MAX_SHARED_BYTES } from '../../../src/control/console-contract.js';
import { MemoryFiles } from './rig.js';

const at = (second: number) => new Date(1_800_000_000_000 + second * 1000).toISOString();
const admin = withNewUser(EMPTY_BOOK, 'admin', 'admin', 'hash-a', at(0));

/** What one console may do between two talks with another. */
const change = fc.record({
  what: fc.constantFrom('make', 'role', 'remove', 'token'),
  name: fc.constantFrom('ann', 'bob', 'cat'),
  second: fc.nat(50),
});

function applied(book: Book, { what, name, second }: { what: string; name: string; second: number }): Book {
  try {
    if (what === 'make') return withNewUser(book, name, 'viewer', `hash ${second}`, at(second));
    if (what === 'role') return withChangedUser(book, name, { role: 'operator' }, at(second));
    if (what === 'remove') return withChangedUser(book, name, { removed: true }, at(second));
    return withNewToken(book, { id: `${name}${second}`, name, role: 'viewer', hash: name, createdBy: 'x' }, at(second));
  } catch {
    return book;
  }
}

describe('two books', () => {
  it('become the same, whichever way round, however often', () => {
    fc.assert(
      fc.property(fc.array(change), fc.array(change), (ours, theirs) => {
        const [a, b] = [ours.reduce(applied, admin), theirs.reduce(applied, admin)];
        expect(merged(a, b)).toEqual(merged(b, a));
        expect(merged(merged(a, b), b)).toEqual(merged(a, b));
      }),
    );
  });

  it('keep a user removed whom an old copy still has', () => {
    const both = withNewUser(admin, 'ann', 'viewer', 'h', at(1));
    const without = withChangedUser(both, 'ann', { removed: true }, at(2));
    expect(userOf(merged(without, both), 'ann')).toBeNull();
    expect(userOf(merged(both, without), 'ann')).toBeNull();
  });

  it('keep the elder of two first accounts, and the later of two changes', () => {
    const second = withNewUser(EMPTY_BOOK, 'admin', 'admin', 'hash-b', at(5));
    expect(userOf(merged(second, admin), 'admin')?.hash).toBe('hash-a');
    const [early, late] = [1, 2].map((n) => withChangedUser(admin, 'admin', { hash: `new ${n}` }, at(n)));
    expect(userOf(merged(late!, early!), 'admin')?.hash).toBe('new 2');
  });
});

describe('a book', () => {
  it('stays small enough to be told, however many tokens come and go', () => {
    let book = admin;
    for (let n = 0; n < 1000; n++) {
      const id = `token${n}`;
      const token = { id, name: 'ci', role: 'viewer' as const, hash: 'x'.repeat(43), createdBy: 'admin' };
      book = withoutToken(withNewToken(book, token, at(n)), id, at(n));
    }
    expect(Buffer.byteLength(JSON.stringify(book))).toBeLessThan(MAX_SHARED_BYTES);
    expect(userOf(book, 'admin')).not.toBeNull();
  });

  it('refuses one more when it is full of those who are there', () => {
    let book = admin;
    const fill = () => {
      for (let n = 0; n < 1000; n++) book = withNewUser(book, `user${n}`, 'viewer', 'x'.repeat(90), at(n));
    };
    expect(fill).toThrow(/no room/);
    expect(book.users.length).toBeGreaterThan(80);
    expect(Buffer.byteLength(JSON.stringify(book))).toBeLessThan(MAX_SHARED_BYTES);
  });
});

/** A disk that may be full. */
class Disk extends MemoryFiles implements StateFiles {
  isFull = false;
  override replace(name: string, text: string): void {
    if (this.isFull) throw new Error('ENOSPC: no space left on device');
    super.replace(name, text);
  }
}

describe('the store', () => {
  const remote = (book: Book) => JSON.stringify(book);

  it('changes nothing when it cannot write, and says so', () => {
    const disk = new Disk();
    const store = new AccountStore(disk);
    store.set(admin);
    disk.isFull = true;
    expect(() => store.set(withNewUser(store.book, 'ann', 'viewer', 'h', at(1)))).toThrow(
      expect.objectContaining({ httpStatus: 507, message: expect.stringContaining('nothing was changed: ENOSPC') }),
    );
    expect(userOf(store.book, 'ann')).toBeNull();
    expect(userOf(new AccountStore(disk).book, 'admin')).not.toBeNull();
  });

  it('heeds what it learns though the disk is full, and writes it later', () => {
    const disk = new Disk();
    const store = new AccountStore(disk);
    const both = withNewUser(admin, 'ann', 'viewer', 'h', at(1));
    store.set(both);
    disk.isFull = true;
    expect(store.learn(remote(withChangedUser(both, 'ann', { removed: true }, at(2))))).toBe(true);
    expect(userOf(store.book, 'ann')).toBeNull();
    expect(store.writeError).toContain('ENOSPC');
    disk.isFull = false;
    store.refresh();
    expect(store.writeError).toBe('');
    expect(userOf(new AccountStore(disk).book, 'ann')).toBeNull();
  });

  it('learns nothing from what is no book, or what it knows', () => {
    const store = new AccountStore(new Disk());
    store.set(admin);
    for (const text of [
      '',
      '{',
      '[]',
      '{"version":2}',
      '{"version":1,"users":[{"name":"x"}],"tokens":[]}',
      remote(admin),
    ])
      expect(store.learn(text), text).toBe(false);
    expect(store.book).toEqual(admin);
  });

  it('takes over what another process has written, and does not write over it', () => {
    const disk = new Disk();
    const [running, beside] = [new AccountStore(disk), new AccountStore(disk)];
    running.set(admin);
    expect(beside.refresh()).toBe(true);
    beside.set(withChangedUser(beside.book, 'admin', { hash: 'reset' }, at(3)));
    running.set(withNewUser(running.book, 'ann', 'viewer', 'h', at(4)));
    expect(userOf(running.book, 'admin')?.hash).toBe('reset');
    expect(userOf(new AccountStore(disk).book, 'ann')).not.toBeNull();
  });

  it('lets nobody in by a guess when its file is damaged', () => {
    const disk = new Disk();
    disk.texts.set('accounts.json', '{"version":1,"users":');
    expect(() => new AccountStore(disk)).toThrow(/damaged/);
  });
});
