/**
 * A second network for heartbeats by UDP, beside the lab's own:
 *
 *     lab's switch:  br0 ---- eth0 of n1, n2, n3, client      10.77.0.0/24, the VIP's
 *                    br1 ---- eth1 of n1, n2, n3              10.88.0.0/24, heartbeats only
 *
 * It lives in the lab's namespaces, so `labDown` removes it with them.
 */
import { namespaceOf } from '../../src/lab/names.js';
import { run } from '../../src/platform/run.js';

export const SECOND_NETWORK = '10.88.0.0/24';

async function ipBatch(namespace: string, lines: readonly string[]): Promise<void> {
  await run('ip', ['-n', namespace, '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

export async function addSecondNetwork(lab: string, nodes: readonly string[]): Promise<void> {
  const switchSpace = namespaceOf(lab, 'switch');
  await ipBatch(switchSpace, [
    'link add br1 type bridge stp_state 0 forward_delay 0 mcast_snooping 0',
    'link set br1 up',
  ]);
  for (const node of nodes) {
    const space = namespaceOf(lab, node);
    await ipBatch(switchSpace, [
      `link add q-${node} type veth peer name eth1 netns ${space}`,
      `link set q-${node} master br1 up`,
    ]);
    await ipBatch(space, ['link set eth1 up', `address add 10.88.0.${node.slice(1)}/24 brd + dev eth1`]);
  }
}

/** The cable of a node's second network, out or in. */
export async function setSecondCable(lab: string, node: string, state: 'up' | 'down'): Promise<void> {
  await ipBatch(namespaceOf(lab, 'switch'), [`link set q-${node} ${state}`]);
}
