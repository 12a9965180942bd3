// Makes a farm know many clients: node handover-keys.mjs INTERFACE KEYS VMAC. Sends two UDP datagrams for each of KEYS sources to port 53 of
// 10.77.0.50, as Ethernet frames. The sources (198.18.0.0/15, for benchmarks by RFC 2544) have no route back, so nobody answers.
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';

const { Cap } = createRequire(import.meta.url)('cap');
const [interfaceName, keys, vmac] = process.argv.slice(2);
const PORTS = 250;
const BURST = 400;

const frame = Buffer.alloc(60);
frame.set(vmac.split(':').map((byte) => Number.parseInt(byte, 16)));
frame.set([2, 0, 0, 0, 0, 0x0c, 0x08, 0x00], 6);
frame.set([0x45, 0, 0, 32, 0, 7, 0, 0, 64, 17, 0, 0, 198, 18, 0, 0, 10, 77, 0, 50], 14);
frame.set([0, 0, 0, 53, 0, 12, 0, 0], 34);

function fill(key) {
  const host = Math.floor(key / PORTS);
  frame.writeUInt32BE(0xc6120000 + host + 1, 26);
  frame.writeUInt16BE(1024 + (key % PORTS) * 2, 34);
  frame.writeUInt16BE(0, 24);
  let sum = 0;
  for (let at = 14; at < 34; at += 2) sum += frame.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  frame.writeUInt16BE(0xffff - sum, 24);
}

const wire = new Cap();
// `cap` keeps a bare pointer to this buffer.
const buffer = Buffer.alloc(65536);
wire.open(interfaceName, 'less 0', 65536, buffer);
for (let key = 0; key < Number(keys); key++) {
  fill(key);
  wire.send(frame);
  wire.send(frame);
  if (key % BURST === BURST - 1) await delay(5);
}
process.stdout.write(`sent ${buffer.length > 0 ? keys : 0}\n`);
process.exit(0);
