// Writes src/console/openapi.json anew from the routes of the built console; a test compares the two.
import { readFileSync, writeFileSync } from 'node:fs';
import { allRoutes } from '../dist/console/console.js';
import { openApi } from '../dist/console/openapi.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const target = new URL('../src/console/openapi.json', import.meta.url);
writeFileSync(target, `${JSON.stringify(openApi(allRoutes({}), version), null, 2)}\n`);
