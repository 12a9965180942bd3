/** The form of a config as JSON Schema (draft 2020-12), for editors: what they complete and underline. Made from the zod schema. */
import { z } from 'zod';
import { configSchema } from './schema.js';

/** Where a config says which schema it has: a comment that editors with yaml-language-server read. */
export const schemaLine = (path: string) => `# yaml-language-server: $schema=${path}`;

/** What is written in a file, not what becomes of it: durations are texts, and what has a default may be left out. */
export function configJsonSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
  return { $schema, title: 'covey.yaml', description: 'Config of a Covey farm, the same on every node', ...schema };
}

/** As the file `covey.schema.json` has it. */
export function schemaText(): string {
  return `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
}
