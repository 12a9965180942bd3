/** The package cap is optional: where it is missing nothing is probed, the farm relays, and says why. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StatusReport } from '../../src/control/contract.js';
import { writeConfig } from '../../src/lab/config.js';
import { startAgent } from '../../src/lab/lab.js';
import { CLI, labPaths, nodePaths } from '../../src/lab/names.js';
import { type Background, until, useFarm } from './farm.js';

const farm = useFarm('nocap', { nodes: 2, agents: false });
const PRELOAD = join(import.meta.dirname, 'fixtures', 'without-cap.cjs');
let crippled: Background;

const status = async (node: string) => (await farm.report(node)) as unknown as StatusReport;

describe.sequential('a node without the package cap', () => {
  beforeAll(async () => {
    const paths = labPaths(farm.lab);
    await writeConfig(paths, { lab: farm.lab, ipv6: false, overrides: ['{ reach: auto }'] });
    const { runDir } = nodePaths(farm.lab, 'n1');
    mkdirSync(runDir, { recursive: true, mode: 0o700 });
    const words = ['run', '--config', paths.config, '--node', 'n1', '--run-dir', runDir];
    crippled = farm.background('n1', ['env', `NODE_OPTIONS=--require ${PRELOAD}`, 'node', CLI, ...words]);
    await startAgent(farm.lab, 'n2');
  });
  afterAll(async () => {
    crippled.stop('SIGKILL');
    await crippled.ended;
  });

  it('makes the farm relay, serves as all others do, and says what is missing', async () => {
    for (const node of farm.nodes) {
      await until(
        `${node} sees a whole farm`,
        async () => {
          const report = await status(node).catch(() => null);
          return report !== null && report.reach.mode === 'relay' && (await farm.sees(node, farm.nodes));
        },
        40_000,
      );
    }
    expect((await status('n1')).warnings.join()).toMatch(/nothing is probed.*cap cannot be loaded.*npm rebuild cap/);
    const outcomes = await farm.ids({ prefix: 'nocap', count: 60 });
    expect(outcomes.filter(({ error }) => error !== null)).toEqual([]);
    expect(new Set(outcomes.map(({ node }) => node))).toEqual(new Set(farm.nodes));
  });
});
