import type { PortRange } from './contract.js';
import { Problem, shown } from './problem.js';

export const HIGHEST_PORT = 65535;

const WHAT = `a port from 1 to ${HIGHEST_PORT} or a range such as "8000-8100"`;

/** `80`, `"80"` or `"8000-8100"`; both ends are included. */
export function parsePorts(value: number | string): PortRange | Problem {
  const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(String(value));
  if (!match) return new Problem(`${shown(value)} is not ${WHAT}`);
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  if (first < 1 || first > HIGHEST_PORT || last < 1 || last > HIGHEST_PORT) {
    return new Problem(`${shown(value)} is not ${WHAT}`);
  }
  return first <= last ? { first, last } : new Problem(`${shown(value)} runs backwards: write "${last}-${first}"`);
}

/** `127.0.0.1:9443`, `[::1]:9443` or `localhost:9443`. */
export function parseHostAndPort(text: string): string | Problem {
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match && port >= 1 && port <= HIGHEST_PORT) return text;
  return new Problem(`${shown(text)} is not an address with port: write e.g. 127.0.0.1:9443 or "[::1]:9443"`);
}
