/**
 * The lab's service: a small HTTP server that answers with its node's name. Run on each node by `lab up`:
 * `service.js --name n1 --log FILE [--port 80]...`.
 *
 *   GET /        the name and a newline
 *   GET /id/X    the same; before it, "X PEER:PORT" is appended to the log, so that a test can count where each X went
 */
import { openSync, writeSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { parseArgs } from 'node:util';

export function answer(name: string, log: number, request: IncomingMessage, response: ServerResponse): void {
  const id = /^\/id\/([\w.-]{1,200})$/.exec(request.url ?? '')?.[1];
  // Written at once, and unbuffered, so that the line survives a kill -9 of this process.
  if (id !== undefined) writeSync(log, `${id} ${request.socket.remoteAddress}:${request.socket.remotePort}\n`);
  const found = id !== undefined || request.url === '/';
  response.writeHead(found ? 200 : 404, { 'content-type': 'text/plain' });
  response.end(found ? `${name}\n` : 'not found\n');
}

const { values } = parseArgs({
  options: {
    name: { type: 'string', default: '' },
    port: { type: 'string', multiple: true, default: ['80'] },
    log: { type: 'string', default: '/dev/null' },
  },
});
const descriptor = openSync(values.log, 'a');
const handle = (request: IncomingMessage, response: ServerResponse): void =>
  answer(values.name, descriptor, request, response);
await Promise.all(
  values.port.map((port) => new Promise<void>((resolve) => createServer(handle).listen(Number(port), () => resolve()))),
);
// `lab up` waits for this line.
process.stdout.write('listening\n');
