/**
 * Networks that a lab can imitate. A profile says what is special about one, the plan makes commands of it (pure), and
 * `build.ts` runs them. What a profile leaves out is a plain learning switch with veth cables.
 */

/** How a host's eth0 hangs on its cable to the switch. */
export type Attachment =
  /** eth0 is the cable's end. */
  | 'veth'
  /** eth0 is a macvlan child of the cable's end, as containers have it. */
  | 'macvlan'
  /** eth0 is a VXLAN tunnel over the cable: the segment is an overlay. */
  | 'vxlan'
  /** eth0 is a VLAN of the cable; a program puts the 802.1Q tags on and takes them off, for kernels without such a device. */
  | 'tagged';

/** Which hosts a line of a profile is about: `every` host, each `node`, or one by name. */
export type Hosts = 'every' | 'node' | 'client' | `n${number}`;

/** What `covey` is expected to choose there by itself; `none`: it must refuse, and say why. */
export type Choice = 'flood' | 'multicast' | 'relay' | 'none';

/** A second switch, and what lies between the two. */
export interface SecondSwitch {
  readonly hosts: Hosts | 'even nodes';
  /** `trunk`: one segment. `gateway`: the gateway routes between two subnets, 10.77.0.0/24 and 10.78.0.0/24. */
  readonly link: 'trunk' | 'gateway';
}

export interface Profile {
  /** What it imitates, for people: one sentence. */
  readonly about: string;
  /** Any of these is right. */
  readonly choices: readonly Choice[];
  /** Options of the bridge, as `ip link set type bridge` takes them, set one after the other. */
  readonly bridge?: readonly string[];
  /** Flags of the bridge's ports, as `ip link set type bridge_slave` takes them. */
  readonly ports?: readonly { readonly hosts: Hosts; readonly flags: string }[];
  /** The switch knows from the start which MAC is at which port, as a virtual switch does. */
  readonly fixedForwarding?: boolean;
  /** nft rules for frames that come in by a host's port. PORT and MAC stand for those of the host, HEX for its MAC as a number. */
  readonly guard?: readonly string[];
  /** Every port loses this share of the frames, in each direction; percent. */
  readonly lossPercent?: number;
  /** MTU of eth0. Default 1500. */
  readonly mtu?: number;
  readonly attachment?: Attachment;
  readonly second?: SecondSwitch;
  /** A host `gateway`, 10.77.0.254, which routes and is the nodes' default route. */
  readonly gateway?: boolean;
  /** sysctls of the gateway. */
  readonly gatewaySettings?: readonly string[];
  /** Nodes have an eth1 in a network of their own, 10.88.0.0/24. */
  readonly heartbeatNetwork?: boolean;
  /** YAML laid over the lab's config. */
  readonly config?: string;
}

/** One command for the namespace of `host`: lines for `ip -batch`, `bridge -batch` or `nft -f`, words for the others. */
export interface Step {
  readonly host: string;
  readonly tool: 'ip' | 'bridge' | 'nft' | 'sysctl' | 'tagger';
  readonly lines: readonly string[];
}
