import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bootTimeClock } from '../../../src/platform/clock.js';
import { IncarnationError, IncarnationStore } from '../../../src/platform/incarnation.js';
import { lockRunDir, RunDirError, RunDirLockedError } from '../../../src/platform/incarnation-lock.js';
import { random } from '../../../src/platform/random.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'covey-run-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const EPOCH = Date.UTC(2026, 0, 1);
const MILLION = 2 ** 20;
const store = (seconds = 500, bits = 7) =>
  new IncarnationStore(directory, { wallMs: () => EPOCH + seconds * 1000, randomBits: () => bits });
const file = () => join(directory, 'incarnation');

describe('the incarnation', () => {
  it('begins at the seconds since 2026, and grows by one', () => {
    const first = store();
    expect(first.last).toBeNull();
    expect(first.next()).toBe(500 * MILLION + 7);
    expect(first.next()).toBe(501 * MILLION + 7);
    expect(readFileSync(file(), 'utf8')).toBe(`${501 * MILLION + 7}\n`);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['incarnation']);
  });

  it('grows over restarts, also where the wall clock went back, and over reboots that empty the directory', () => {
    const first = store(500).next();
    const second = store(100).next();
    expect(second).toBe(501 * MILLION + 7);
    rmSync(file());
    expect(store(502).next()).toBeGreaterThan(second);
    expect(second).toBeGreaterThan(first);
  });

  it('goes above what peers report', () => {
    expect(store().next(9_000_000 * MILLION + 5)).toBe(9_000_001 * MILLION + 7);
  });

  it.each(['', 'x', '12', '-5\n', '99999999999999999\n', `${2 ** 52}\n`, '1\n2\n', '\0'.repeat(50)])(
    'a damaged file (%j) is told and survived',
    (text) => {
      writeFileSync(file(), text);
      const damaged = store();
      expect([damaged.last, damaged.trouble]).toEqual([null, `${file()} is damaged`]);
      expect(damaged.next()).toBe(500 * MILLION + 7);
      expect(store().last).toBe(500 * MILLION + 7);
    },
  );

  it('of membership is persisted when it is newer', () => {
    const first = store();
    first.persist(77);
    expect(store().last).toBe(77);
    expect(() => first.persist(77)).toThrow(IncarnationError);
    expect(() => first.persist(2 ** 52)).toThrow(IncarnationError);
  });

  it('that cannot be written is an error, and the old one stays', () => {
    const first = store();
    first.next();
    const before = first.last;
    rmSync(directory, { recursive: true });
    expect(() => first.next()).toThrow(IncarnationError);
    expect(first.last).toBe(before);
    mkdirSync(directory);
  });

  it('stays within 52 bits when the wall clock is far ahead', () => {
    const far = store(2 ** 40);
    expect(far.next()).toBeLessThan(2 ** 52);
    expect(far.next()).toBeLessThan(2 ** 52);
  });
});

describe('the lock of the run directory', () => {
  it('is held by one, names the holder, and is given back', async () => {
    const lock = await lockRunDir(directory, 'node n1, pid 7');
    await expect(lockRunDir(directory, 'other')).rejects.toThrow(RunDirLockedError);
    await expect(lockRunDir(directory, 'other')).rejects.toThrow(`${directory} is in use by node n1, pid 7`);
    await lock.release();
    await lock.release();
    await (await lockRunDir(directory, 'other')).release();
    expect(existsSync(join(directory, 'lock.sock'))).toBe(false);
  });

  it('makes the directory, 0700', async () => {
    const inner = join(directory, 'a', 'b');
    const lock = await lockRunDir(inner, 'x');
    expect(statSync(inner).mode & 0o777).toBe(0o700);
    await lock.release();
  });

  it('is refused where the directory cannot be one, with what to do', async () => {
    const file = join(directory, 'file');
    writeFileSync(file, '');
    await expect(lockRunDir(file, 'x')).rejects.toThrow(`cannot use ${file} as run directory: it is no directory`);
    await expect(lockRunDir(join(file, 'a'), 'x')).rejects.toThrow('a part of it is no directory');
    chmodSync(directory, 0o777);
    await expect(lockRunDir(directory, 'x')).rejects.toThrow(/others can write.*0777.*chmod go-w/);
    chmodSync(directory, 0o700);
  });

  it('is seen from another network namespace too: by the socket in the directory', async () => {
    const server = createServer((socket) => void socket.end('somebody else')).listen(join(directory, 'lock.sock'));
    await once(server, 'listening');
    await expect(lockRunDir(directory, 'x')).rejects.toThrow('in use by somebody else');
    expect(existsSync(join(directory, 'lock.sock'))).toBe(true);
    await new Promise((resolve) => server.close(resolve));
    await (await lockRunDir(directory, 'x')).release();
  });

  it('of a killed process blocks nobody', async () => {
    const program = `require('net').createServer().listen(${JSON.stringify(join(directory, 'lock.sock'))}, () => console.log('up'))`;
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    await expect(lockRunDir(directory, 'x')).rejects.toThrow(RunDirLockedError);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(existsSync(join(directory, 'lock.sock'))).toBe(true);
    await (await lockRunDir(directory, 'x')).release();
  });

  it('of ten that start at once over a remnant, one wins', async () => {
    const server = createServer().listen(join(directory, 'elsewhere'));
    await once(server, 'listening');
    renameSync(join(directory, 'elsewhere'), join(directory, 'lock.sock'));
    await new Promise((resolve) => server.close(resolve));
    expect(existsSync(join(directory, 'lock.sock'))).toBe(true);
    const results = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => lockRunDir(directory, `${i}`)));
    const won = results.filter((result) => result.status === 'fulfilled');
    expect(won).toHaveLength(1);
    await won[0]!.value.release();
  });

  it('says so when the path is too long for a socket', async () => {
    await expect(lockRunDir(join(directory, 'x'.repeat(120)), 'x')).rejects.toThrow('shorter --run-dir');
  });

  it('passes on what else goes wrong', async () => {
    writeFileSync(join(directory, 'file'), '');
    chmodSync(join(directory, 'file'), 0o600);
    await expect(lockRunDir(join(directory, 'file'), 'x')).rejects.toThrow(RunDirError);
  });
});

describe('the clock of boot time', () => {
  it('follows the monotonic clock, and leaps over a suspend', () => {
    let monotonic = 1000;
    let asleep = 500;
    const clock = bootTimeClock(
      () => monotonic,
      () => Math.floor((monotonic + asleep) / 10) * 10,
    );
    expect(clock.nowMs()).toBe(1500);
    monotonic += 33.5;
    expect(clock.nowMs()).toBe(1533.5);
    monotonic += 100;
    expect(clock.nowMs()).toBe(1633.5);
    asleep += 60_000;
    monotonic += 100;
    expect(clock.nowMs()).toBeGreaterThan(61_720);
    expect(clock.nowMs()).toBeLessThan(61_740);
  });

  it('agrees with the kernel and never goes back', () => {
    const clock = bootTimeClock();
    const uptime = () => Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]) * 1000;
    const [before, now, after] = [uptime(), clock.nowMs(), uptime()];
    expect(now).toBeGreaterThan(before - 15);
    expect(now).toBeLessThan(after + 15);
    let last = 0;
    for (let i = 0; i < 10_000; i++) {
      const at = clock.nowMs();
      expect(at >= last).toBe(true);
      last = at;
    }
  });
});

it('random numbers are in [0, 1), and differ', () => {
  const numbers = Array.from({ length: 1000 }, random);
  expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
  expect(new Set(numbers).size).toBe(1000);
  expect(Math.abs(numbers.reduce((sum, number) => sum + number) / 1000 - 0.5)).toBeLessThan(0.1);
});
