#!/usr/bin/env node
// Builds addons/dataplane with node-gyp. Where the running Node brought its own C++ headers along (Debian's and
// NodeSource's packages, nvm, and the official archives do), they are used, so that nothing is fetched.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const addon = join(dirname(fileURLToPath(import.meta.url)), '..', 'addons', 'dataplane');
const prefix = dirname(dirname(process.execPath));
const ownHeaders = existsSync(join(prefix, 'include', 'node', 'node_api.h'));
const args = ['rebuild', '--directory', addon, ...(ownHeaders ? ['--nodedir', prefix] : [])];
const result = spawnSync(process.execPath, [require.resolve('node-gyp/bin/node-gyp.js'), ...args], {
  stdio: 'inherit',
});
process.exit(result.status ?? 1);
