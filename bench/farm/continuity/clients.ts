/** The clients of traffic.mjs, seen from outside: what they did, in which time, and what failed. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { namespaceOf, PROJECT, VIP, VIP6 } from '../../../src/lab/names.js';

/** One line of traffic.mjs. */
export interface Sample {
  readonly kind: string;
  /** Wall clock, ms. */
  readonly at: number;
  readonly ms: number;
  readonly ok: boolean;
  readonly node?: string | null;
  readonly error?: string;
  /** Requests that it stands for. */
  readonly count: number;
  readonly session?: string;
}

export interface ClientOptions {
  readonly seconds: number;
  readonly sha256: string;
  /** Default: all. */
  readonly kinds?: readonly string[];
  readonly freshPerSecond?: number;
}

export class Clients {
  readonly samples: Sample[] = [];
  /** All have finished. */
  readonly ended: Promise<void>;

  constructor(lab: string, options: ClientOptions) {
    const script = join(PROJECT, 'bench', 'farm', 'continuity', 'traffic.mjs');
    const words = [process.execPath, script, JSON.stringify({ ...options, vips: [VIP, VIP6] })];
    const child = spawn('ip', ['netns', 'exec', namespaceOf(lab, 'client'), ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => this.samples.push(JSON.parse(line) as Sample));
    const read = new Promise<void>((done) => lines.once('close', done));
    this.ended = new Promise<void>((done, failed) => {
      child.once('error', failed);
      child.once('exit', (code) => (code === 0 ? done() : failed(new Error(`the clients ended with ${code}`))));
    }).then(() => read);
  }

  between(fromMs: number, toMs: number): readonly Sample[] {
    return this.samples.filter(({ at }) => at >= fromMs && at < toMs);
  }
}

export interface Tally {
  readonly requests: number;
  readonly failures: readonly Sample[];
  /** The longest that a client waited for an answer. */
  readonly longestMs: number;
}

export function tally(samples: readonly Sample[]): Tally {
  return {
    requests: samples.reduce((sum, { count }) => sum + count, 0),
    failures: samples.filter(({ ok }) => !ok),
    longestMs: samples.reduce((longest, { ms }) => Math.max(longest, ms), 0),
  };
}

/** Part of the fresh connections that each node answered. */
export function freshShares(samples: readonly Sample[]): {
  readonly of: number;
  readonly shares: Record<string, number>;
} {
  const fresh = samples.filter(({ kind, ok }) => kind.startsWith('fresh') && ok);
  const shares: Record<string, number> = {};
  for (const { node } of fresh) shares[node!] = (shares[node!] ?? 0) + 1 / fresh.length;
  return { of: fresh.length, shares };
}

/** The node that each long session was on. */
export function homes(samples: readonly Sample[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { kind, session, node } of samples) {
    if (kind.startsWith('long') && session !== undefined && node) found.set(session, node);
  }
  return found;
}
