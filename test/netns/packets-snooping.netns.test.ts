/**
 * IPv6 behind a switch with MLD snooping: it sends a group's frames only where the group was reported, so no node would hear who
 * asks for the VIP if the nodes did not join its solicited-node group. A switch that floods everything hides that.
 */
import { describe, expect, it } from 'vitest';
import { namespaceOf, portOf, VIP6 } from '../../src/lab/names.js';
import { run } from '../../src/platform/run.js';
import { until, useFarm } from './farm.js';

const farm = useFarm('snooping', { ipv6: true });
const GROUP = 'ff02::1:ff00:50';
const inside = (host: string, ...command: readonly string[]) =>
  run('ip', ['netns', 'exec', namespaceOf(farm.lab, host), ...command], { timeoutMs: 15_000 });

describe('MLD snooping', () => {
  it('the switch learns the group on every node`s port, and the client reaches the VIP by neighbour discovery', async () => {
    const snooping =
      'link set br0 type bridge mcast_snooping 1 mcast_querier 1 mcast_mld_version 2 mcast_query_interval 200 mcast_startup_query_interval 100 mcast_query_response_interval 100';
    await inside('switch', 'ip', ...snooping.split(' '));
    const ports = async () => {
      const { stdout } = await inside('switch', 'bridge', 'mdb', 'show', 'dev', 'br0');
      return farm.nodes.filter((node) =>
        stdout.split('\n').some((line) => line.includes(`port ${portOf(node)} `) && line.includes(GROUP)),
      );
    };
    await until('reports from every node', async () => (await ports()).length === farm.nodes.length, 20_000);
    await inside('client', 'ip', '-6', 'neigh', 'flush', 'dev', 'eth0');
    const { stdout } = await inside('client', 'curl', '-sS', '--max-time', '5', `http://[${VIP6}]/`);
    expect(farm.nodes).toContain(stdout.trim());
    // The switch really snoops: a group that nobody reported is not flooded to the nodes' ports.
    const table = (await inside('switch', 'bridge', 'mdb', 'show', 'dev', 'br0')).stdout;
    expect(table).not.toContain('ff02::1:ff00:51');
  });

  it('a host that checks the VIP for duplicates hears that it is taken (RFC 4862, 5.4)', async () => {
    await inside('client', 'sysctl', '-qw', 'net.ipv6.conf.eth0.accept_dad=1', 'net.ipv6.conf.eth0.dad_transmits=2');
    await inside('client', 'ip', 'address', 'add', `${VIP6}/64`, 'dev', 'eth0');
    await until('the duplicate is found', async () => {
      const { stdout } = await inside('client', 'ip', '-6', 'address', 'show', 'dev', 'eth0');
      return stdout.includes('dadfailed');
    });
    await inside('client', 'ip', 'address', 'del', `${VIP6}/64`, 'dev', 'eth0');
  });
});
