/** The kinds of field that the schema is made of. Each one's message says what to write instead. */
import { z } from 'zod';
import { formatDuration, parseDuration, unitless } from './duration.js';
import { expected, Problem, shown } from './problem.js';
import { didYouMean } from './suggest.js';

interface Refused {
  readonly input?: unknown;
}

/** Options for a zod type: the fault's message from what the field takes. */
export const expecting = (what: string) => ({ error: (issue: Refused) => expected(issue.input, what) });

/** What a field takes, also for editors: it stands in the JSON Schema. */
const described = <T extends z.ZodType>(type: T, what: string): T => type.meta({ description: what });

/** Text turned into a value by `parse`. */
export function text<T>(what: string, parse: (text: string) => T | Problem) {
  return described(z.string(expecting(what)), what).transform((raw, context) => accept(parse(raw), context));
}

/** Passes a parser's value on, or its problem as a fault of the field. */
export function accept<T>(result: T | Problem, context: z.core.$RefinementCtx): T {
  if (!(result instanceof Problem)) return result;
  context.addIssue({ code: 'custom', message: result.message });
  return z.NEVER;
}

/** Text that is taken as it is where it matches. */
export function word(what: string, pattern: RegExp) {
  return described(z.string(expecting(what)).regex(pattern, expecting(what)), what);
}

/** A line for the shell. */
export const command = (what: string) => word(`${what}, such as "systemctl start nginx"`, /\S/);

export function integer(what: string, lowest: number, highest: number) {
  const range = expecting(`${what} from ${lowest} to ${highest}`);
  return z.number(range).int(range).min(lowest, range).max(highest, range);
}

const DURATION = 'a duration such as 100ms, 5s or 3m';

/** ms from text such as `100ms`; both bounds are included. */
export function duration(lowestMs: number, highestMs: number) {
  const refuse = ({ input }: Refused) => (typeof input === 'number' ? unitless(input) : expected(input, DURATION));
  const range = `${formatDuration(lowestMs)} to ${formatDuration(highestMs)}`;
  return described(z.string({ error: refuse }), `${DURATION}; ${range}`).transform((raw, context) => {
    const ms = parseDuration(raw);
    if (ms instanceof Problem || (ms >= lowestMs && ms <= highestMs)) return accept(ms, context);
    return accept<number>(new Problem(`${raw} is out of range: write ${range}`), context);
  });
}

export function choice<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, {
    error: ({ input }: Refused) => {
      const guess = typeof input === 'string' ? didYouMean(input, values) : '';
      return `${expected(input, `one of ${values.join(', ')}`)}${guess}`;
    },
  });
}

/** A list of 1 (or `fewest`) to `most` items; `what` names them in the plural, `sample` shows one way to write it. */
export function list<T extends z.ZodType>(item: T, what: string, sample: string, most: number, fewest = 1) {
  const size = `${fewest === 0 ? 'at most' : `${fewest} to`} ${most} ${what}`;
  const refuse = ({ input }: Refused) => listMessage(input, item, `a list of ${what}, such as ${sample}`);
  const tooMany = ({ input }: Refused) => `has ${(input as readonly unknown[]).length} ${what}: write ${size}`;
  return z.array(item, { error: refuse }).min(fewest, `is empty: write ${size}`).max(most, { error: tooMany });
}

/** Only what could be an item is told to stand in brackets. */
function listMessage(input: unknown, item: z.ZodType, what: string): string {
  const isItem = (typeof input === 'string' || typeof input === 'number') && item.safeParse(input).success;
  return isItem ? `${shown(input)} is not a list: write [${shown(input)}]` : expected(input, what);
}

/** A map with exactly these keys. Unknown ones are reported by `faults.ts`, one by one and with their own place. */
export function section<S extends z.core.$ZodLooseShape>(what: string, shape: S) {
  return z.strictObject(shape, expecting(what));
}

/** Names of farms, nodes, rules, services and checkers: also fit for a file name, a counter and the wire. */
export const NAME_PATTERN = /^[A-Za-z0-9_.-]{1,63}$/;
export const NAME_RULE = 'letters, digits, "_", "." and "-", 1 to 63 of them';

export const name = (what: string) => word(`a name for the ${what} (${NAME_RULE})`, NAME_PATTERN);

/** What the kernel takes as an interface's name (dev_valid_name in net/core/dev.c). */
export const interfaceName = word('the name of a network interface, such as eth0', /^(?!\.{1,2}$)[^\s/:]{1,15}$/);
