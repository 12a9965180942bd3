/**
 * The zoo's UDP service, one on each node: `echo.js --name n1 --log FILE --address 10.77.0.50 --port 53`. Answers each datagram `ID`
 * with `ID NAME`, having appended ID to the log, so that it is known how often each was served.
 *
 * It is bound to the VIP, or its answers would come from the node's own address. A node has the VIP only while its agent runs,
 * so the bind is tried until it works; the socket then outlives the address.
 */
import { createSocket } from 'node:dgram';
import { openSync, writeSync } from 'node:fs';
import { parseArgs } from 'node:util';

const RETRY_MS = 50;

const { values } = parseArgs({
  options: {
    name: { type: 'string', default: '' },
    log: { type: 'string', default: '/dev/null' },
    address: { type: 'string', default: '10.77.0.50' },
    port: { type: 'string', default: '53' },
  },
});
const log = openSync(values.log, 'a');
const socket = createSocket('udp4');
const bind = (): void => void socket.bind(Number(values.port), values.address);

socket.on('message', (message, { address, port }) => {
  writeSync(log, `${message}\n`);
  // Without the VIP or a way to the client there is no answer; the client counts that.
  socket.send(`${message} ${values.name}`, port, address, () => undefined);
});
socket.on('error', (cause: NodeJS.ErrnoException) => {
  if (cause.code === 'EADDRNOTAVAIL') setTimeout(bind, RETRY_MS);
  else throw cause;
});
socket.on('listening', () => process.stdout.write('bound\n'));
bind();
