/** A farm of three for the fault scenario. Each node serves a third; n2 is the victim. */
import { labCut, labDrain, labKill, labStall, labStart, waitWhole } from '../../lab/lab.js';
import type { BedOptions } from '../contract.js';
import { LabHosts } from '../lab-hosts.js';
import { ECHO_PORT } from '../ways/contract.js';
import { FAULT_NODES, type Fault, type FaultyCluster } from './contract.js';

const VICTIM = 'n2';
const HEAL_MS = 30_000;
const RULES = [{ name: 'udp', protocol: 'udp', ports: [ECHO_PORT], affinity: 'connection' }];

export async function coveyCluster(
  lab: string,
  heartbeat: Readonly<Record<string, string>>,
  { overrides, signal, say }: BedOptions,
): Promise<FaultyCluster> {
  const config = JSON.stringify({ heartbeat, rules: RULES, capture: 'ring' });
  const wishes = { lab, nodes: FAULT_NODES.length, agents: true, overrides: [config, ...overrides] };
  const hosts = await LabHosts.up(wishes, { signal, say });
  const inflict = async (fault: Fault): Promise<void> => {
    switch (fault) {
      case 'kill':
        // Power fails for all at once; here one thing follows the other within milliseconds.
        await labCut(lab, VICTIM);
        return labKill(lab, VICTIM);
      case 'join':
        await labStart(lab, VICTIM);
        return;
      case 'stall':
        return labStall(lab, VICTIM);
      case 'drain':
        await labDrain(lab, VICTIM);
    }
  };
  const heal = async (): Promise<void> => {
    await labStart(lab, VICTIM);
    await waitWhole(lab, FAULT_NODES, () => undefined, { timeoutMs: HEAL_MS, signal });
  };
  return { hosts, inflict, heal };
}
