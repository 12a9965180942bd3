/** The truth on the wire: what the switch's ports see while the farm serves, loses a node and gets it back. */
import { beforeAll, describe, expect, it } from 'vitest';
import { labKill, labStart } from '../../src/lab/lab.js';
import { macOf, VIP } from '../../src/lab/names.js';
import { captureAllPorts, type SeenFrame } from './capture.js';
import { type IdOutcome, useFarm } from './farm.js';

/** Of a connection to the VIP, in each direction. */
const CLIENT_PORT = new RegExp(`10\\.77\\.0\\.100\\.(\\d+)(?=: | > ${VIP.replaceAll('.', '\\.')}\\.80: )`);

/** By libpcap, as where the kernel has no better, and as a farm captures by itself. */
describe.each(['pcap', 'auto'])('on the wire, capture: %s', (capture) => {
  const farm = useFarm(`wire-${capture}`, { overrides: [`{ capture: ${capture} }`] });
  let frames: readonly SeenFrame[] = [];
  let outcomes: readonly IdOutcome[] = [];
  let vmac = '';

  beforeAll(async () => {
    const ports = await captureAllPorts(farm, [...farm.nodes, 'client']);
    outcomes = [...(await farm.ids({ prefix: 'wire', count: 300 }))];
    const { stdout } = await farm.exec('client', ['ip', 'neigh', 'show', VIP]);
    vmac = /lladdr ([0-9a-f:]{17})/.exec(stdout)?.[1] ?? '';
    await labKill(farm.lab, 'n2');
    await farm.whole(['n1', 'n3']);
    outcomes = [...outcomes, ...(await farm.ids({ prefix: 'fewer', count: 100 }))];
    await labStart(farm.lab, 'n2');
    await farm.whole();
    outcomes = [...outcomes, ...(await farm.ids({ prefix: 'again', count: 100 }))];
    frames = await ports.frames();
  });

  it('all clients were answered, and the capture saw the traffic', () => {
    expect(outcomes.filter((outcome) => outcome.error !== null)).toEqual([]);
    expect(frames.length).toBeGreaterThan(500 * 8);
  });

  it('I5: the vMAC is locally administered unicast, and no frame ever had it as Ethernet source', () => {
    expect(vmac).toMatch(/^.[26ae]:/);
    expect(frames.some((frame) => frame.destination === vmac)).toBe(true);
    expect(frames.filter((frame) => frame.source === vmac).map((frame) => frame.text)).toEqual([]);
  });

  it('every frame has the MAC of the host that sent it as Ethernet source', () => {
    const strangers = frames.filter((frame) => frame.source !== macOf(frame.host));
    expect(strangers.map((frame) => `${frame.host}: ${frame.text}`)).toEqual([]);
  });

  it('each connection is answered by one node only, directly, and it is the one that the client heard', () => {
    const byPort = new Map<number, SeenFrame[]>();
    for (const frame of frames) {
      const port = Number(CLIENT_PORT.exec(frame.text)?.[1]);
      byPort.set(port, [...(byPort.get(port) ?? []), frame]);
    }
    for (const { id, node, localPort } of outcomes) {
      const said = byPort.get(localPort!) ?? [];
      // A lone reset is no answer: it says that its sender has no such connection. One that breaks a connection is in the outcomes.
      const answers = said.filter(({ host, text }) => host !== 'client' && !text.includes('Flags [R]'));
      const senders = new Set(answers.map(({ host }) => host));
      const story = said
        .toSorted((one, other) => one.at - other.at)
        .map(({ at, host, text }) => `${at} ${host}: ${text}`);
      expect([id, [...senders]], story.join('\n')).toEqual([id, [node]]);
    }
  });

  it('no node ever asks or tells by ARP that the VIP is at its own MAC, or uses it as ARP sender otherwise than with the vMAC', () => {
    const arp = frames.filter((frame) => frame.text.includes('ARP'));
    const replies = arp.filter((frame) => frame.text.includes(`Reply ${VIP} is-at`));
    expect(replies.length).toBeGreaterThan(0);
    for (const frame of replies) expect(frame.text).toContain(`is-at ${vmac}`);
    expect(
      arp.filter((frame) => frame.text.includes(`tell ${VIP}`) && frame.host !== 'client').map((frame) => frame.text),
    ).toEqual([]);
  });
});
