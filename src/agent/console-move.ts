/** What another config does to the consoles that this one has started, and to whoever looks at them or has a link to one. Pure. */
import type { Config } from '../config/contract.js';

type Console = Config['console'];

/** One sentence each; none where no page and no link is lost. A console that was started by hand follows no config. */
export function consoleMove(running: Console, next: Console): readonly string[] {
  if (running === null) return [];
  const lost = `every page at ${running.listen} goes dark, this one too if you read it there, and so does every link and script that asks there`;
  if (next === null) {
    return [`console: is gone, so no node runs one: ${lost}; one by hand: covey console --listen ${running.listen}`];
  }
  if (next.listen !== running.listen) {
    return [`the consoles move to ${next.listen}: ${lost}; they are then at ${placeText(next.listen)}`];
  }
  const unknown = running.hosts.filter((host) => !next.hosts.includes(host));
  if (unknown.length === 0) return [];
  return [`the consoles are known as ${unknown.join(', ')} no more: links and scripts that use that name are refused`];
}

function placeText(listen: string): string {
  const host = listen.slice(0, listen.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  const port = listen.slice(listen.lastIndexOf(':') + 1);
  if (host === '0.0.0.0' || host === '::') return `https://NODE:${port}/, NODE an address or name of any node`;
  const isLoopback = host === 'localhost' || host === '::1' || host.startsWith('127.');
  return isLoopback ? `https://${listen}/, on each node for its own host only` : `https://${listen}/`;
}
