/**
 * A door from this host into a lab: a process inside the lab's namespace that serves a socket which was opened outside of it.
 * `door.js HOST PORT`, started by {@link openDoor} of consoles.ts, which hands it the listening socket.
 *
 *     browser -> 127.0.0.1 of this host  =(the socket)=>  door, in the client's namespace -> HOST:PORT
 */
import { connect, type Server, type Socket } from 'node:net';

const [host, port] = process.argv.slice(2);

function pass(outside: Socket): void {
  const inside = connect(Number(port), host);
  for (const [from, to] of [
    [outside, inside],
    [inside, outside],
  ] as const) {
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
    from.pipe(to);
  }
}

process.once('message', (_word, server) => {
  (server as Server).on('connection', pass);
  process.send!('open');
});
