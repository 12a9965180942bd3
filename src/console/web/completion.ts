/** Which keys or values the schema allows where the caret is, in YAML in block style. Pure; a hint, no parser. */
export interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
}

const MOST_OFFERS = 24;

export function completionsAt(schema: Schema, text: string, caret: number): readonly string[] {
  const lines = text.slice(0, caret).split('\n');
  const line = lines.pop() ?? '';
  const value = /^[\s-]*([A-Za-z-]+):\s*([A-Za-z-]*)$/.exec(line);
  const path = pathAt(lines, line);
  if (value !== null) {
    const forms = reach(schema, schema, [...path, value[1]!]);
    return matching(forms.flatMap(valuesOf), value[2]!);
  }
  const inline = /\{[^{}]*$/.exec(line);
  if (inline !== null) return inlineOffers(schema, path, inline[0], line);
  const key = /^[\s-]*([A-Za-z-]*)$/.exec(line);
  return key === null ? [] : matching(reach(schema, schema, path).flatMap(keysOf), key[1]!);
}

/** In `{ name: web, pro`: keys of the map, or the values of its last key. */
function inlineOffers(schema: Schema, path: readonly string[], part: string, line: string): readonly string[] {
  const head = /^[\s-]*([A-Za-z-]+):\s*[[{]/.exec(line)?.[1];
  const within = head === undefined ? path : [...path, head];
  const last = part.slice(1).split(',').at(-1)!.trim();
  const value = /^([A-Za-z-]+):\s*([A-Za-z-]*)$/.exec(last);
  if (value !== null) return matching(reach(schema, schema, [...within, value[1]!]).flatMap(valuesOf), value[2]!);
  return /^[A-Za-z-]*$/.test(last) ? matching(reach(schema, schema, within).flatMap(keysOf), last) : [];
}

const indentOf = (line: string) => /^[\s-]*/.exec(line)![0].length;

/** Keys of the maps around a line, outermost first. */
function pathAt(before: readonly string[], line: string): string[] {
  const path: string[] = [];
  let indent = indentOf(line);
  for (let at = before.length - 1; at >= 0; at--) {
    const key = /^[\s-]*([A-Za-z0-9_.-]+):\s*$/.exec(before[at]!);
    if (key === null || indentOf(before[at]!) >= indent) continue;
    path.unshift(key[1]!);
    indent = indentOf(before[at]!);
  }
  return path;
}

function reach(root: Schema, schema: Schema, path: readonly string[]): Schema[] {
  return formsOf(root, schema).flatMap((form) => {
    const [step, ...rest] = path;
    if (step === undefined) return [form];
    const next =
      form.properties?.[step] ??
      (typeof form.additionalProperties === 'object' ? form.additionalProperties : undefined);
    return next === undefined ? [] : reach(root, next, rest);
  });
}

/** Through lists, references and alternatives. */
function formsOf(root: Schema, schema: Schema): Schema[] {
  if (schema.$ref !== undefined) {
    const target = root.$defs?.[schema.$ref.replace('#/$defs/', '')];
    return target === undefined ? [] : formsOf(root, target);
  }
  if (schema.items !== undefined) return formsOf(root, schema.items);
  const forms = schema.anyOf ?? schema.oneOf;
  return forms === undefined ? [schema] : forms.flatMap((form) => formsOf(root, form));
}

const keysOf = ({ properties }: Schema) => Object.keys(properties ?? {}).map((key) => `${key}: `);
const valuesOf = (schema: Schema) =>
  [...(schema.enum ?? []), ...(schema.const === undefined ? [] : [schema.const])].map(String);

function matching(words: readonly string[], typed: string): readonly string[] {
  const fitting = [...new Set(words)].filter((word) => word.startsWith(typed) && word !== typed);
  return fitting.slice(0, MOST_OFFERS);
}
