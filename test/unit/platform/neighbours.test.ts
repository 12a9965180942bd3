import { describe, expect, it } from 'vitest';
import { neighboursIn } from '../../../src/platform/neighbours.js';

const ARP = `IP address       HW type     Flags       HW address            Mask     Device
10.77.0.100      0x1         0x2         02:00:00:00:00:64     *        eth0
10.77.0.9        0x1         0x0         00:00:00:00:00:00     *        eth0
10.88.0.2        0x1         0x2         02:00:00:00:00:02     *        eth1
`;
const ROUTE = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth1	00000000	0100580A	0003	0	0	0	00000000	0	0	0
eth0	00000000	FE004D0A	0003	0	0	0	00000000	0	0	0
eth0	00004D0A	00000000	0001	0	0	0	00FFFFFF	0	0	0
`;
const text = (addresses: readonly Uint8Array[]) => addresses.map((address) => address.join('.'));

describe('neighbours of an interface', () => {
  it('are its default gateway and the complete entries of the ARP cache', () => {
    expect(text(neighboursIn(ARP, ROUTE, 'eth0'))).toEqual(['10.77.0.254', '10.77.0.100']);
    expect(text(neighboursIn(ARP, ROUTE, 'eth1'))).toEqual(['10.88.0.1', '10.88.0.2']);
    expect(neighboursIn(ARP, ROUTE, 'eth2')).toEqual([]);
  });

  it('are eight at the most, each once, and none where the tables are empty', () => {
    const many = Array.from({ length: 20 }, (_, i) => `10.77.0.${i} 0x1 0x2 02:00:00:00:00:01 * eth0\n`).join('');
    expect(neighboursIn(`title\n${many}10.77.0.0 0x1 0x2 02:00:00:00:00:01 * eth0\n`, '', 'eth0')).toHaveLength(8);
    expect(neighboursIn('', '', 'eth0')).toEqual([]);
  });
});
