/** Why a file that a command makes could not be made, and what to type next. */
import { dirname } from 'node:path';

export class WriteError extends Error {
  override readonly name = 'WriteError';

  constructor(
    message: string,
    readonly hint: string,
    options: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What to throw instead of `error`, which writing `path` has thrown. */
export function explainedWrite(path: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  const options = { cause: error };
  switch (code) {
    case 'ENOENT':
      return new WriteError(
        `cannot write ${path}: there is no directory ${dirname(path)}`,
        `make it first: mkdir -p ${dirname(path)}`,
        options,
      );
    case 'EACCES':
    case 'EPERM':
      return new WriteError(`cannot write ${path}: no permission in ${dirname(path)}`, '', options);
    case 'EEXIST':
      return new WriteError(`${path} is there already, and stays as it is`, 'name another file', options);
    case undefined:
      return error;
    default:
      return new WriteError(`cannot write ${path}: ${message}`, '', options);
  }
}
