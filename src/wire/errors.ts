/** The bytes are not what they claim to be. Nothing else is ever thrown while decoding. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** What was to be sent breaks a bound of the wire format: a fault of the caller, not of the network. */
export class EncodeError extends Error {
  override readonly name = 'EncodeError';
}
