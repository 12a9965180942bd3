/**
 * How long a key lives, in two readings: random conversations with time passing, played to the TypeScript twin and to the C++ filter
 * (test/native/replay). Every verdict must agree, and at any time the keys that a grant would name.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { fullBitmap } from '../../src/buckets/bitmap.js';
import { KEEP_BYTES, KEY_BYTES } from '../../src/buckets/contract.js';
import type { RuleEntry, Shape } from '../../src/dataplane/contract.js';
import { MemoryDataPlane } from '../../src/dataplane/memory.js';
import { client4, client6, echo, ethernetOf, FLAGS, tcp, tcpPacket, udp, uint16, VIP4, VIP6 } from './frames.js';
import { SEED, VMAC } from './rig.js';

const NATIVE = fileURLToPath(new URL('../native', import.meta.url));
const CONVERSATIONS = 2000;

const entry = (rule: number, protocol: 'tcp' | 'udp', port: number, rest: Partial<RuleEntry>): RuleEntry => ({
  rule,
  protocol,
  firstPort: port,
  lastPort: port,
  affinity: 'connection',
  plan: 0,
  deny: false,
  holdMs: 0,
  ...rest,
});

/** That of test/native/farm.h. */
const SHAPE: Shape = {
  vips: [
    { address: VIP4, prefixLength: 24 },
    { address: VIP6, prefixLength: 64 },
  ],
  rules: [
    entry(0, 'tcp', 80, {}),
    entry(0, 'tcp', 443, {}),
    entry(1, 'tcp', 8000, { lastPort: 8100, affinity: 'client', plan: 1 }),
    entry(2, 'tcp', 9000, { affinity: 'client', plan: 1, holdMs: 300_000 }),
    entry(3, 'udp', 53, {}),
    entry(4, 'udp', 5000, { affinity: 'network', plan: 2 }),
  ],
  hashSeed: SEED,
  vmac: VMAC,
  vlan: null,
};

type Step = { readonly frame: Uint8Array } | { readonly waitMs: number } | 'alive';

class Dice {
  #state: number;
  constructor(seed: number) {
    this.#state = (seed * 2654435761) >>> 0 || 1;
  }
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }
  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }
}

/** Times at which something may end: just before, at, and just after the linger and the lives of embryos, UDP, holds and TCP. */
const LIVES_MS = [1000, 10_000, 60_000, 300_000, 7_500_000];

function conversation(seed: number): Step[] {
  const dice = new Dice(seed);
  const clients = [client4(100), client4(101), client6(100)].slice(0, 1 + dice.below(3));
  const steps: Step[] = [];
  for (let length = 5 + dice.below(40); length > 0; length--) {
    const kind = dice.below(10);
    if (kind < 7) steps.push({ frame: packet(dice, dice.of(clients)) });
    else if (kind < 9) steps.push({ waitMs: dice.below(2) === 0 ? dice.below(2000) : wait(dice) });
    else steps.push('alive');
  }
  return [...steps, 'alive', { waitMs: wait(dice) }, 'alive'];
}

const wait = (dice: Dice) => Math.max(0, dice.of(LIVES_MS) + dice.below(3) - 1);

function packet(dice: Dice, client: Uint8Array): Uint8Array {
  const flags = dice.of([
    FLAGS.syn,
    FLAGS.syn,
    FLAGS.ack,
    FLAGS.ack,
    FLAGS.ack,
    FLAGS.fin | FLAGS.ack,
    FLAGS.rst,
    FLAGS.rst | FLAGS.ack,
    FLAGS.syn | FLAGS.fin,
    FLAGS.syn | FLAGS.ack,
    0,
  ]);
  const port = 40_000 + dice.below(3);
  const data = dice.below(2) === 0 ? '' : 'data';
  switch (dice.below(8)) {
    case 0:
      return udp(client, port, dice.of([53, 5000]), data);
    case 1:
      return echo(client);
    case 2:
      return fragment(client, port, flags, dice.below(3));
    default:
      return tcp(client, port, dice.of([80, 443, 8000, 8000, 8001, 9000]), flags, data);
  }
}

/** The first part of a segment, or a later one: of 44 bytes of payload, so that IPv4 can be cut after 24. */
function fragment(client: Uint8Array, port: number, flags: number, id: number): Uint8Array {
  const whole = tcpPacket(client.length === 4 ? client : client4(102), port, 80, flags, 'x'.repeat(40));
  const isFirst = id === 0;
  const payload = isFirst ? whole.subarray(20, 44) : whole.subarray(44);
  const packet = new Uint8Array(20 + payload.length);
  packet.set(whole.subarray(0, 20));
  packet.set(payload, 20);
  packet.set(uint16(packet.length), 2);
  packet.set(uint16(7), 4);
  packet.set(uint16(isFirst ? 0x2000 : 3), 6);
  packet.set([0, 0], 10);
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += (packet[i]! << 8) | packet[i + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  packet.set(uint16(0xffff - sum), 10);
  return ethernetOf(packet);
}

const START_MS = 1_000_000;

function playToTwin(steps: readonly Step[]): string[] {
  const clock = { nowMs: START_MS };
  const plane = new MemoryDataPlane({ now: () => clock.nowMs, maxKeys: 65_536 });
  plane.setShape(SHAPE);
  plane.renewLease(Number.MAX_SAFE_INTEGER);
  plane.apply([0, 1, 2].map((plan) => ({ op: 'own', plan, buckets: fullBitmap() }) as const));
  return steps.map((step) => {
    if (step === 'alive') return living(plane);
    if ('frame' in step) return plane.receive(step.frame).reason;
    clock.nowMs += step.waitMs;
    return 'ok';
  });
}

function living(plane: MemoryDataPlane): string {
  const keys = [0, 1, 2].flatMap((plan) => {
    const buckets = fullBitmap();
    const [offered] = plane.apply([
      { op: 'offer', plan, buckets, serial: 1 },
      { op: 'withdraw', plan, buckets },
    ]);
    return offered!.groups.flatMap(({ keeps }) =>
      Array.from({ length: keeps.length / KEEP_BYTES }, (_, i) =>
        Buffer.from(keeps.subarray(i * KEEP_BYTES, i * KEEP_BYTES + KEY_BYTES)).toString('hex'),
      ),
    );
  });
  return keys.sort().join(' ');
}

function scriptOf(steps: readonly Step[]): string {
  const line = (step: Step) => {
    if (step === 'alive') return 'alive';
    return 'frame' in step ? `frame ${Buffer.from(step.frame).toString('hex')}` : `wait ${step.waitMs}`;
  };
  return `${steps.map(line).join('\n')}\n`;
}

/** The answers to each conversation, all played by one process. */
function playToNative(conversations: readonly (readonly Step[])[]): string[][] {
  const input = conversations.map((steps) => `new\n${scriptOf(steps)}`).join('');
  const options = { input, encoding: 'utf8', maxBuffer: 1 << 30 } as const;
  const { stdout, status, stderr } = spawnSync(`${NATIVE}/out/replay/replay`, options);
  expect(status, stderr).toBe(0);
  const answers = stdout.split('\n');
  let at = 0;
  return conversations.map((steps) => {
    at += steps.length + 1;
    return answers.slice(at - steps.length, at);
  });
}

/** The first answer in which the two differ; null: they agree. */
function firstDifference(
  steps: readonly Step[],
  [native] = playToNative([steps]),
): { at: number; twin: string; native: string } | null {
  const twin = playToTwin(steps);
  const at = twin.findIndex((answer, i) => answer !== native![i]);
  return at < 0 ? null : { at, twin: twin[at]!, native: native![at] ?? '' };
}

/** What is left of a conversation when every step goes without which the two still differ. */
function shrunk(steps: readonly Step[]): readonly Step[] {
  let left = steps.slice(0, firstDifference(steps)!.at + 1);
  for (let at = left.length - 1; at >= 0; at--) {
    const fewer = left.toSpliced(at, 1);
    if (firstDifference(fewer) !== null) left = fewer;
  }
  return left;
}

/** Where the two differ, step by step. */
function told(seed: number): string {
  const least = shrunk(conversation(seed));
  const { twin, native } = firstDifference(least)!;
  return `conversation ${seed}:\n${scriptOf(least)}  TypeScript: ${twin}\n  C++:        ${native}`;
}

describe('the lives of keys', () => {
  beforeAll(() => {
    execFileSync('make', ['--no-print-directory', '-C', NATIVE, 'replay'], { stdio: 'pipe' });
  }, 300_000);

  test(`agree in ${CONVERSATIONS} random conversations`, () => {
    const conversations = Array.from({ length: CONVERSATIONS }, (_, seed) => conversation(seed));
    const answers = playToNative(conversations);
    const different = conversations.flatMap((steps, seed) =>
      firstDifference(steps, [answers[seed]!]) === null ? [] : [seed],
    );
    expect(different.slice(0, 3).map(told).join('\n\n')).toBe('');
  }, 120_000);
});
