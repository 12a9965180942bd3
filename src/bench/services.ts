/** Services that the benchmarks talk to, on the node of a way. */
import { VIP } from '../lab/names.js';
import type { LabHosts } from './lab-hosts.js';
import { ECHO_PORT, HTTP_PORT, NODE, type OpenWay, STREAM_PORT } from './ways/contract.js';

/** A connection that HAProxy holds already has the port on the VIP, so a service must name its address. */
export async function startNginx({ hosts, serviceAddress }: OpenWay): Promise<void> {
  const config = await hosts.file(NODE, 'nginx.conf');
  const scratch = await hosts.file(NODE, 'nginx');
  await hosts.exec(NODE, ['tee', config], 0, nginxConfig(scratch, serviceAddress));
  await hosts.start(NODE, ['nginx', '-c', config, '-e', '/dev/null'], () => listens(hosts, serviceAddress, HTTP_PORT));
}

/** `listen` with an address: VIP and 127.0.0.1 are there before nginx is. */
function nginxConfig(scratch: string, address: string): string {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${scratch}-${name};`,
  );
  return `daemon off; user root; worker_processes 1; pid ${scratch}.pid; error_log /dev/null;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000000; ${paths.join(' ')}
  server { listen ${address}:${HTTP_PORT} backlog=4096; location / { return 200 "hello\\n"; } } }`;
}

export async function startIperf({ hosts, serviceAddress }: OpenWay): Promise<void> {
  const isReady = () => listens(hosts, serviceAddress, STREAM_PORT);
  await hosts.start(NODE, ['iperf3', '-s', '-B', serviceAddress], isReady);
}

export async function startEcho({ hosts }: OpenWay, packets: string): Promise<void> {
  const isReady = () => hosts.isListening(NODE, ECHO_PORT, 'udp');
  await hosts.start(NODE, [packets, 'echo', VIP, String(ECHO_PORT)], isReady);
}

async function listens(hosts: LabHosts, address: string, port: number): Promise<boolean> {
  return (await hosts.exec(NODE, ['ss', '-Hltn', `src ${address} and sport = :${port}`])).trim() !== '';
}
