/** The programs that the nodes run: nginx, iperf3, redis, dnsmasq, and socat as an echo that says its node's name. */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, openSync, writeFileSync } from 'node:fs';

import { join } from 'node:path';
import { labPaths, namespaceOf } from '../../../src/lab/names.js';
import { eventually } from '../../../src/lab/processes.js';
import { run } from '../../../src/platform/run.js';

export const PROGRAMS = ['nginx', 'wrk', 'iperf3', 'redis-server', 'redis-cli', 'redis-benchmark', 'dnsmasq', 'socat'];

/** Laid over the lab's config. */
export const RULES = `rules:
  - { name: web,  protocol: tcp, ports: [80, 8080], affinity: connection }
  - { name: bulk, protocol: tcp, ports: [5201],     affinity: client }
  - { name: kv,   protocol: tcp, ports: [6379],     affinity: connection }
  - { name: echo, protocol: tcp, ports: [7777],     affinity: connection }
  - { name: dns,  protocol: udp, ports: [53],       affinity: connection }
`;

const BIG_BYTES = 6 << 20;
const START_TIMEOUT_MS = 10_000;
/** After the clients that measure, and before those that only load: all of them share the cores of one machine. */
const SERVICE_NICENESS = '5';

/** Starts them on each node, and waits until they answer. They end with the lab. @returns SHA-256 of the big file, as hex. */
export async function startServices(lab: string, nodes: readonly string[]): Promise<string> {
  const { directory } = labPaths(lab);
  const big = randomBytes(BIG_BYTES);
  writeFileSync(join(directory, 'big'), big, { mode: 0o644 });
  for (const node of nodes) for (const command of commandsOf(lab, node)) start(lab, node, command);
  for (const node of nodes) {
    for (const port of [8080, 5201, 6379, 7777]) {
      const listens = async () => /LISTEN/.test((await inNode(lab, node, ['ss', '-tlnH', `sport = :${port}`])).stdout);
      if (!(await eventually(listens, START_TIMEOUT_MS))) {
        throw new Error(`on ${node} nothing listens on port ${port}; see ${join(directory, node)}/*.log`);
      }
    }
  }
  return createHash('sha256').update(big).digest('hex');
}

function inNode(lab: string, node: string, command: readonly string[]) {
  return run('ip', ['netns', 'exec', namespaceOf(lab, node), ...command]);
}

function commandsOf(lab: string, node: string): readonly (readonly string[])[] {
  const directory = join(labPaths(lab).directory, node);
  mkdirSync(directory, { recursive: true });
  const nginx = join(directory, 'nginx.conf');
  writeFileSync(nginx, nginxConfig(node, directory, labPaths(lab).directory));
  return [
    ['nginx', '-c', nginx, '-p', directory],
    ['iperf3', '-s'],
    [
      'redis-server',
      '--port',
      '6379',
      '--bind',
      '*',
      '-::*',
      '--save',
      '',
      '--protected-mode',
      'no',
      '--dir',
      directory,
    ],
    ['socat', 'TCP6-LISTEN:7777,fork,reuseaddr,ipv6-v6only=0', `SYSTEM:sed -u s/^/${node}=/`],
    [
      'dnsmasq',
      ...['--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--user=root', '--pid-file='],
      `--txt-record=whoami.farm,${node}`,
    ],
  ];
}

function start(lab: string, node: string, command: readonly string[]): void {
  const log = openSync(join(labPaths(lab).directory, node, `${command[0]}.log`), 'a');
  const words = ['netns', 'exec', namespaceOf(lab, node), 'nice', '-n', SERVICE_NICENESS, ...command];
  const child = spawn('ip', words, { stdio: ['ignore', log, log] });
  child.unref();
  child.on('error', () => undefined);
}

/** A connection lasts for as long as its client wants: what ends it must be the client, or the farm's fault. */
function nginxConfig(node: string, directory: string, files: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
daemon off;
user root;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log ${directory}/nginx-error.log;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
${temporary.map((name) => `  ${name}_temp_path ${directory}/nginx-${name};`).join('\n')}
  server {
    listen 8080 backlog=4096;
    listen [::]:8080 backlog=4096;
    location /whoami { default_type text/plain; return 200 "${node}\\n"; }
    location /big { alias ${files}/big; }
  }
}
`;
}
