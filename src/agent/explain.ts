/**
 * `explain` asks the data plane itself: it makes the frame that the client's next packet would be (a TCP SYN, or an empty UDP
 * datagram) and has it classified without acting on it. So the answer comes from the code that decides on traffic.
 */

export interface ExplainedPacket {
  /** 4 or 16 bytes, network order, both of one family. */
  readonly client: Uint8Array;
  readonly clientPort: number;
  readonly vip: Uint8Array;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
}

const ETHERNET_BYTES = 14;
const PROTOCOL_NUMBER = { tcp: 6, udp: 17 } as const;
const TCP_SYN = 0x02;

/**
 * @param vmac Ethernet destination, 6 bytes.
 * @param source Ethernet source, 6 bytes; no node's own.
 * @returns a whole Ethernet frame. The transport checksum is left 0: `classify` does not look at it, the stack would.
 */
export function explainedFrame(packet: ExplainedPacket, vmac: Uint8Array, source: Uint8Array): Uint8Array {
  const ip = packet.client.length === 4 ? ipv4Header(packet) : ipv6Header(packet);
  const transport = packet.protocol === 'tcp' ? tcpHeader(packet) : udpHeader(packet);
  const frame = new Uint8Array(ETHERNET_BYTES + ip.length + transport.length);
  frame.set(vmac, 0);
  frame.set(source, 6);
  frame.set(packet.client.length === 4 ? [0x08, 0x00] : [0x86, 0xdd], 12);
  frame.set(ip, ETHERNET_BYTES);
  frame.set(transport, ETHERNET_BYTES + ip.length);
  return frame;
}

const transportBytes = (packet: ExplainedPacket) => (packet.protocol === 'tcp' ? 20 : 8);

/** RFC 791 section 3.1, with its checksum (RFC 1071). */
function ipv4Header(packet: ExplainedPacket): Uint8Array {
  const header = new Uint8Array(20);
  const view = new DataView(header.buffer);
  header.set([0x45, 0], 0);
  view.setUint16(2, 20 + transportBytes(packet));
  header.set([64, PROTOCOL_NUMBER[packet.protocol]], 8);
  header.set(packet.client, 12);
  header.set(packet.vip, 16);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(10, ~sum & 0xffff);
  return header;
}

/** RFC 8200 section 3. */
function ipv6Header(packet: ExplainedPacket): Uint8Array {
  const header = new Uint8Array(40);
  header[0] = 0x60;
  new DataView(header.buffer).setUint16(4, transportBytes(packet));
  header.set([PROTOCOL_NUMBER[packet.protocol], 64], 6);
  header.set(packet.client, 8);
  header.set(packet.vip, 24);
  return header;
}

/** RFC 9293 section 3.1: a bare SYN. */
function tcpHeader(packet: ExplainedPacket): Uint8Array {
  const header = new Uint8Array(20);
  const view = new DataView(header.buffer);
  view.setUint16(0, packet.clientPort);
  view.setUint16(2, packet.port);
  header.set([5 << 4, TCP_SYN], 12);
  view.setUint16(14, 0xffff);
  return header;
}

/** RFC 768. */
function udpHeader(packet: ExplainedPacket): Uint8Array {
  const header = new Uint8Array(8);
  const view = new DataView(header.buffer);
  view.setUint16(0, packet.clientPort);
  view.setUint16(2, packet.port);
  view.setUint16(4, 8);
  return header;
}
