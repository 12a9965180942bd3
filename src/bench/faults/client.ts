/**
 * The client of the fault scenario: `client.js --vip 10.77.0.50 --port 9001 --seconds 4`. Sends datagrams from many ports at a steady rate, each
 * with a number, and prints as one line of JSON which were not answered ({@link Heard}). New ports each time: to a farm these are new
 * clients, which go by the shares of now.
 */
import { createSocket } from 'node:dgram';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { monotonicMs } from './gap.js';

const PORTS = 120;
const PER_SECOND = 1000;
const LOOK_MS = 1;
/** After the last one, for answers that are on their way. */
const PATIENCE_MS = 500;

const { values } = parseArgs({
  options: {
    vip: { type: 'string', default: '' },
    port: { type: 'string', default: '' },
    seconds: { type: 'string', default: '1' },
  },
});
const sentAtMs: number[] = [];
const answered = new Set<number>();
const sockets = Array.from({ length: PORTS }, () => createSocket('udp4'));
for (const socket of sockets) {
  socket.on('message', (message) => answered.add(message.readUInt32BE(0)));
  // A host that is gone answers by ICMP sometimes: that is no answer.
  socket.on('error', () => undefined);
}
await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => void socket.bind(0, resolve))));

function send(): void {
  const number = Buffer.alloc(16);
  number.writeUInt32BE(sentAtMs.length);
  const socket = sockets[sentAtMs.length % PORTS]!;
  sentAtMs.push(monotonicMs());
  socket.send(number, Number(values.port), values.vip, () => undefined);
}

const begunMs = monotonicMs();
for (let elapsedMs = 0; elapsedMs < Number(values.seconds) * 1000; elapsedMs = monotonicMs() - begunMs) {
  for (const due = (elapsedMs / 1000) * PER_SECOND; sentAtMs.length < due; ) send();
  await delay(LOOK_MS);
}
await delay(PATIENCE_MS);
for (const socket of sockets) socket.close();
const lostAtMs = sentAtMs.filter((_, number) => !answered.has(number));
// Not by itself: what is left of a socket would keep the process.
process.stdout.write(`${JSON.stringify({ sent: sentAtMs.length, lostAtMs })}\n`, () => process.exit());
