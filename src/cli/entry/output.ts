/**
 * Standard output and error of a command, when nobody reads them any more.
 *
 * A reader that has seen enough (`covey events | head`) is no error, and changes nothing of what the command does: a rolling restart goes on,
 * and the exit code says how the command ended. Only what would go on for ever to be read (`closed`) ends. What cannot be written for another
 * reason, such as a full disk, is one.
 */
import type { Interruption } from '../parts.js';

type Stream = Pick<NodeJS.WriteStream, 'write' | 'on'>;

export interface Output {
  write(text: string): void;
  /** The reader of standard output has gone. */
  readonly isClosed: boolean;
  readonly closed: Promise<void>;
  /** Why not all could be written, though there is a reader; null: it could. */
  readonly failure: Error | null;
}

export function openOutput(stream: Stream): Output {
  let isClosed = false;
  let failure: Error | null = null;
  let close: () => void = () => undefined;
  const closed = new Promise<void>((done) => {
    close = done;
  });
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && !isClosed) failure = error;
    isClosed = true;
    close();
  });
  return {
    write: (text) => {
      if (!isClosed) stream.write(text);
    },
    get isClosed() {
      return isClosed;
    },
    closed,
    get failure() {
      return failure;
    },
  };
}

/** For commands that go on until someone ends them: also when nobody reads what they say. */
export function orClosed(interruption: Interruption, output: Output): Interruption {
  return {
    get isInterrupted() {
      return interruption.isInterrupted || output.isClosed;
    },
    happened: Promise.race([interruption.happened, output.closed]),
    release: interruption.release,
  };
}
