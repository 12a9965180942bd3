/** I8: whatever way an agent ends, the host is what it was before it began. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeConfig } from '../../src/lab/config.js';
import { labKill, startAgent } from '../../src/lab/lab.js';
import { CLI, labPaths, nodePaths, VIP } from '../../src/lab/names.js';
import { healthOf, recorded } from '../../src/lab/processes.js';
import { processesIn } from '../../src/lab/topology.js';
import { until, useFarm } from './farm.js';
import { hostState } from './host-state.js';

const farm = useFarm('clean', { nodes: 1, agents: false });
let before = '';

async function start(): Promise<void> {
  await startAgent(farm.lab, 'n1');
  await farm.whole();
}

/** SIGTERM to the supervisor, as systemd does; the agent drains, then all ends. */
async function terminate(): Promise<void> {
  process.kill(recorded(farm.lab, 'n1', 'agent')!.pid, 'SIGTERM');
  await until('the agent ends', () => healthOf(farm.lab, 'n1', 'agent') === 'dead', 20_000);
}

/** Only the lab's service is left in the namespace: no agent, no nft child. */
async function onlyServiceLeft(): Promise<void> {
  const service = recorded(farm.lab, 'n1', 'service')!.pid;
  await until('nothing but the service is left', () => processesIn(farm.lab, 'n1').every((pid) => pid === service));
}

describe.sequential('I8: leave no trace', () => {
  beforeAll(async () => {
    before = await hostState(farm, 'n1');
    // Alone in its farm it has nobody to drain to; so the deadline ends the drain.
    await writeConfig(labPaths(farm.lab), { lab: farm.lab, ipv6: true, overrides: ['{ drain: { deadline: 500ms } }'] });
  });

  it('while it runs, the VIP is there', async () => {
    await start();
    const { stdout } = await farm.exec('client', ['curl', '-sS', '-m', '2', `http://${VIP}/`]);
    expect(stdout).toBe('n1\n');
    expect(await hostState(farm, 'n1')).not.toBe(before);
  });

  it('SIGTERM restores the host', async () => {
    await terminate();
    await onlyServiceLeft();
    expect(await hostState(farm, 'n1')).toBe(before);
  });

  it('after kill -9 of supervisor and agent, `covey cleanup` restores the host, and does no harm twice', async () => {
    await start();
    await labKill(farm.lab, 'n1');
    for (const _ of [1, 2])
      await farm.exec('n1', ['node', CLI, 'cleanup', '--run-dir', nodePaths(farm.lab, 'n1').runDir]);
    await onlyServiceLeft();
    expect(await hostState(farm, 'n1')).toBe(before);
  });

  it('after kill -9 the next start needs no cleanup, and its SIGTERM restores the host', async () => {
    await start();
    await labKill(farm.lab, 'n1');
    await start();
    await terminate();
    await onlyServiceLeft();
    expect(await hostState(farm, 'n1')).toBe(before);
  });

  it('after kill -9 of the agent alone the supervisor restores it and goes on', async () => {
    await start();
    await labKill(farm.lab, 'n1', true);
    await farm.whole();
    await terminate();
    await onlyServiceLeft();
    expect(await hostState(farm, 'n1')).toBe(before);
  });

  it('a second agent for the VIP on this host refuses, names the first, and disturbs nothing', async () => {
    await start();
    const other = mkdtempSync(join(tmpdir(), 'covey-second-'));
    const running = await hostState(farm, 'n1');
    const second = farm.background('n1', [
      'node',
      CLI,
      'run',
      '--config',
      labPaths(farm.lab).config,
      '--node',
      'n9',
      '--run-dir',
      other,
    ]);
    const code = await Promise.race([second.ended, until('the refusal', () => null, 15_000).catch(() => 'still runs')]);
    second.stop('SIGKILL');
    expect(code).toBe(1);
    const said = second.stdout() + second.stderr();
    expect(said).toMatch(/already served on this host/);
    expect(said).toContain(nodePaths(farm.lab, 'n1').runDir);
    expect(await hostState(farm, 'n1')).toBe(running);
    expect((await farm.report('n1')).state).toBe('up');
    rmSync(other, { recursive: true });
  });

  it('a second agent with the same run directory refuses', async () => {
    const { runDir } = nodePaths(farm.lab, 'n1');
    const second = farm.background('n1', [
      'node',
      CLI,
      'run',
      '--config',
      labPaths(farm.lab).config,
      '--node',
      'n1',
      '--run-dir',
      runDir,
    ]);
    expect(await second.ended).toBe(1);
    expect(second.stdout() + second.stderr()).toContain(runDir);
    await terminate();
  });
});
