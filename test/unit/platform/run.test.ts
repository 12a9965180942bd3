import { describe, expect, it } from 'vitest';
import { CommandError, run } from '../../../src/platform/run.js';

describe('run', () => {
  it('gives output, and hands over input', async () => {
    expect(await run('cat', [], { input: 'hello' })).toEqual({ stdout: 'hello', stderr: '' });
  });

  it('fails with exit code and standard error', async () => {
    const failure = await run('sh', ['-c', 'echo out; echo broken >&2; exit 3']).catch((cause: unknown) => cause);
    expect(failure).toBeInstanceOf(CommandError);
    expect(failure).toMatchObject({ exitCode: 3, output: { stdout: 'out\n', stderr: 'broken\n' } });
    expect((failure as Error).message).toContain('broken');
  });

  it('says what to install when the command is missing', async () => {
    await expect(run('covey-no-such-command', [])).rejects.toThrow(/command not found; try: apt-get install/);
  });

  it('ends a command that takes too long', async () => {
    await expect(run('sleep', ['60'], { timeoutMs: 50 })).rejects.toThrow(/no end within 50 ms/);
  });
});
