/** A rig around the in-memory data plane: frames are handed over at once, and time is a number. */
import { COUNTER_NAMES, counterWords, RULE_OUTCOMES } from '../../src/dataplane/counters.js';
import { MemoryDataPlane } from '../../src/dataplane/memory.js';
import { readCounters } from '../../src/dataplane/memory-counters.js';
import { type RigFactory, RULE_SLOTS, ruleCountsOf } from './rig.js';

export const memoryRigs: RigFactory = {
  counterNames: COUNTER_NAMES,
  ruleOutcomes: RULE_OUTCOMES,
  isReference: true,
  open: async (options) => {
    let nowMs = 1000;
    let injected: Uint8Array[] = [];
    let transmitted: Uint8Array[] = [];
    const counters = new BigUint64Array(counterWords(RULE_SLOTS));
    const plane = new MemoryDataPlane({
      ...options,
      counters,
      now: () => nowMs,
      inject: (packet) => injected.push(packet.slice()),
      transmit: (frame) => transmitted.push(frame),
    });
    return {
      plane,
      deliver: async (frame) => {
        plane.receive(frame);
      },
      counters: () => readCounters(counters),
      ruleCounts: () => ruleCountsOf(counters),
      injected: () => {
        const taken = injected;
        injected = [];
        return taken;
      },
      transmitted: () => {
        const taken = transmitted;
        transmitted = [];
        return taken;
      },
      advance: async (ms) => {
        nowMs += ms;
        plane.tend();
      },
      close: async () => plane.close(),
    };
  },
};
