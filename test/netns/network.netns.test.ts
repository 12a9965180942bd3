/**
 * Bad networks with real agents: one-way loss, random loss, partition and heal, stalls of every length, all at once. The
 * switch is where it happens:
 *
 *     n1 -- p-n1 |        |
 *     n2 -- p-n2 | bridge | p-client -- client
 *     n3 -- p-n3 |        |        nft rules of family bridge drop frames between ports
 *
 * Throughout, a client makes connections with ids of their own, and the services' logs prove from the servers' side that
 * each reached exactly one node (I1).
 */
import { afterEach, describe, expect, it } from 'vitest';
import { labKill, labStall, labStart } from '../../src/lab/lab.js';
import { portOf } from '../../src/lab/names.js';
import { type IdOutcome, until, useFarm } from './farm.js';

const farm = useFarm('network');

/** Drops frames between switch ports by these rules, until `mend`. */
async function breakNetwork(rules: readonly string[]): Promise<void> {
  const chain = `chain forward { type filter hook forward priority 0; ${rules.map((rule) => `${rule};`).join(' ')} }`;
  await farm.exec('switch', ['nft', '-f', '-'], { input: `table bridge faults {\n${chain}\n}\n` });
}

async function mend(): Promise<void> {
  await farm.exec('switch', ['nft', 'delete', 'table', 'bridge', 'faults']).catch(() => undefined);
}

const from = (host: string): string => `iifname "${portOf(host)}"`;
const to = (host: string): string => `oifname "${portOf(host)}"`;
const control = 'ether type 0x88b5';

let batch = 0;

/** Connections from the client for as long as `act` takes; gives what became of them. */
async function underIds(act: () => Promise<unknown>): Promise<readonly IdOutcome[]> {
  const prefix = `net${batch++}`;
  let done = false;
  const acting = act().finally(() => {
    done = true;
  });
  const outcomes: IdOutcome[] = [];
  for (let round = 0; !done || round === 0; round++) {
    outcomes.push(...(await farm.ids({ prefix: `${prefix}-${round}`, count: 60, timeoutMs: 900 })));
  }
  await acting;
  expectOneNodeEach(prefix, outcomes);
  return outcomes;
}

/** I1 from the servers' side: no id in two logs, each answered one in exactly one, that of the node the client heard. */
function expectOneNodeEach(prefix: string, outcomes: readonly IdOutcome[]): void {
  const homes = new Map<string, string[]>();
  for (const node of farm.nodes) {
    for (const id of farm.answeredIds(node))
      if (id.startsWith(`${prefix}-`)) homes.set(id, [...(homes.get(id) ?? []), node]);
  }
  expect([...homes].filter(([, nodes]) => nodes.length > 1)).toEqual([]);
  for (const { id, node } of outcomes) if (node !== null) expect([id, homes.get(id)]).toEqual([id, [node]]);
}

const lost = (outcomes: readonly IdOutcome[]) => outcomes.filter((outcome) => outcome.error !== null);

/** For how long a network must be borne: many heartbeat intervals, leases and time-outs. */
async function forSeconds(seconds: number): Promise<void> {
  const begun = performance.now();
  await until(`${seconds} s pass`, () => performance.now() - begun > seconds * 1000, seconds * 1000 + 5000);
}

async function lapses(): Promise<number> {
  const reports = await Promise.all(farm.nodes.map((node) => farm.report(node)));
  return reports.reduce((sum, report) => sum + farm.counter(report, 'leaseLapses'), 0);
}

afterEach(async () => {
  await mend();
  await farm.whole();
});

describe.sequential('a bad network', () => {
  it.each([10, 30])(
    '%d percent of the heartbeats lost at random: nobody is put out, and no request is lost',
    async (percent) => {
      const before = await lapses();
      await breakNetwork([`${control} numgen random mod 100 < ${percent} drop`]);
      const outcomes = await underIds(() => forSeconds(6));
      expect(lost(outcomes)).toEqual([]);
      expect(await lapses()).toBe(before);
    },
  );

  it('n1 cannot reach n2 (one way): still one farm of three, since n3 passes the word on', async () => {
    await breakNetwork([`${from('n1')} ${to('n2')} drop`]);
    const outcomes = await underIds(() => forSeconds(4));
    expect(lost(outcomes)).toEqual([]);
    await farm.whole();
  });

  it('n1 and n2 do not hear each other at all: still one farm of three', async () => {
    await breakNetwork([`${from('n1')} ${to('n2')} drop`, `${from('n2')} ${to('n1')} drop`]);
    const outcomes = await underIds(() => forSeconds(4));
    expect(lost(outcomes)).toEqual([]);
    await farm.whole();
  });

  it('nobody hears n3, which hears all: it stops by itself, and the others take over', async () => {
    await breakNetwork([`${from('n3')} ${to('n1')} drop`, `${from('n3')} ${to('n2')} drop`]);
    await underIds(() => until('n1 and n2 go on alone', () => farm.sees('n1', ['n1', 'n2'])));
    const report = await farm.report('n3');
    expect(report.members.find((member) => member.name === 'n3')?.heldBuckets).toBe(0);
  });

  it('a partition in two, and its heal: one farm again, and after it nothing is answered twice', async () => {
    await breakNetwork([
      `${from('n1')} ${to('n2')} drop`,
      `${from('n1')} ${to('n3')} drop`,
      `${from('n2')} ${to('n1')} drop`,
      `${from('n3')} ${to('n1')} drop`,
    ]);
    // The client reaches both sides, so n1 captures frames: it is cut off, but not deaf. Here alone both may answer (I1).
    const { child, summary } = farm.load(30, 100);
    await until(
      'both sides serve',
      async () => (await farm.sees('n1', ['n1'])) && (await farm.sees('n2', ['n2', 'n3'])),
    );
    child.stop();
    await summary;
    await mend();
    await farm.whole();
    const outcomes = await underIds(() => forSeconds(1));
    expect(lost(outcomes)).toEqual([]);
  });
});

describe.sequential('stalls and restarts', () => {
  it.each([0.3, 1, 5])('a node that stands still for %d s answers nothing it has no right to', async (seconds) => {
    await underIds(async () => {
      await labStall(farm.lab, 'n2');
      await forSeconds(seconds);
      await labStart(farm.lab, 'n2');
      await farm.whole();
    });
  });

  it('all nodes killed and started at once: whole again', async () => {
    await underIds(async () => {
      await Promise.all(farm.nodes.map((node) => labKill(farm.lab, node)));
      await Promise.all(farm.nodes.map((node) => labStart(farm.lab, node)));
      await farm.whole();
    });
    expect(lost(await underIds(() => forSeconds(0.5)))).toEqual([]);
  });

  it('all nodes stand still for 2 s and wake at once: whole again', async () => {
    await underIds(async () => {
      await Promise.all(farm.nodes.map((node) => labStall(farm.lab, node)));
      await forSeconds(2);
      await Promise.all(farm.nodes.map((node) => labStart(farm.lab, node)));
      await farm.whole();
    });
  });
});
