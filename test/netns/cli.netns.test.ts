/**
 * Pipes whose reader has seen enough, with the real program beside a real agent (one node): the exit code stays what it is, what would go on
 * for ever ends, and nobody sees a stack trace.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ControlClient } from '../../src/control/client.js';
import { CLI, nodePaths } from '../../src/lab/names.js';
import { until, useFarm } from './farm.js';

const directory = mkdtempSync(join(tmpdir(), 'covey-cli-'));
afterAll(() => rmSync(directory, { recursive: true }));
const farm = useFarm('cli', { nodes: 1 });
const broken = join(directory, 'broken.yaml');
writeFileSync(broken, 'farm: [\n');

/** Runs `covey LINE | READER`. @returns covey's own exit code, and what it said on standard error. */
async function piped(line: string, reader: string, isBoth = false) {
  const errors = join(directory, 'errors');
  writeFileSync(errors, '');
  const at = line.startsWith('check-config') ? '' : `--run-dir ${nodePaths(farm.lab, 'n1').runDir}`;
  const script = `node ${CLI} ${line} ${at} ${isBoth ? '2>&1' : `2>${errors}`} | ${reader} >${directory}/read; echo "\${PIPESTATUS[0]}"`;
  const { stdout } = await farm.exec('n1', ['bash', '-c', script], { timeoutMs: 20_000 });
  return {
    exitCode: Number(stdout),
    err: readFileSync(errors, 'utf8'),
    out: readFileSync(join(directory, 'read'), 'utf8'),
  };
}

describe('a pipe that is closed early', () => {
  it.each([
    [`check-config ${broken}`, 3, /broken\.yaml:2:1/],
    [`check-config ${broken} --json`, 3, /^$/],
    [`config show 99`, 1, /^covey: /],
    ['status', 0, /^$/],
    ['metrics', 0, /^$/],
    ['status --nonsense', 2, /unknown option/],
  ])('covey %s ends with %i all the same', async (line, code, said) => {
    const { exitCode, err } = await piped(line, 'head -c 0');
    expect(exitCode).toBe(code);
    expect(err).toMatch(said);
    expect(err).not.toMatch(/^\s+at |EPIPE/m);
    expect((await piped(line, 'head -c 0', true)).exitCode).toBe(code);
  });

  it.each(['events --follow --json', 'status --watch --json'])('ends covey %s', async (line) => {
    let hasEnded = false;
    const watching = piped(line, 'head -n 1').finally(() => {
      hasEnded = true;
    });
    // A pipe is found closed by the next that is written to it: something must happen.
    await until('it ends', async () => {
      await new ControlClient(nodePaths(farm.lab, 'n1').runDir).reload();
      return hasEnded;
    });
    const { exitCode, err, out } = await watching;
    expect(JSON.parse(out)).toMatchObject({ version: 1 });
    expect([exitCode, err]).toEqual([0, '']);
  });

  it('tells of a disk that is full', async () => {
    const { stdout } = await farm.exec('n1', [
      'bash',
      '-c',
      `node ${CLI} help >/dev/full 2>${directory}/errors; echo $?`,
    ]);
    expect(stdout.trim()).toBe('1');
    expect(readFileSync(join(directory, 'errors'), 'utf8')).toMatch(/^covey: cannot write to standard output: ENOSPC/);
  });
});
