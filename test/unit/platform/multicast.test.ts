import { expect, it } from 'vitest';
import { solicitedNodeGroup } from '../../../src/platform/host/multicast.js';

// RFC 4291, section 2.7.1 has the first as its example.
it.each([
  ['4037::1:800:200e:8c6c', 'ff02::1:ff0e:8c6c'],
  ['fd77::50', 'ff02::1:ff00:50'],
  ['fd77::1:2', 'ff02::1:ff01:2'],
  ['fd77::ff:ffff', 'ff02::1:ffff:ffff'],
])('the solicited-node group of %s is %s', (address, group) => expect(solicitedNodeGroup(address)).toBe(group));
