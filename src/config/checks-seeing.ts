/** What the fields of a notification must be to each other. */
import type { CrossFault } from './checks.js';
import type { Path } from './source.js';

type RawMap = Readonly<Record<string, unknown>>;

/** Which fields belong to which way. */
const WAYS: Readonly<Record<string, readonly string[]>> = {
  webhook: ['secret'],
  exec: [],
  email: ['smtp', 'from', 'user', 'password'],
};

export function notifyFaults(path: Path, notify: RawMap): CrossFault[] {
  const given = Object.keys(WAYS).filter((way) => notify[way] !== undefined);
  if (given.length === 0)
    return [{ path, message: 'nobody is told: write webhook: URL, exec: COMMAND or email: ADDRESS' }];
  if (given.length > 1) {
    const message = `a notification goes one way: write ${given.join(' and ')} as notifications of their own`;
    return [{ path: [...path, given[1]!], message, atKey: true }];
  }
  return [...strangers(path, notify, given[0]!), ...mailFaults(path, notify)];
}

function strangers(path: Path, notify: RawMap, way: string): CrossFault[] {
  return Object.entries(WAYS).flatMap(([other, fields]) =>
    fields
      .filter((field) => other !== way && notify[field] !== undefined)
      .map((field) => ({
        path: [...path, field],
        message: `${field} belongs to ${other}, and this notification goes by ${way}: remove it`,
        atKey: true,
      })),
  );
}

function mailFaults(path: Path, notify: RawMap): CrossFault[] {
  if (notify.email === undefined) return [];
  const missing = { smtp: 'smtp: mail.example.org:25', from: 'from: covey@example.org' };
  const faults: CrossFault[] = Object.entries(missing)
    .filter(([field]) => notify[field] === undefined)
    .map(([field, sample]) => ({ path, message: `e-mail needs ${field}: write ${sample}` }));
  if ((notify.user === undefined) !== (notify.password === undefined)) {
    faults.push({ path, message: 'user and password go together: write both, or neither' });
  }
  return faults;
}
