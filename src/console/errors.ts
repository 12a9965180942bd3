/** A refusal of the console itself, as it is answered over HTTP. */
export class ConsoleError extends Error {
  override readonly name = 'ConsoleError';

  constructor(
    readonly httpStatus: number,
    readonly code: string,
    message: string,
    readonly hint = '',
  ) {
    super(message);
  }
}
