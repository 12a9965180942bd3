// The client of failover.mjs: asks the VIP without pause and remembers what was not answered.
//   datagrams  from many source ports, so that each node's buckets are hit every few ms
//   streams    TCP connections with a request every 100 ms; each belongs to the node that answers it
// Standard input: `begin`, and `end VICTIM`. `end` prints one line of JSON; times are ms on CLOCK_MONOTONIC.
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const { vip, ports, perSecond, streams } = JSON.parse(process.argv[2]);
const REQUEST_EVERY_MS = 100;
const GIVEN_UP_AFTER_MS = 3000;
const nowMs = () => Number(process.hrtime.bigint()) / 1e6;

const unanswered = new Map();
const answered = { count: 0 };
let number = 0;
let sockets = [];

// New source ports: keys that a farm knows stay where they are (keeps), so after some events old ones would all be on one node.
async function openSockets() {
  for (const socket of sockets) socket.close();
  sockets = Array.from({ length: ports }, () => createSocket('udp4'));
  for (const socket of sockets) {
    socket.on('message', (message) => {
      if (unanswered.delete(Number(`${message}`.split(' ')[0]))) answered.count += 1;
    });
  }
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.bind(0, resolve))));
}
await openSockets();

function sendDatagram() {
  unanswered.set(number, nowMs());
  sockets[number % ports].send(`${number}`, 53, vip, () => undefined);
  number += 1;
}

// Streams that broke or stood still, with the node that they belonged to.
const troubles = [];
let slowestMs = new Map();
let beganMs = 0;

function openStream() {
  const socket = connect(80, vip);
  let node = null;
  let askedMs = null;
  let timer = null;
  const ask = () => {
    askedMs = nowMs();
    socket.write(`GET / HTTP/1.1\r\nhost: ${vip}\r\n\r\n`);
  };
  const over = (why) => {
    if (timer === null) return;
    clearInterval(timer);
    timer = null;
    troubles.push({ node, why, atMs: nowMs(), askedMs: askedMs ?? nowMs() });
    socket.destroy();
    setTimeout(openStream, REQUEST_EVERY_MS);
  };
  socket.setNoDelay(true);
  socket.on('data', (bytes) => {
    node = /\r\n\r\n(?:[0-9a-f]+\r\n)?(\S+)/.exec(bytes.toString())?.[1] ?? node;
    if (askedMs !== null) slowestMs.set(node, Math.max(slowestMs.get(node) ?? 0, nowMs() - askedMs));
    askedMs = null;
  });
  timer = setInterval(() => {
    if (askedMs === null && !socket.connecting) ask();
    else if (askedMs !== null && nowMs() - askedMs > GIVEN_UP_AFTER_MS) over('no answer');
  }, REQUEST_EVERY_MS);
  socket.on('error', (cause) => over(cause.code));
  socket.on('close', () => over('closed'));
}

for (let i = 0; i < streams; i++) openStream();
const begunMs = nowMs();
let sent = 0;
setInterval(() => {
  for (const due = ((nowMs() - begunMs) / 1000) * perSecond; sent < due; sent++) sendDatagram();
}, 2);

createInterface({ input: process.stdin }).on('line', async (line) => {
  const [order, victim] = line.split(' ');
  if (order === 'begin') {
    await openSockets();
    unanswered.clear();
    answered.count = 0;
    troubles.length = 0;
    slowestMs = new Map();
    beganMs = nowMs();
    process.stdout.write('begun\n');
    return;
  }
  const others = [...slowestMs].filter(([node]) => node !== victim).map(([, ms]) => ms);
  // One that has had no answer since before belonged to the victim of the event before.
  const harmed = troubles.filter((it) => it.node !== victim && it.node !== null && it.askedMs >= beganMs);
  const lost = [...unanswered.values()].filter((sentMs) => sentMs < nowMs() - 200);
  const report = { lost, answered: answered.count, harmed, slowestOtherMs: Math.max(0, ...others) };
  process.stdout.write(`${JSON.stringify(report)}\n`);
});
