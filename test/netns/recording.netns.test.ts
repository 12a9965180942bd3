/**
 * I7: an hour's heartbeats, recorded by whoever was on the network, come again in a minute from the client, under the client's own MAC.
 * The farm's lease is long: what is shown here is that nobody believes them, not how busy two cores may be.
 */
import { expect, it } from 'vitest';
import { ControlClient } from '../../src/control/client.js';
import { labPaths, macOf, nodePaths } from '../../src/lab/names.js';
import { useFarm } from './farm.js';
import { HEARTBEATS_OF_AN_HOUR, heartbeatsOfAnHour } from './hour.js';

const farm = useFarm('recording', { overrides: ['{ heartbeat: { lease: 2000ms } }'] });
const SENDER = `${import.meta.dirname}/fixtures/send-frames.py`;
/** To all, from the client, control frame. */
const HEADER = `ffffffffffff${macOf('client').replaceAll(':', '')}88b5`;
/** Ten frames at a time, then a pause, ms: about a thousand in a second. */
const IN_A_ROW = 10;
const PAUSE_MS = 8;
/** Incarnations of one host are at least so far apart. */
const ONE_LIFE = 2 ** 20;

const ask = (node: string) => new ControlClient(nodePaths(farm.lab, node).runDir).status();

/** As it was on the wire: its length, then the datagram. */
function frameOf(datagram: Uint8Array): string {
  return `${HEADER}${datagram.length.toString(16).padStart(4, '0')}${Buffer.from(datagram).toString('hex')}`;
}

it('of an earlier life of n2: nobody begins anew, no view changes, no request is lost', {
  timeout: 110_000,
}, async () => {
  const before = await Promise.all(farm.nodes.map(ask));
  const [n1, n2, n3] = before.map(({ node: name, incarnation }) => ({ name, incarnation }));
  // What it heard of the others is true to this day.
  const past = n2!.incarnation - ONE_LIFE;
  const recorded = heartbeatsOfAnHour(labPaths(farm.lab).key, farm.lab, 'n2', past, [n1!, n3!]);
  expect(recorded.length).toBeGreaterThanOrEqual(HEARTBEATS_OF_AN_HOUR);
  const lines = recorded.map((datagram, index) => (index % IN_A_ROW === 0 ? `${PAUSE_MS} ` : '') + frameOf(datagram));

  const load = farm.load(100, 20);
  const { stdout } = await farm.exec('client', ['python3', SENDER, 'eth0'], {
    input: `${lines.join('\n')}\n`,
    timeoutMs: 90_000,
  });
  expect(Number(stdout)).toBe(recorded.length);
  load.child.stop('SIGINT');
  const { requests, lost } = await load.summary;

  const after = await Promise.all(farm.nodes.map(ask));
  const lives = (reports: typeof before) => reports.map(({ incarnation, view }) => ({ incarnation, view }));
  expect(lives(after)).toEqual(lives(before));
  expect(requests).toBeGreaterThan(100);
  expect(lost).toBe(0);
  // They did arrive, as authentic datagrams, or were more than the limit lets through to the cipher.
  const received = (report: (typeof before)[number]): number => Number(report.counters.wireReceived);
  for (const [index, report] of after.entries()) {
    expect(received(report) - received(before[index]!)).toBeGreaterThan(0.9 * recorded.length);
  }
});
