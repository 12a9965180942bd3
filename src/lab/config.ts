/** The config and key of a lab. */
import { writeFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import { run } from '../platform/run.js';
import { CLI, LabError, type LabPaths, VIP, VIP6 } from './names.js';
import { type ProfileName, profileOf } from './network/profiles.js';

export interface LabConfigOptions {
  readonly lab: string;
  readonly ipv6: boolean;
  /** Default `switch`. */
  readonly network?: ProfileName;
  /** YAML texts, laid over the default config one after the other. */
  readonly overrides: readonly string[];
}

type Tree = { readonly [key: string]: unknown };

/** Enough rules for what tests and demonstrations run: HTTP, sticky applications, iperf3 (its two connections belong together), DNS. */
function defaultConfig(options: LabConfigOptions): Tree {
  return {
    farm: options.lab,
    key: 'file:farm.key',
    interface: 'eth0',
    vips: options.ipv6 ? [`${VIP}/24`, `${VIP6}/64`] : [`${VIP}/24`],
    // Of the plain switch it is known what works, and a start without a probe is faster. Elsewhere Covey is to find out.
    reach: (options.network ?? 'switch') === 'switch' ? 'flood' : 'auto',
    rules: [
      { name: 'web', protocol: 'tcp', ports: [80, 8080], affinity: 'connection' },
      { name: 'app', protocol: 'tcp', ports: ['8000-8100'], affinity: 'client' },
      { name: 'bulk', protocol: 'tcp', ports: [5201], affinity: 'client' },
      { name: 'dns', protocol: 'udp', ports: [53], affinity: 'connection' },
    ],
  };
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Mappings are merged key by key; anything else of `over` replaces what was there. */
export function layOver(base: Tree, over: Tree): Tree {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isTree(below) && isTree(value) ? layOver(below, value) : value;
  }
  return merged;
}

export function labConfig(options: LabConfigOptions): string {
  let config = defaultConfig(options);
  const ofNetwork = profileOf(options.network ?? 'switch').config;
  for (const text of ofNetwork === undefined ? options.overrides : [ofNetwork, ...options.overrides]) {
    const over: unknown = parse(text);
    if (!isTree(over))
      throw new LabError(`--config-override takes a YAML mapping such as '{ reach: relay }', not: ${text}`);
    config = layOver(config, over);
  }
  return stringify(config);
}

export async function writeConfig(paths: LabPaths, options: LabConfigOptions): Promise<void> {
  await writeFile(paths.config, labConfig(options));
  await run(process.execPath, [CLI, 'keygen', paths.key]);
}
