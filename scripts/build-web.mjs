// Builds the console's page into dist/console/web, or the directory that is given: one script, one style sheet, one document. Nothing is fetched from elsewhere.
import { cpSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, 'src/console/web');
const target = process.argv[2] ?? join(root, 'dist/console/web');
mkdirSync(target, { recursive: true });
await build({
  entryPoints: [join(source, 'app.tsx'), join(source, 'app.css')],
  outdir: target,
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['chrome111', 'firefox115', 'safari16.4'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  logLevel: 'warning',
});
for (const name of ['index.html', 'icon.svg']) cpSync(join(source, name), join(target, name));
