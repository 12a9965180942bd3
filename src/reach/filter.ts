/** What the kernel lets through to the probes' capture, as text for pcap-filter(7). Pure. */
import { formatAddress } from '../buckets/address.js';
import { ETHER, groupMac, macText } from './packets.js';

export interface FilterParts {
  readonly vips: readonly Uint8Array[];
  readonly own: Uint8Array;
  readonly vmac: Uint8Array;
  readonly probeMac: Uint8Array;
  readonly gateway: Uint8Array | null;
  readonly port: number;
}

/** Probes, heartbeats (of which only the header is read), all that speaks of a VIP in ARP and ND, echo replies, and leaks of the vMAC. */
export function captureFilter({ vips, own, vmac, probeMac, gateway, port }: FilterParts): string {
  const foreign = [
    `ether proto 0x${ETHER.probe.toString(16)}`,
    `ether proto 0x${ETHER.control.toString(16)}`,
    `ether dst ${macText(probeMac)}`,
    `ether dst ${macText(groupMac(probeMac))}`,
    ...vips.flatMap((vip) => aboutVip(vip, port)),
    ...(gateway === null ? [] : aboutGateway(formatAddress(gateway))),
  ];
  // What we send ourselves passes the capture, too. Only as the source of a frame the vMAC matters whoever sends it.
  return `ether src ${macText(vmac)} or (not ether src ${macText(own)} and (${foreign.join(' or ')}))`;
}

function aboutVip(vip: Uint8Array, port: number): string[] {
  const text = formatAddress(vip);
  if (vip.length === 4) return [`arp host ${text}`, `(dst host ${text} and (udp dst port ${port} or icmp[0] == 0))`];
  const words = [0, 4, 8, 12].map((at) => {
    const value = vip.subarray(at, at + 4).reduce((sum, byte) => sum * 256 + byte, 0);
    return `ip6[${48 + at}:4] == 0x${value.toString(16)}`;
  });
  return [
    `(dst host ${text} and udp dst port ${port})`,
    `(ip6[6] == 58 and ip6[40] == 136 and ${words.join(' and ')})`,
  ];
}

const aboutGateway = (text: string) => [`(arp src host ${text})`, `(src host ${text} and icmp[0] == 0)`];
