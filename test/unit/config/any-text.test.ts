/** I10: whatever stands in the file, all of it is answered, by faults that point into it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load.js';
import { EXAMPLE } from './examples.js';

const lines = EXAMPLE.split('\n');

/** The example with a few characters replaced, or lines cut, doubled or swapped: what a hurried editor makes of it. */
const damaged = fc
  .array(fc.tuple(fc.nat(EXAMPLE.length - 1), fc.string({ minLength: 0, maxLength: 3 }), fc.nat(4)), {
    minLength: 1,
    maxLength: 4,
  })
  .map((damages) => damages.reduce((text, [at, put, cut]) => text.slice(0, at) + put + text.slice(at + cut), EXAMPLE));

const shuffled = fc
  .shuffledSubarray(lines.map((_, index) => index))
  .map((order) => order.map((i) => lines[i]).join('\n'));

function check(text: string): void {
  const result = parseConfig(text);
  if (result.ok) return;
  const count = text.split('\n').length;
  expect(result.faults.length).toBeGreaterThan(0);
  for (const fault of result.faults) {
    expect(fault.line).toBeGreaterThanOrEqual(1);
    expect(fault.line).toBeLessThanOrEqual(count);
    expect(fault.column).toBeGreaterThanOrEqual(1);
    expect(fault.message).not.toMatch(/invalid input|undefined|\[object|expected \w+, received/i);
  }
}

describe('parseConfig', () => {
  it('answers damaged configs', () => fc.assert(fc.property(damaged, check), { numRuns: 150 }));
  it('answers shuffled lines', () => fc.assert(fc.property(shuffled, check), { numRuns: 50 }));
  it('answers any value at any key', () => {
    const keys = [
      'farm',
      'key',
      'vips',
      'heartbeat',
      'rules',
      'nodes',
      'witness',
      'services',
      'checkers',
      'console',
      'metrics',
      'notify',
      'drain',
    ];
    const setting = fc.tuple(fc.constantFrom(...keys), fc.jsonValue({ maxDepth: 3 }));
    const text = fc
      .array(setting, { maxLength: 6 })
      .map((pairs) => pairs.map(([k, v]) => `${k}: ${JSON.stringify(v)}`).join('\n'));
    fc.assert(fc.property(text, check), { numRuns: 150 });
  });
});
