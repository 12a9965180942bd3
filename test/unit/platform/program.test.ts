import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LONGEST_LINE, type ProgramRequest, runProgram, shell } from '../../../src/platform/program.js';

const run = (line: string, over: Partial<ProgramRequest> = {}) => {
  const lines: string[] = [];
  const request = { command: shell(line), timeoutMs: 5000, patienceMs: 0, onLine: (text: string) => lines.push(text) };
  return runProgram({ ...request, ...over }).then((result) => ({ ...result, lines }));
};

/** True while such a process exists and is no zombie. */
function lives(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

async function ended(pid: number): Promise<boolean> {
  for (let i = 0; i < 200 && lives(pid); i++) await new Promise((next) => setTimeout(next, 10));
  return !lives(pid);
}

describe('programs that users name', () => {
  it('give their output line by line, and succeed by their exit code', async () => {
    expect(await run('echo one; echo two >&2; printf three')).toMatchObject({
      ok: true,
      lines: expect.arrayContaining(['one', 'two', 'three']),
    });
    expect(await run('echo why >&2; exit 7')).toMatchObject({ ok: false, detail: 'exit code 7: why' });
    expect(await run('kill -9 $$')).toMatchObject({ ok: false, detail: 'killed by SIGKILL' });
  });

  it('cannot fill the memory by one line', async () => {
    const { lines } = await run(`head -c 1000000 /dev/zero | tr '\\0' x; echo; echo end`);
    expect(lines).toEqual([`${'x'.repeat(LONGEST_LINE)} ...`, 'end']);
  });

  it('that do not end in time are killed with all that they started', async () => {
    const { ok, detail, lines } = await run('sleep 60 & echo $!; trap "" TERM; while :; do sleep 60; done', {
      timeoutMs: 300,
      patienceMs: 100,
    });
    expect(ok).toBe(false);
    expect(detail).toContain('no end within 0.3 s, so its process group was killed');
    expect(await ended(Number(lines[0]))).toBe(true);
  });

  it('may clean up between SIGTERM and SIGKILL', async () => {
    const { lines } = await run('trap "echo cleaned; exit 0" TERM; echo there; while :; do sleep 0.02; done', {
      timeoutMs: 300,
      patienceMs: 3000,
    });
    // The shell may have a word of its own on the `sleep` that was ended under it.
    expect([lines[0], lines.at(-1)]).toEqual(['there', 'cleaned']);
  });

  it('that leave a daemon behind, which holds their output, have ended all the same', async () => {
    const { ok, lines } = await run('sleep 30 & echo $!', { follow: true });
    expect(ok).toBe(true);
    const pid = Number(lines[0]);
    expect(lives(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
    expect(await ended(pid)).toBe(true);
  });

  it('can be called off', async () => {
    const off = new AbortController();
    const result = run('echo $$; sleep 60', { signal: off.signal });
    off.abort();
    expect(await result).toMatchObject({ ok: false, detail: expect.stringContaining('called off') });
    expect(await run('true', { signal: AbortSignal.abort() })).toMatchObject({ ok: false });
  });

  it('that are not there are told with what to install; the environment is theirs and not the service manager`s', async () => {
    expect(await run('', { command: ['no-such-program'] })).toMatchObject({
      ok: false,
      detail: expect.stringContaining('command not found'),
    });
    process.env.NOTIFY_SOCKET = '/run/secret';
    const { lines } = await run('echo "$NAME $NOTIFY_SOCKET"', { environment: { NAME: 'n1' } });
    delete process.env.NOTIFY_SOCKET;
    expect(lines).toEqual(['n1 ']);
  });
});
