import { z } from 'zod';
import { isMap } from './problem.js';
import type { Path } from './source.js';

/** The keys that the schema knows in the map at `path`; `value` decides between forms (a checker's `type`). */
export function knownKeys(schema: unknown, path: Path, value: unknown): readonly string[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault) {
    return knownKeys(schema.unwrap(), path, value);
  }
  if (schema instanceof z.ZodDiscriminatedUnion) return knownKeys(chosenForm(schema, value), path, value);
  const [step, ...rest] = path;
  if (step === undefined) return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  const inner = isMap(value) || Array.isArray(value) ? (value as Record<string | number, unknown>)[step] : undefined;
  if (schema instanceof z.ZodObject) return knownKeys(schema.shape[step], rest, inner);
  if (schema instanceof z.ZodArray) return knownKeys(schema.element, rest, inner);
  if (schema instanceof z.ZodRecord) return knownKeys(schema.valueType, rest, inner);
  return [];
}

function chosenForm(union: z.ZodDiscriminatedUnion, value: unknown): unknown {
  const type = isMap(value) ? value[union.def.discriminator] : undefined;
  return union.options.find((form) => {
    const literal = form instanceof z.ZodObject ? form.shape[union.def.discriminator] : null;
    return literal instanceof z.ZodLiteral && literal.values.has(type as string);
  });
}
