/** What a scalar's parser gives instead of a value: the message of the fault. */
export class Problem {
  constructor(readonly message: string) {}
}

/** A value as it may stand in a message: short, and quoted where it is text. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a map of keys';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** `what` names what the field takes, as in `a port from 1 to 65535`. */
export function expected(input: unknown, what: string): string {
  if (input === undefined) return `is missing: write ${what}`;
  if (input === null) return `is empty: write ${what}`;
  return `${shown(input)} is not ${what}`;
}

/** A map of the file, as YAML gives it. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
