import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { openOutput, orClosed } from '../../../src/cli/entry/output.js';

/** A stream that fails as the test says. */
class Stream extends EventEmitter {
  written = '';

  write(text: string): boolean {
    this.written += text;
    return true;
  }

  fail(code: string): void {
    this.emit('error', Object.assign(new Error(`${code}: write`), { code }));
  }
}

const open = () => {
  const stream = new Stream();
  return { stream, output: openOutput(stream as unknown as NodeJS.WriteStream) };
};
const never = () => ({ isInterrupted: false, happened: new Promise<void>(() => undefined), release: () => undefined });

describe('standard output', () => {
  it('is written to until its reader has gone, which is no failure', () => {
    const { stream, output } = open();
    output.write('one\n');
    stream.fail('EPIPE');
    output.write('two\n');
    expect([stream.written, output.isClosed, output.failure]).toEqual(['one\n', true, null]);
  });

  it('tells of what could not be written though there is a reader', () => {
    const { stream, output } = open();
    stream.fail('ENOSPC');
    expect(output.failure?.message).toBe('ENOSPC: write');
    // What follows is of the same cause.
    stream.fail('ERR_STREAM_DESTROYED');
    expect(output.failure?.message).toBe('ENOSPC: write');
  });

  it('ends what would be written for ever, when nobody reads it', async () => {
    const { stream, output } = open();
    const interruption = orClosed(never(), output);
    expect(interruption.isInterrupted).toBe(false);
    stream.fail('EPIPE');
    await interruption.happened;
    expect(interruption.isInterrupted).toBe(true);
  });
});
