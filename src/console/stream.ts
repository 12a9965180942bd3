/** Server-sent events (HTML standard, section 9.2): one page's view of what is live. */
import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Role } from './contract.js';
import { ConsoleError } from './errors.js';
import type { Live, LiveMessage } from './live.js';

/** Whose page it is. */
interface Looker {
  readonly role: Role;
}

const MOST_STREAMS = 64;
/** A page that does not read is cut off rather than buffered for. */
const MOST_BUFFERED_BYTES = 4 << 20;
const CHECK_EVERY_MS = 5000;

/** @param who is asked again and again for its role, and throws once the session is over. */
export function streamLive(live: Live, request: FastifyRequest, reply: FastifyReply, who: () => Looker): void {
  if (live.listeners >= MOST_STREAMS) throw new ConsoleError(503, 'full', `${MOST_STREAMS} pages are open already`);
  const headers = Object.fromEntries(Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]));
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { ...headers, 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  raw.write('retry: 1000\n\n');
  pump(live, raw, who);
  request.raw.once('close', () => raw.destroy());
}

/** What is written to an answer that has ended is an error event, and one that nobody takes ends the process: so nothing is written then. */
function pump(live: Live, raw: ServerResponse, who: () => Looker): void {
  let stopListening: () => void = () => undefined;
  let isOpen = true;
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    clearInterval(timer);
    stopListening();
  };
  let role: Role | null = null;
  const look = () => {
    try {
      const now = who().role;
      if (now !== role) raw.write(`event: role\ndata: ${JSON.stringify({ role: now })}\n\n`);
      role = now;
    } catch {
      close();
      raw.end('event: over\ndata: {}\n\n');
      // One that does not even read this is not waited for.
      setTimeout(() => raw.destroy(), CHECK_EVERY_MS).unref();
    }
  };
  const timer = setInterval(look, CHECK_EVERY_MS);
  raw.once('close', close);
  raw.on('error', close);
  stopListening = live.listen((message) => {
    if (isOpen && message.event === 'frame') look();
    if (!isOpen) return;
    if (raw.writableLength <= MOST_BUFFERED_BYTES) return void raw.write(textOf(message));
    close();
    raw.destroy();
  });
  // The first messages came before there was anything to stop.
  if (!isOpen) stopListening();
}

const textOf = ({ event, data }: LiveMessage) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
