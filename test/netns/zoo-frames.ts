/** Marked frames for the tests of the zoo's networks: made here, sent and listened to by small programs in the namespaces. */
import { join } from 'node:path';
import { type Background, type Farm, ROOT, until } from './farm.js';

const FIXTURES = join(ROOT, 'test', 'netns', 'fixtures');
const LOCAL_EXPERIMENT = '88b6';
export const UNKNOWN = '02:c0:7e:00:00:01';
export const GROUP = '03:c0:7e:00:00:01';
export const FOREIGN = '0e:c0:7e:00:00:01';
export const BROADCAST = 'ff:ff:ff:ff:ff:ff';

export interface HeardFrame {
  readonly mark: string;
  readonly source: string;
  readonly destination: string;
  readonly vlan: number | null;
}

const bare = (mac: string): string => mac.replaceAll(':', '');
const marked = (mark: string): string => Buffer.from(`covey-zoo:${mark};`).toString('hex');

/** A frame of an EtherType that no host knows. */
export function frame(destination: string, source: string, mark: string): string {
  return `${bare(destination)}${bare(source)}${LOCAL_EXPERIMENT}${marked(mark)}`.padEnd(120, '0');
}

/** IPv4/UDP from 10.77.0.200:9 to 10.77.0.201:9, addresses that no host has; without UDP checksum (RFC 768). */
export function datagram(destination: string, source: string, mark: string): string {
  const payload = Buffer.from(`covey-zoo:${mark};`);
  const ip = Buffer.from('4500000000000000401100000a4d00c80a4d00c9', 'hex');
  ip.writeUInt16BE(28 + payload.length, 2);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += ip.readUInt16BE(at);
  ip.writeUInt16BE(~((sum & 0xffff) + (sum >>> 16)) & 0xffff, 10);
  const udp = Buffer.from('0009000900000000', 'hex');
  udp.writeUInt16BE(8 + payload.length, 4);
  return `${bare(destination)}${bare(source)}0800${Buffer.concat([ip, udp, payload]).toString('hex')}`;
}

/** A broadcast ARP reply by `source` which tells that 10.77.0.200 is at `sender`. The mark is in the padding. */
export function arpClaim(source: string, sender: string, mark: string): string {
  const address = '0a4d00c8';
  const arp = `0001080006040002${bare(sender)}${address}${bare(sender)}${address}`;
  return `${bare(BROADCAST)}${bare(source)}0806${arp}${marked(mark)}`;
}

/** The same frame with an 802.1Q tag. */
export function tagged(vlan: number, untagged: string): string {
  return `${untagged.slice(0, 24)}8100${vlan.toString(16).padStart(4, '0')}${untagged.slice(24)}`;
}

export interface Listener {
  frames(): readonly HeardFrame[];
  heard(mark: string): boolean;
}

/** Listens on an interface until the lab is removed. */
export async function listen(farm: Farm, host: string, device = 'eth0'): Promise<Listener> {
  const child: Background = farm.background(host, ['python3', join(FIXTURES, 'listen-frames.py'), device]);
  await until(`a listener on ${host}`, () => child.stdout().includes('listening'));
  const frames = (): readonly HeardFrame[] =>
    child
      .stdout()
      .split('\n')
      .slice(1, -1)
      .map((line) => JSON.parse(line) as HeardFrame);
  return { frames, heard: (mark) => child.stdout().includes(`"mark": "${mark}"`) };
}

/** Sends the frames, in this order. */
export async function send(farm: Farm, host: string, frames: readonly string[], device = 'eth0'): Promise<void> {
  await farm.exec(host, ['python3', join(FIXTURES, 'send-frames.py'), device], { input: `${frames.join('\n')}\n` });
}
