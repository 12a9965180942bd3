// What a farm costs: HTTP requests on kept connections (wrk against nginx) and one TCP stream (iperf3), to an address that
// the kernel owns on eth0 with no Covey on the host, and to the same address as a VIP of a farm of one.
//
//     lab bench-direct:  client ---- switch ---- n1   10.77.0.50 on eth0, no agent
//     lab bench-covey:   client ---- switch ---- n1   10.77.0.50 as VIP
//
// Rounds alternate between the two, so that whatever else the machine does hits both; medians are compared.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { labDown, labUp } from '../../dist/lab/lab.js';
import { namespaceOf, VIP } from '../../dist/lab/names.js';
import { eventually } from '../../dist/lab/processes.js';
import { nodeReport } from '../../dist/lab/status.js';

const DIRECT = 'bench-direct';
const COVEY = 'bench-covey';
const CONNECTIONS = 32;

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '3' } },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const note = (line) => process.stderr.write(`${line}\n`);

function exec(lab, host, ...command) {
  const words = ['netns', 'exec', namespaceOf(lab, host), ...command];
  return execFileSync('ip', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

async function startServers(lab, directory) {
  const conf = join(directory, `${lab}.conf`);
  writeFileSync(
    conf,
    `daemon off; user root; worker_processes 1; pid ${directory}/${lab}.pid; error_log /dev/null;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 1000000000; client_body_temp_path ${directory}/b; proxy_temp_path ${directory}/p;
  fastcgi_temp_path ${directory}/f; uwsgi_temp_path ${directory}/u; scgi_temp_path ${directory}/s;
  server { listen 8080; location / { return 200 "hello\\n"; } } }`,
  );
  for (const command of [
    ['nginx', '-c', conf, '-e', '/dev/null'],
    ['iperf3', '-s'],
  ]) {
    spawn('ip', ['netns', 'exec', namespaceOf(lab, 'n1'), ...command], { stdio: 'ignore', detached: true }).unref();
  }
  const listening = () => {
    const sockets = exec(lab, 'n1', 'ss', '-Hltn');
    return sockets.includes(':8080') && sockets.includes(':5201');
  };
  if (!(await eventually(listening, 5000))) throw new Error(`nginx and iperf3 do not start in lab ${lab}`);
}

/** Requests per second on kept connections, and the 99th percentile of their times in ms. */
function http(lab) {
  const text = exec(
    lab,
    'client',
    'wrk',
    '--latency',
    '-t1',
    `-c${CONNECTIONS}`,
    `-d${seconds}s`,
    `http://${VIP}:8080/`,
  );
  if (/Socket errors|Non-2xx/.test(text)) throw new Error(`wrk had errors:\n${text}`);
  const [, number, unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(text);
  return {
    rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)[1]),
    p99Ms: Number(number) * { us: 0.001, ms: 1, s: 1000 }[unit],
  };
}

/** Gbit/s of one TCP stream, as received. `reverse`: from the server. */
function stream(lab, reverse) {
  const text = exec(lab, 'client', 'iperf3', '-c', VIP, '-t', `${seconds}`, '-J', ...(reverse ? ['-R'] : []));
  return JSON.parse(text).end.sum_received.bits_per_second / 1e9;
}

const median = (numbers) => {
  const sorted = [...numbers].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

async function measure() {
  const results = { [DIRECT]: [], [COVEY]: [] };
  for (let round = 1; round <= rounds; round++) {
    // The one that goes first changes from round to round.
    for (const lab of round % 2 === 1 ? [DIRECT, COVEY] : [COVEY, DIRECT]) {
      const { rate, p99Ms } = http(lab);
      results[lab].push({ rate, p99Ms, upload: stream(lab, false), download: stream(lab, true) });
      note(
        `round ${round} of ${rounds}: ${lab} ${Math.round(rate)} requests/s, ${results[lab].at(-1).upload.toFixed(2)} Gbit/s`,
      );
    }
  }
  return results;
}

function print(results, report) {
  const line = (name, direct, covey, ratio) =>
    console.log(`${name.padEnd(44)}${direct.padStart(15)}${covey.padStart(15)}${ratio.padStart(8)}`);
  const row = (name, field, digits) => {
    const [direct, covey] = [DIRECT, COVEY].map((lab) => median(results[lab].map((round) => round[field])));
    line(name, direct.toFixed(digits), covey.toFixed(digits), (covey / direct).toFixed(2));
  };
  const commit = execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
  console.log(
    `\nLinux ${release()}, ${cpus().length} x ${cpus()[0].model.trim()}, Node ${process.version}, capture: ${report.software?.engine}`,
  );
  console.log(
    `commit ${commit}; client, switch and node share these cores; ${rounds} rounds of ${seconds} s, alternating; medians\n`,
  );
  line('', 'kernel direct', 'through Covey', 'ratio');
  row(`HTTP keep-alive, ${CONNECTIONS} connections, requests/s`, 'rate', 0);
  row('  99th percentile, ms', 'p99Ms', 2);
  row('one TCP stream to the node, Gbit/s', 'upload', 2);
  row('one TCP stream from the node, Gbit/s', 'download', 2);
  console.log(`\ncommand: npm run bench -- --rounds ${rounds} --seconds ${seconds}`);
}

const directory = mkdtempSync(join(tmpdir(), 'covey-bench-'));
const down = () => Promise.all([labDown(DIRECT), labDown(COVEY)]);
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => down().finally(() => process.exit(1)));
try {
  await down();
  const options = { nodes: 1, client: true, ipv6: false, overrides: [] };
  await labUp({ ...options, lab: DIRECT, agents: false }, note);
  exec(DIRECT, 'n1', 'ip', 'address', 'add', `${VIP}/24`, 'dev', 'eth0');
  await labUp({ ...options, lab: COVEY, agents: true }, note);
  for (const lab of [DIRECT, COVEY]) await startServers(lab, directory);
  const results = await measure();
  print(results, await nodeReport(COVEY, 'n1'));
} finally {
  await down();
  rmSync(directory, { recursive: true });
}
