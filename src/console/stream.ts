/** Server-sent events (HTML standard, section 9.2): one page's view of what is live. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ConsoleError } from './errors.js';
import type { Live, LiveMessage } from './live.js';

const MOST_STREAMS = 64;
/** A page that does not read is cut off rather than buffered for. */
const MOST_BUFFERED_BYTES = 4 << 20;
const CHECK_EVERY_MS = 5000;

/** @param who throws once the session is over. */
export function streamLive(live: Live, request: FastifyRequest, reply: FastifyReply, who: () => unknown): void {
  if (live.listeners >= MOST_STREAMS) throw new ConsoleError(503, 'full', `${MOST_STREAMS} pages are open already`);
  const headers = Object.fromEntries(Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]));
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { ...headers, 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  raw.write('retry: 1000\n\n');
  const send = (message: LiveMessage) => {
    if (raw.writableLength > MOST_BUFFERED_BYTES) raw.destroy();
    else raw.write(textOf(message));
  };
  const stop = live.listen(send);
  const timer = setInterval(() => {
    try {
      who();
    } catch {
      raw.end('event: over\ndata: {}\n\n');
    }
  }, CHECK_EVERY_MS);
  request.raw.once('close', () => {
    stop();
    clearInterval(timer);
  });
}

const textOf = ({ event, data }: LiveMessage) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
