/** How packets for the VIP come to the service of one node: what the packet scenarios compare. */
import type { BedOptions, Program } from '../contract.js';
import type { LabHosts } from '../lab-hosts.js';

export const NODE = 'n1';
export const HTTP_PORT = 8080;
export const STREAM_PORT = 5201;
export const UDP_PORT = 9000;
export const ECHO_PORT = 9001;
/** Source ports of a flood: each is another client to the farm. */
export const SOURCES = 256;

export interface WayWishes extends Pick<BedOptions, 'signal' | 'say' | 'overrides'> {
  readonly lab: string;
  /** True: the node takes every packet. False: it takes none, all are another node's. */
  readonly isOwner: boolean;
}

export interface OpenWay {
  readonly hosts: LabHosts;
  /** Where TCP services of the node listen. Datagrams always come to the VIP itself. */
  readonly serviceAddress: string;
  /** Ports of the client that are this node's, or none of it, as was wished. Absent: all are. */
  readonly clientPorts?: readonly number[];
  /** Remarks after the rounds: which engine ran, what was lost. */
  notes?(): Promise<readonly string[]>;
}

export interface Way {
  readonly name: string;
  readonly about: string;
  readonly needs: readonly Program[];
  readonly carries: { readonly datagrams: boolean };
  open(wishes: WayWishes): Promise<OpenWay>;
}
