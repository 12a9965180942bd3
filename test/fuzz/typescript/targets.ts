/** What is fuzzed in TypeScript. A target may end in no other way than by returning; `Broken` says which promise it broke. */

import fc from 'fast-check';
import { parseConfig } from '../../../src/config/load.js';
import { chaChaAead, FarmKeyring, keyIdOf } from '../../../src/platform/crypto.js';
import { DecodeError } from '../../../src/wire/errors.js';
import { encodeHeartbeat } from '../../../src/wire/heartbeat.js';
import { decodeLinkMessage, encodeLinkMessage } from '../../../src/wire/link-message.js';
import { splitIntoParts } from '../../../src/wire/parts.js';
import { DATAGRAM, sealDatagram } from '../../../src/wire/seal.js';
import { Transport } from '../../../src/wire/transport.js';
import { EXAMPLE, MINIMAL } from '../../unit/config/examples.js';
import * as arbitrary from '../../unit/wire/arbitraries.js';

export interface Target {
  /** What to begin with where no corpus is saved. */
  seeds(): Uint8Array[];
  readonly words: readonly string[];
  readonly mostBytes: number;
  run(input: Uint8Array): void;
}

class Broken extends Error {
  override readonly name = 'Broken';
}

function require(holds: boolean, what: string): void {
  if (!holds) throw new Broken(what);
}

const KEY = Uint8Array.from({ length: 32 }, (_, i) => i);
const FARM = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const keyring = new FarmKeyring([KEY], keyIdOf(KEY));
const TYPES = Object.values(DATAGRAM);

function transportOf(name: string, incarnation: number): Transport {
  return new Transport({ aead: chaChaAead, keyring, farmId: FARM, name, incarnation });
}

/**
 * Datagrams. The first byte chooses: bytes as they come from the wire, or plain text that is sealed first with the farm's key, so that
 * the fuzzer gets behind the cipher. Several datagrams in one input make a conversation: parts, copies, replays.
 */
const seal: Target = {
  words: ['n1', 'n2', '\0\0', '\u0001'],
  mostBytes: 2048,
  seeds() {
    const heartbeats = fc.sample(arbitrary.heartbeat, { seed: 1, numRuns: 12 });
    const sealed = heartbeats.flatMap((heartbeat) =>
      transportOf('n1', 1000).sealHeartbeat({ ...heartbeat, from: 'n1', incarnation: 1000, plans: [], view: [] }),
    );
    const encoded = heartbeats.map((heartbeat) =>
      encodeHeartbeat({ ...heartbeat, from: 'n1', incarnation: 1000, plans: [] }),
    );
    const parts = encoded.flatMap((bytes, i) => splitIntoParts(i, bytes, 300));
    return [...sealed.map((datagram) => framed(0, datagram)), ...parts.map((part) => framed(3, part))];
  },
  run(input) {
    const receiver = transportOf('n2', 2000);
    let counter = 0;
    for (let at = 0; at < input.length && counter < 32; counter++) {
      const mode = input[at]!;
      const length = ((input[at + 1] ?? 0) << 8) | (input[at + 2] ?? 0);
      const bytes = input.subarray(at + 3, at + 3 + length);
      at += 3 + bytes.length;
      const opened = receiver.open(mode === 0 ? bytes : sealedBy(mode, counter, bytes), 'x', counter * 10);
      if (opened !== null && mode === 0) expectUnforgeable(bytes, at);
    }
  },
};

/** I7: no byte of a datagram that was taken may be another one. */
function expectUnforgeable(datagram: Uint8Array, place: number): void {
  const forged = datagram.slice();
  forged[place % forged.length]! ^= 1;
  require(transportOf('n2', 2000).open(forged, 'x', 0) === null, 'I7: a forged datagram is refused');
}

const framed = (mode: number, bytes: Uint8Array) =>
  Uint8Array.of(mode, bytes.length >> 8, bytes.length & 0xff, ...bytes);

function sealedBy(mode: number, counter: number, plain: Uint8Array): Uint8Array {
  const header = {
    type: TYPES[mode % TYPES.length]!,
    farmId: FARM,
    keyId: keyring.activeId,
    sender: (mode & 16) === 0 ? 'n1' : 'n3',
    incarnation: 1000 + (mode >> 6),
    counter,
  };
  return sealDatagram(chaChaAead, keyring.senderKey(keyring.activeId, header.sender)!, header, plain);
}

/** A message of the peer link: refused as malformed, or read; what was read says the same when written and read again. */
const linkMessage: Target = {
  words: ['n1', 'checkers', '\0', '\u0001\u0001'],
  mostBytes: 2048,
  seeds: () => fc.sample(arbitrary.linkMessage, { seed: 1, numRuns: 60 }).map(encodeLinkMessage),
  run(input) {
    let message: ReturnType<typeof decodeLinkMessage>;
    try {
      message = decodeLinkMessage(input);
    } catch (error) {
      if (error instanceof DecodeError) return;
      throw error;
    }
    const again = decodeLinkMessage(encodeLinkMessage(message));
    require(JSON.stringify(again) === JSON.stringify(message), 'a message survives being written and read');
  },
};

/** I10: any text is a config, or is answered by faults that point into it. */
const config: Target = {
  words: [
    'rules:',
    '  - { name: a, protocol: tcp, ports: [80] }\n',
    'order: [n1]',
    'weights: { n1: 2 }',
    'mode: failover',
    'null',
    '&a',
    '*a',
    '<<: ',
    '|\n',
    '"',
    "'",
    '!!',
    '- - ',
    '{',
    '}',
    '[',
    ']',
    ': ',
    '# ',
    '\n',
    '\t',
    '1e9',
    '-1',
    '5s',
    'fd77::50/64',
    'checkers:',
    'services:',
    'table: { keys: 1024 }',
    'heartbeat: { interval: 10ms }',
    '__proto__',
    'constructor',
  ],
  mostBytes: 4096,
  seeds: () => [EXAMPLE, MINIMAL].map((text) => Buffer.from(text)),
  run(input) {
    const text = Buffer.from(input).toString('utf8');
    const result = parseConfig(text);
    if (result.ok) return;
    const lines = text.split('\n').length;
    require(result.faults.length > 0, 'a refusal says why');
    for (const { line, column, message } of result.faults) {
      require(line >= 1 && line <= lines && column >= 1, 'a fault points into the file');
      require(message.length > 0 && !/undefined|\[object/.test(message), 'a fault is said in words');
    }
  },
};

export const TARGETS: Readonly<Record<string, Target>> = { seal, 'link-message': linkMessage, config };
