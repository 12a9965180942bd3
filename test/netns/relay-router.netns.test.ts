/**
 * `relay` with the clients behind a router that keeps its ARP cache for hours: whichever node it was told, it must be told another
 * when that one dies.
 *
 *     client 10.78.0.100 ---- router ---- switch ---- n1, n2, n3
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { labKill, labStart } from '../../src/lab/lab.js';
import { namespaceOf, VIP } from '../../src/lab/names.js';
import { ROOT, until, useFarm } from './farm.js';
import { MembershipBed, nowMs, pass } from './membership-bed.js';

const farm = useFarm('relay-router', { network: 'router', overrides: ['{ reach: relay }'] });
const bed = new MembershipBed(farm);
const CLIENT = join(ROOT, 'bench', 'farm', 'failover-client.mjs');
/** The failover budget, and what two busy cores may add. The figure of a quiet machine is that of bench/farm/failover.mjs. */
const FAILOVER_MS = 1500;
/** Fewer than one lost segment costs (RTO_MIN is 200 ms) would be asked of the machine; an outage is three times as long. */
const UNNOTICED_MS = 400;

/** The node that the router sends to: 0a:77:00:00:00:0N is nN. */
async function ingress(): Promise<string | null> {
  const { stdout } = await farm.exec('gateway', ['ip', 'neigh', 'show', VIP, 'dev', 'eth0']);
  const number = /lladdr 0a:77:00:00:00:0(\d)/.exec(stdout)?.[1];
  return number === undefined ? null : `n${number}`;
}

interface Outage {
  /** When datagrams were sent that nobody answered; CLOCK_MONOTONIC, ms. */
  readonly lost: readonly number[];
  readonly answered: number;
  /** Connections of other nodes that broke or stood still. */
  readonly harmed: readonly { readonly node: string; readonly why: string }[];
  readonly slowestOtherMs: number;
}

/** Kills `victim` under datagrams from many source ports and connections with a request every 100 ms; gives what clients noticed. */
async function die(victim: string, replaced: () => Promise<unknown>): Promise<Outage & { readonly outageMs: number }> {
  const options = { vip: VIP, ports: 60, perSecond: 600, streams: 20 };
  const words = ['netns', 'exec', namespaceOf(farm.lab, 'client'), process.execPath, CLIENT, JSON.stringify(options)];
  const child = spawn('ip', words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const ask = async (order: string): Promise<string> => {
    child.stdin.write(`${order}\n`);
    return ((await once(lines, 'line')) as [string])[0];
  };
  try {
    // Connections find their nodes before anything is counted.
    await pass(500);
    await ask('begin');
    await pass(300);
    const killedMs = nowMs();
    await labKill(farm.lab, victim);
    await bed.whole(
      farm.nodes.filter((node) => node !== victim),
      4000,
    );
    await replaced();
    await pass(500);
    const outage = JSON.parse(await ask(`end ${victim}`)) as Outage;
    return { ...outage, outageMs: Math.max(0, ...outage.lost.map((sentMs) => sentMs - killedMs)) };
  } finally {
    child.kill();
    await labStart(farm.lab, victim);
    await bed.whole();
  }
}

describe.sequential('relay, clients behind a router', () => {
  it('an ingress that dies is replaced in the router`s cache within the budget', async () => {
    await bed.whole();
    await farm.exec('client', ['curl', '-sS', '-m', '5', `http://${VIP}/`]);
    const before = await until('the router has an ingress', ingress);
    const { outageMs, answered } = await die(before, async () => {
      const after = await until('another ingress', async () => {
        const node = await ingress();
        return node !== before ? node : null;
      });
      await until('the router has confirmed it', async () => (await bed.counters(after, ['steeringConfirmed'])) > 0);
    });
    expect(answered).toBeGreaterThan(200);
    expect(outageMs).toBeGreaterThan(0);
    expect(outageMs).toBeLessThan(FAILOVER_MS);
  });

  it('a node that dies and is no ingress costs the connections of the others nothing', async () => {
    const relay = await until('the router has an ingress', ingress);
    const victim = farm.nodes.find((node) => node !== relay)!;
    const { outageMs, harmed, slowestOtherMs } = await die(victim, async () => expect(await ingress()).toBe(relay));
    expect(outageMs).toBeLessThan(FAILOVER_MS);
    expect(harmed).toEqual([]);
    expect(slowestOtherMs).toBeLessThan(UNNOTICED_MS);
  });
});
