import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { schemaText } from '../../../src/config/json-schema.js';
import { parseConfig } from '../../../src/config/load.js';

const EXAMPLES = join(import.meta.dirname, '..', '..', '..', 'examples');
const read = (name: string) => readFileSync(join(EXAMPLES, name), 'utf8');

interface Schema {
  readonly type?: string;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly description?: string;
  readonly items?: Schema;
}

describe('covey.schema.json', () => {
  it('is what the schema of the code says now; to make it anew: npm run build:schema', () => {
    expect(read('covey.schema.json')).toBe(schemaText());
  });

  it('asks for what must be there, knows no other keys, and says what a field takes', () => {
    const schema = JSON.parse(schemaText()) as Schema;
    expect(schema.required?.toSorted()).toEqual(['farm', 'interface', 'key', 'rules', 'vips']);
    expect(schema.additionalProperties).toBe(false);
    expect(schema.properties?.reachCalm?.description).toMatch(/a duration such as 100ms/);
    expect(schema.properties?.vips?.items?.description).toMatch(/10\.77\.0\.50\/24/);
  });
});

describe('covey.yaml of the examples', () => {
  it('is a good config that names its schema, and shows every key', () => {
    const text = read('covey.yaml');
    expect(parseConfig(text)).toMatchObject({ ok: true });
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=covey.schema.json');
    const { properties = {} } = JSON.parse(schemaText()) as Schema;
    for (const key of Object.keys(properties)) expect(text, key).toMatch(new RegExp(`^(# )?${key}:`, 'm'));
  });
});
