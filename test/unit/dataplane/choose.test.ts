import { expect, it } from 'vitest';
import { openWithEngine } from '../../../src/dataplane/choose.js';
import type { DataPlane, OpenOptions } from '../../../src/dataplane/contract.js';

const OPTIONS = { interface: 'eth0' } as OpenOptions;
const planeOf = ({ engine }: OpenOptions) =>
  ({ engine, noFastPath: engine === 'ring' ? '' : 'libpcap has none' }) as unknown as DataPlane;
const withoutRing = (options: OpenOptions) => {
  if (options.engine === 'ring') throw new Error('setsockopt(PACKET_RX_RING): no memory');
  return planeOf(options);
};

it('auto takes the ring where it can be had, libpcap elsewhere, and says why', () => {
  const ring = openWithEngine('auto', OPTIONS, planeOf);
  expect(ring.dataPlane.engine).toBe('ring');
  expect(ring.reason()).toBe('this kernel has it; with fast path');
  const pcap = openWithEngine('auto', OPTIONS, withoutRing);
  expect(pcap.dataPlane.engine).toBe('pcap');
  expect(pcap.reason()).toBe(
    'the ring cannot be had: setsockopt(PACKET_RX_RING): no memory; without fast path: libpcap has none',
  );
});

it('an engine that the config names is that or none', () => {
  expect(openWithEngine('pcap', OPTIONS, planeOf).reason()).toBe('capture: pcap; without fast path: libpcap has none');
  expect(openWithEngine('ring', OPTIONS, planeOf).reason()).toBe('capture: ring; with fast path');
  expect(() => openWithEngine('ring', OPTIONS, withoutRing)).toThrow('PACKET_RX_RING');
});

it('says whether there is a fast path when it is asked, for that changes while the engine stays', () => {
  const plane = { engine: 'ring', noFastPath: '' };
  const { reason } = openWithEngine('ring', OPTIONS, () => plane as unknown as DataPlane);
  expect(reason()).toBe('capture: ring; with fast path');
  plane.noFastPath = 'another program came before it';
  expect(reason()).toBe('capture: ring; without fast path: another program came before it');
  plane.noFastPath = '';
  expect(reason()).toBe('capture: ring; with fast path');
});

it('what keeps both from being opened is told', () => {
  const none = () => {
    throw new Error('no such interface');
  };
  expect(() => openWithEngine('auto', OPTIONS, none)).toThrow('no such interface');
});
