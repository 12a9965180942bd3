/**
 * The promises of src/dataplane/contract.ts as cases. Every implementation runs all of them; what one cannot run it names, with the
 * reason, in its factory.
 */
import { describe } from 'vitest';
import { dataPlaneAgreement } from './agreement.suite.js';
import { bucketCases } from './buckets.cases.js';
import { keepCases } from './keeps.cases.js';
import { leaseCases } from './lease.cases.js';
import { packetCases } from './packets.cases.js';
import { reachCases } from './reach.cases.js';
import type { RigFactory } from './rig.js';
import { ruleCases } from './rules.cases.js';
import { wireCases } from './wire.cases.js';

export function dataPlaneConformance(name: string, factory: RigFactory): void {
  describe(`data plane: ${name}`, () => {
    leaseCases(factory);
    wireCases(factory);
    bucketCases(factory);
    keepCases(factory);
    packetCases(factory);
    reachCases(factory);
    ruleCases(factory);
  });
  if (factory.isReference !== true) dataPlaneAgreement(name, factory);
}
