/**
 * A rig around the native data plane, in a network namespace that nothing else uses:
 *
 *   plane0 (captured by the data plane) ======veth====== wire0 (this process sends its frames there, by the package `cap`)
 *   tun0   (the data plane's TUN: up, without address, so the stack drops what is injected)
 */
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { COUNTER_NAMES, type CounterName, counterWords } from '../../src/dataplane/counters.js';
import { NativeDataPlane, nativeCounterNames, nativeRuleOutcomes } from '../../src/dataplane/native.js';
import { type Rig, type RigFactory, type RigOptions, RULE_SLOTS, ruleCountsOf } from './rig.js';

interface Sender {
  open(device: string, filter: string, bufferBytes: number, buffer: Buffer): string;
  send(frame: Buffer): void;
}

/** One of these grows for each frame that is handled. */
const OUTCOMES = COUNTER_NAMES.filter(
  (name) =>
    /^(rejected|malformed)/.test(name) ||
    ['accepted', 'held', 'fragmentsHeld', 'heldOverflow', 'relayed', 'arpAnswered', 'ndAnswered'].includes(name) ||
    ['tooManyExtensionHeaders', 'truncatedCapture', 'badChecksum', 'tableFull'].includes(name),
);
const CONTROL_OUTCOMES: readonly CounterName[] = ['controlReceived', 'controlOverflow', 'controlMalformed'];
const CONTROL_TYPE = 0x88b5;

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

let sender: Sender | undefined;

/**
 * Makes the wire of the namespace that this process lives in. Without IPv6, so that the kernel itself says nothing on it. The
 * sender stays open to the end of the process: `cap` is not made for being opened again and again.
 */
export function makeWire(): void {
  execFileSync('sysctl', ['-qw', 'net.ipv6.conf.default.disable_ipv6=1', 'net.ipv6.conf.all.disable_ipv6=1']);
  // The MAC that the named packets call our own.
  ip('link', 'add', 'plane0', 'address', '02:00:00:00:00:01', 'type', 'veth', 'peer', 'name', 'wire0');
  for (const name of ['plane0', 'wire0']) ip('link', 'set', name, 'up');
  sender = openSender();
}

export function nativeRigs(engine: 'pcap' | 'ring'): RigFactory {
  return {
    counterNames: nativeCounterNames(),
    ruleOutcomes: nativeRuleOutcomes(),
    open: (options) => Promise.resolve(openRig(engine, options)),
  };
}

function openRig(engine: 'pcap' | 'ring', options: RigOptions): Rig {
  const words = new BigUint64Array(new SharedArrayBuffer(counterWords(RULE_SLOTS) * 8));
  const plane = NativeDataPlane.open({
    ...options,
    interface: 'plane0',
    tun: 'tun0',
    engine,
    ringBytes: 8 << 20,
    gatherMs: 0,
    counters: words,
  });
  ip('link', 'set', 'tun0', 'up');
  const counters = () =>
    Object.fromEntries(COUNTER_NAMES.map((name, i) => [name, Number(words[i])])) as Record<CounterName, number>;

  async function deliver(frame: Uint8Array): Promise<void> {
    const isControl = ((frame[12]! << 8) | frame[13]!) === CONTROL_TYPE;
    const names = isControl ? CONTROL_OUTCOMES : OUTCOMES;
    const total = () => names.reduce((sum, name) => sum + counters()[name], 0);
    const before = total();
    sender?.send(Buffer.from(isControl ? withLength(frame) : frame));
    for (const startMs = plane.nowMs(); total() === before; await sleep(0)) {
      if (plane.nowMs() - startMs > 2000) throw new Error(`not handled: ${Buffer.from(frame).toString('hex')}`);
    }
    // The verdict is counted before the packet is injected; a command runs after both.
    plane.classify(new Uint8Array(0));
  }

  async function close(): Promise<void> {
    plane.close();
  }

  const advance = async (ms: number) => {
    for (const untilMs = plane.nowMs() + ms; plane.nowMs() < untilMs; ) await sleep(Math.ceil(untilMs - plane.nowMs()));
  };
  const ruleCounts = () => ruleCountsOf(words);
  return { plane, deliver, counters, ruleCounts, injected: () => null, transmitted: () => null, advance, close };
}

function openSender(): Sender {
  const { Cap } = createRequire(import.meta.url)('cap') as { Cap: new () => Sender };
  const opened = new Cap();
  // `cap` keeps a bare pointer to this buffer, so it has to live as long.
  const buffer = Buffer.alloc(65536);
  Object.assign(opened, { buffer });
  opened.open('wire0', 'less 0', 65536, buffer);
  return opened;
}

/** The suite's control frames are bare; on a real wire the length of the payload goes before it. */
function withLength(frame: Uint8Array): Uint8Array {
  const length = frame.length - 14;
  return Uint8Array.of(...frame.subarray(0, 14), length >> 8, length & 0xff, ...frame.subarray(14));
}
