/** Rotation of the farm's key, as the README teaches it, on a farm that serves all the while. */
import { chmodSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CLI, labPaths, nodePaths } from '../../src/lab/names.js';
import { CommandError } from '../../src/platform/run.js';
import { until, useFarm } from './farm.js';
import { expectOneOwner, MembershipBed } from './membership-bed.js';

const farm = useFarm('keys');
const bed = new MembershipBed(farm);

interface Answer {
  readonly code: number;
  readonly text: string;
}

/** `covey WORDS` on a node; all nodes of a lab share one key file, so a change reaches an agent when it reads the file. */
async function covey(node: string, ...words: readonly string[]): Promise<Answer> {
  const runDir = nodePaths(farm.lab, node).runDir;
  const command = [process.execPath, CLI, ...words, '--run-dir', runDir];
  try {
    const { stdout, stderr } = await farm.exec(node, command);
    return { code: 0, text: stdout + stderr };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { code: error.exitCode ?? -1, text: error.message };
  }
}

async function done(node: string, ...words: readonly string[]): Promise<string> {
  const { code, text } = await covey(node, ...words);
  expect(code, text).toBe(0);
  return text;
}

/** Lines of `keys list`: id, role, who seals with it. */
async function keys(): Promise<readonly (readonly string[])[]> {
  const lines = (await done('n1', 'keys', 'list')).trim().split('\n').slice(1);
  return lines.map((line) => line.split(/ {2,}/).map((cell) => cell.trim()));
}

async function sealedBy(id: string): Promise<string> {
  return (await keys()).find((row) => row[0] === id)?.[2] ?? '';
}

describe.sequential('rotation', () => {
  let [oldKey, newKey] = ['', ''];

  it('add, use, remove, node by node: nobody is ejected, no request is lost', async () => {
    await bed.whole();
    const before = await bed.incarnations();
    const client = await bed.witness();
    oldKey = (await keys())[0]![0]!;

    newKey = /key ([0-9a-f]{8}) added/.exec(await done('n1', 'keys', 'add'))![1]!;
    const early = await covey('n1', 'keys', 'use', newKey);
    expect(early.code).not.toBe(0);
    expect(early.text).toMatch(/n2, n3 cannot open key/);

    for (const node of ['n2', 'n3']) await done(node, 'reload');
    await until('all can open the new key', async () => (await covey('n1', 'keys', 'use', newKey)).code === 0);
    await until('n1 seals with it', async () => (await sealedBy(newKey)) === 'n1');
    const used = await covey('n1', 'keys', 'remove', oldKey);
    expect(used.code).not.toBe(0);
    expect(used.text).toMatch(/in use by n2, n3/);

    for (const node of ['n2', 'n3']) await done(node, 'reload');
    await until('all seal with it', async () => (await sealedBy(newKey)) === 'n1, n2, n3');
    await done('n1', 'keys', 'remove', oldKey);
    for (const node of ['n2', 'n3']) await done(node, 'reload');

    const testimony = await client.stop();
    expectOneOwner(testimony);
    expect(testimony.datagrams.filter(({ answers }) => answers.length === 0)).toEqual([]);
    await bed.whole();
    expect(await bed.incarnations()).toEqual(before);
  });

  it('the old key opens nothing any more, and the vMAC is what it was', async () => {
    const [retired] = (await keys()).filter(([id]) => id === oldKey);
    expect(retired?.[1]).toMatch(/retired/);
    const again = await covey('n1', 'keys', 'use', oldKey);
    expect(again.code).not.toBe(0);
    expect(again.text).toMatch(/retired/);
  });

  it('a key file that cannot be used is as bad as such a config, and changes nothing', async () => {
    const { key } = labPaths(farm.lab);
    chmodSync(key, 0o644);
    const refused = await covey('n2', 'reload');
    chmodSync(key, 0o600);
    expect(refused.code).toBe(3);
    expect(refused.text).toContain(key);
    await bed.whole();
    await done('n2', 'reload');
  });
});
