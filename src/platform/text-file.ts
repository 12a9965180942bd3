/** A file that a person wrote, as text; what keeps it from being read is said in words that say what to do. */
import { lstat, readFile, readlink } from 'node:fs/promises';

/** The message follows a name of the file and a colon. `code` is the system's, so that it is known whether root could read it. */
export class UnreadableFileError extends Error {
  override readonly name = 'UnreadableFileError';
  readonly code: string | undefined;

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.code = (cause as NodeJS.ErrnoException | undefined)?.code;
  }
}

/** By errno; others keep the system's words. */
const WORDS: Readonly<Record<string, string>> = {
  EISDIR: 'it is a directory; name a file in it',
  EACCES: 'no permission to read it, or to enter a directory above it',
  EPERM: 'no permission to read it, or to enter a directory above it',
  ENOTDIR: 'something above it is a file and no directory; is a part of the name wrong?',
  ELOOP: 'it is a link that leads back to itself; name the file itself',
  ENAMETOOLONG: 'the name is too long',
};

/** @throws UnreadableFileError, also where the bytes are no UTF-8: a wrong letter must not become part of a name in silence. */
export async function readTextFile(path: string): Promise<string> {
  const bytes = await readFile(path).catch(async (cause: NodeJS.ErrnoException) => {
    const known = cause.code === 'ENOENT' ? await whyMissing(path) : WORDS[cause.code ?? ''];
    throw new UnreadableFileError(known ?? cause.message, cause);
  });
  try {
    return strictly(bytes);
  } catch {
    throw new UnreadableFileError(notUtf8(bytes));
  }
}

/** A mark of the byte order stays where it is, as with every other way to read the file. */
const strictly = (bytes: Uint8Array) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);

async function whyMissing(path: string): Promise<string> {
  const isLink = await lstat(path).then(
    (status) => status.isSymbolicLink(),
    () => false,
  );
  if (!isLink) return 'there is no such file; is the name right?';
  return `it is a link to ${await readlink(path)}, which is not there; put the file there, or name another one`;
}

const SAVE = 'save it as UTF-8';

function notUtf8(bytes: Buffer): string {
  const begin = bytes.subarray(0, 2).toString('hex');
  if (begin === 'fffe' || begin === 'feff') return `it is UTF-16, not UTF-8; ${SAVE}`;
  return `line ${firstBadLine(bytes)} is not UTF-8; ${SAVE}`;
}

/** No byte of a longer character is a line feed, so each line can be looked at by itself. */
function firstBadLine(bytes: Buffer): number {
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const end = bytes.indexOf('\n', start) + 1 || bytes.length;
    try {
      strictly(bytes.subarray(start, end));
    } catch {
      return line;
    }
    start = end;
  }
  return line;
}
