/** A farm or cluster of three nodes to which something happens. */
import type { LabHosts } from '../lab-hosts.js';

export const FAULT_NODES = ['n1', 'n2', 'n3'];

/**
 * `kill`: the node's software is killed and its cable pulled, as when power fails. `join`: it comes back. `stall`: its software stands
 * still, the kernel does not. `drain`: it is taken out in good order.
 */
export const FAULTS = ['kill', 'join', 'stall', 'drain'] as const;
export type Fault = (typeof FAULTS)[number];

export interface FaultyCluster {
  readonly hosts: LabHosts;
  /** Does it, to a node that serves. Resolves when it is done, not when it is over. */
  inflict(fault: Fault): Promise<void>;
  /** All three serve again, or are ready to. */
  heal(): Promise<void>;
}
