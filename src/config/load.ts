import { assemble } from './assemble.js';
import { crossFaults } from './checks.js';
import type { ConfigResult, Fault } from './contract.js';
import { knownKeys } from './known-keys.js';
import { tooDeepAt } from './nesting.js';
import { isMap } from './problem.js';
import { configSchema } from './schema.js';
import { MAX_CHARACTERS, MAX_FAULTS, Source } from './source.js';
import { didYouMean, nearestName } from './suggest.js';

/**
 * The config in a file's text, or all that is wrong in it, in the order of the file. Never throws.
 *
 * Each field is judged by itself (`schema.ts`), and then what can be read of the rest as a whole (`checks.ts`), so that a
 * fault in one place hides none in another.
 */
export function parseConfig(text: string): ConfigResult {
  if (text.length > MAX_CHARACTERS) return refused([atTop(`the file is larger than ${MAX_CHARACTERS} characters`)]);
  const deepAt = tooDeepAt(text);
  if (deepAt !== null) return refused([faultAt(text, deepAt, 'lists and maps are nested too deeply here')]);
  const source = new Source(text);
  const syntax = source.syntaxFaults();
  if (syntax.length > 0) return refused(syntax);
  let raw: unknown;
  try {
    raw = source.value();
  } catch (error) {
    return refused([atTop(`the file's anchors cannot be resolved: ${(error as Error).message}`)]);
  }
  if (!isMap(raw)) return refused([source.fault([], notAMap(raw))]);
  const parsed = configSchema.safeParse(raw);
  const faults = [
    ...source.duplicateKeys(),
    ...(parsed.error?.issues ?? []).slice(0, MAX_FAULTS).flatMap((issue) => fieldFaults(source, raw, issue)),
    ...crossFaults(raw)
      .slice(0, MAX_FAULTS)
      .map((fault) => source.fault(fault.path, fault.message, fault.atKey)),
  ];
  const all = source.withLostAliases(faults);
  return parsed.success && all.length === 0 ? { ok: true, config: assemble(parsed.data) } : refused(all);
}

/** `file:PATH` of a text's `key:`, without `file:`; null where there is none that can be read. The rest need not be good. Never throws. */
export function keyFileIn(text: string): string | null {
  try {
    const raw = new Source(text).value();
    const parsed = configSchema.shape.key.safeParse(isMap(raw) ? raw.key : undefined);
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** `faults` of a text, and one more at its `key:`, found by whoever looked at the key file; in the order of the file. */
export function withKeyFault(text: string, faults: readonly Fault[], message: string): readonly Fault[] {
  return inOrder([...faults, new Source(text).fault(['key'], message)]);
}

type Issue = NonNullable<ReturnType<typeof configSchema.safeParse>['error']>['issues'][number];

function fieldFaults(source: Source, raw: unknown, issue: Issue): Fault[] {
  const path = issue.path as (string | number)[];
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(configSchema, path, raw);
    return issue.keys.slice(0, MAX_FAULTS).map((key) => source.fault([...path, key], unknownKey(key, known), true));
  }
  return isMisspelt(raw, path) ? [] : [source.fault(path, issue.message)];
}

function unknownKey(key: string, known: readonly string[]): string {
  const guess = didYouMean(key, known) || `; the keys here are ${known.join(', ')}`;
  return `there is no such key${guess}`;
}

/** A key is missing because the one meant for it is misspelt: one fault is enough. */
function isMisspelt(raw: unknown, path: readonly (string | number)[]): boolean {
  const key = path.at(-1);
  let map: unknown = raw;
  for (const step of path.slice(0, -1)) map = (map as Record<string | number, unknown> | undefined)?.[step];
  if (typeof key !== 'string' || !isMap(map) || Object.hasOwn(map, key)) return false;
  const known = knownKeys(configSchema, path.slice(0, -1), raw);
  return Object.keys(map).some((other) => !known.includes(other) && nearestName(other, known) === key);
}

function notAMap(raw: unknown): string {
  const what = raw === null || raw === undefined ? 'the file is empty' : 'the file is no map of keys';
  return `${what}: write farm:, key:, interface:, vips: and rules:`;
}

const atTop = (message: string): Fault => ({ line: 1, column: 1, path: '', message });

function faultAt(text: string, offset: number, message: string): Fault {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: before.at(-1)!.length + 1, path: '', message };
}

function refused(faults: readonly Fault[]): ConfigResult {
  const unique = new Map(faults.map((fault) => [JSON.stringify(fault), fault]));
  return { ok: false, faults: inOrder([...unique.values()]) };
}

const inOrder = (faults: Fault[]) => faults.sort((a, b) => a.line - b.line || a.column - b.column);
