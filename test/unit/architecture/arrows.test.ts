/**
 * Walks every import of the sources and fails on an arrow that the layout does not allow (README, "How the code is laid out").
 *
 *   cli/entry (composition) -> everything
 *   cli, console, bench, lab -> control -> pure rooms; bench -> lab
 *   agent -> pure rooms, contracts
 *   dataplane, platform, reach, checkers, services -> pure rooms
 *   pure rooms -> one another only as listed, no Node builtin, no package but zod and yaml (config)
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const SRC = join(ROOT, 'src');

interface Import {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

const PURE = ['buckets', 'membership', 'health', 'wire', 'config'] as const;

/** Room -> rooms whose code it may import. Its own room always; what is not listed only as a type from a contract file. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  buckets: [],
  membership: ['buckets'],
  health: ['buckets'],
  wire: ['membership', 'buckets'],
  config: ['membership', 'buckets'],
  dataplane: ['buckets'],
  platform: [...PURE],
  reach: [...PURE],
  checkers: [...PURE],
  services: [...PURE],
  control: [...PURE],
  agent: [...PURE, 'control'],
  cli: ['control', 'config', 'lab', 'buckets'],
  console: ['control'],
  lab: ['control', 'platform', 'config'],
  bench: ['lab', 'control', 'platform', 'buckets', 'wire'],
};
const PURE_PACKAGES: Readonly<Record<string, readonly string[]>> = { config: ['zod', 'yaml'] };
/** Modules that are contracts: types and constants only, so any room may import them. */
const isContract = (path: string) => /(^|\/)(contract|counters|messages)\.ts$/.test(path);

function sources(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') || name.endsWith('.tsx'))
    .map((name) => join(directory, name));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  const found: Import[] = [];
  const statement = /^\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?['"]([^'"]+)['"]/gm;
  for (const match of text.matchAll(statement)) {
    found.push({ file, target: match[2]!, typeOnly: match[1] !== undefined });
  }
  for (const match of text.matchAll(/import\(\s*['"]([^'"]+)['"]\s*\)/g)) {
    found.push({ file, target: match[1]!, typeOnly: false });
  }
  return found;
}

const room = (path: string) => relative(SRC, path).split('/')[0]!;
const isRoot = (path: string) => /^cli\/(main\.ts|entry\/)/.test(relative(SRC, path));

function fault({ file, target, typeOnly }: Import): string | null {
  const from = room(file);
  const where = `${relative(ROOT, file)} imports ${target}`;
  if (target.startsWith('.')) {
    const path = resolve(dirname(file), target).replace(/\.js$/, '.ts');
    const to = room(path);
    if (to === from || ALLOWED[from]?.includes(to)) return null;
    if (isRoot(path)) return `${where}: nothing imports the composition root`;
    if (isContract(path)) return PURE.some((name) => name === from) ? `${where}: a pure room` : null;
    return typeOnly && !PURE.some((name) => name === from) ? null : where;
  }
  if (!PURE.some((name) => name === from)) return null;
  return PURE_PACKAGES[from]?.includes(target) ? null : `${where}: a pure room needs no builtin or package`;
}

describe('arrows between rooms', () => {
  const files = sources(SRC);

  it('knows every room', () => {
    const unknown = new Set(files.map(room).filter((name) => ALLOWED[name] === undefined));
    expect([...unknown]).toEqual([]);
  });

  it('finds imports at all', () => {
    expect(files.flatMap(importsOf).length).toBeGreaterThan(50);
  });

  it('allows no wrong arrow', () => {
    const faults = files
      .filter((file) => !isRoot(file))
      .flatMap(importsOf)
      .map(fault)
      .filter((text) => text !== null);
    expect(faults).toEqual([]);
  });

  it('loads the addon in one file only', () => {
    const loaders = files.filter((file) => readFileSync(file, 'utf8').includes('dataplane.node'));
    expect(loaders.map((file) => relative(SRC, file))).toEqual(['dataplane/native.ts']);
  });
});

describe('the C++ rooms', () => {
  const includes = (folder: string) =>
    readdirSync(join(ROOT, 'addons/dataplane/src', folder), { encoding: 'utf8' })
      .filter((name) => /\.(cc|h)$/.test(name))
      .flatMap((name) =>
        [
          ...readFileSync(join(ROOT, 'addons/dataplane/src', folder, name), 'utf8').matchAll(
            /#include\s+[<"]([^>"]+)[>"]/g,
          ),
        ].map((match) => ({ name, target: match[1]! })),
      );

  it('filter includes neither N-API, nor libpcap, nor threads, nor io', () => {
    const wrong = includes('filter').filter(({ target }) => /napi|node_api|pcap|thread|mutex|(^|\/)io\//.test(target));
    expect(wrong).toEqual([]);
  });

  it('io includes no N-API', () => {
    expect(includes('io').filter(({ target }) => /napi|node_api/.test(target))).toEqual([]);
  });
});
