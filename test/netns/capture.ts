/** What crosses the lab's switch, port by port. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addressOf, portOf } from '../../src/lab/names.js';
import { run } from '../../src/platform/run.js';
import { type Background, type Farm, until } from './farm.js';

/** A frame as it came from a host into the switch. */
export interface SeenFrame {
  /** The host on whose port it came in. */
  readonly host: string;
  /** Seconds since 1970. */
  readonly at: number;
  readonly source: string;
  readonly destination: string;
  /** tcpdump's line of it. */
  readonly text: string;
}

const MARKER = 'c07efeedc07efeed';

export interface Capture {
  /** Ends the capture and gives all frames. */
  frames(): Promise<readonly SeenFrame[]>;
}

/** Captures at every port at once, only frames that come in there (`-Q in`): so every frame once, at its origin. */
export async function captureAllPorts(farm: Farm, hosts: readonly string[], filter = ''): Promise<Capture> {
  const directory = mkdtempSync(join(tmpdir(), 'covey-capture-'));
  const file = (host: string): string => join(directory, `${host}.pcap`);
  const dumps: Background[] = [];
  for (const host of hosts) {
    const words = [
      'tcpdump',
      '-i',
      portOf(host),
      '-Q',
      'in',
      '-U',
      '--immediate-mode',
      '-s',
      '160',
      '-B',
      '8192',
      '-Z',
      'root',
      '-w',
      file(host),
      filter,
    ];
    const dump = farm.background('switch', words);
    await until(`tcpdump on the port of ${host}`, () => /listening on/.test(dump.stderr()));
    dumps.push(dump);
  }
  const frames = async (): Promise<readonly SeenFrame[]> => {
    // What a host sends last is a marker; once it is in the file, so is all that was sent before.
    for (const host of hosts) {
      const target = addressOf(host === 'client' ? 'n1' : 'client');
      await farm.exec(host, ['ping', '-c', '1', '-W', '2', '-p', MARKER, target]);
      await until(`the last frame of ${host}`, () => readFileSync(file(host)).includes(Buffer.from(MARKER, 'hex')));
    }
    for (const dump of dumps) dump.stop('SIGINT');
    await Promise.all(dumps.map((dump) => dump.ended));
    const all = await Promise.all(hosts.map(async (host) => readFrames(host, file(host))));
    rmSync(directory, { recursive: true });
    return all.flat();
  };
  return { frames };
}

async function readFrames(host: string, file: string): Promise<readonly SeenFrame[]> {
  const { stdout } = await run('tcpdump', ['-r', file, '-e', '-nn', '-tt']);
  return stdout.split('\n').flatMap((text) => {
    const match = /^(\d+\.\d+) ([0-9a-f:]{17}) > ([0-9a-f:]{17}|Broadcast),/.exec(text);
    return match === null
      ? []
      : [
          {
            host,
            at: Number(match[1]),
            source: match[2]!,
            destination: match[3]!,
            text: text.slice(match[1]!.length + 1),
          },
        ];
  });
}
