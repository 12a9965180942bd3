/**
 * A farm that does not run, for `covey trace --read FILE --config F --nodes n1,n2,n3`: the in-memory data plane classifies, with every bucket
 * owned, and the plan of the named nodes says by whom. So a verdict is the farm's: `accept` means that the owner would take the frame.
 *
 * What no capture can say is taken as good: leases are open, no client is kept by a former owner, and a frame to any node's own MAC counts as
 * one for the farm, since relays send there. Where the farm's key is missing, rules and verdicts are known all the same; which bucket a client
 * is in, and so who owns it, is not.
 */
import { dirname, resolve } from 'node:path';
import { keyFilePath } from '../../agent/key-file.js';
import { fullBitmap } from '../../buckets/bitmap.js';
import { BUCKETS } from '../../buckets/contract.js';
import { computePlan, planNames } from '../../buckets/plan.js';
import type { Config } from '../../config/contract.js';
import { planSpecs, ruleEntries } from '../../config/plans.js';
import { resolveForNode } from '../../config/resolve.js';
import type { TraceVerdict } from '../../control/contract.js';
import { MemoryDataPlane } from '../../dataplane/memory.js';
import { identityOf, loadKeyFile } from '../../platform/keys.js';
import type { CapturedFrame } from '../../platform/pcap.js';
import { readConfig } from '../config-file.js';
import type { CliParts, ImaginedFarm } from '../parts.js';

const GROUP_BIT = 1;
const ETHERTYPES_OF_IP = [0x0800, 0x86dd];

/** @throws BadConfigError, or what is wrong with a key file that is there. */
export async function imagineFarm(
  configFile: string,
  nodes: readonly string[],
  parts: CliParts,
): Promise<ImaginedFarm> {
  const config = await readConfig(parts, configFile);
  const identity = identityFrom(keyFilePath(config, dirname(resolve(configFile))), config.farm);
  const owners = ownersOf(config, nodes);
  let nowMs = 0;
  const plane = new MemoryDataPlane({ now: () => nowMs });
  const { hashSeed, vmac } = identity.known ?? NOBODY;
  plane.setShape({ vips: config.vips, rules: ruleEntries(config), hashSeed, vmac, vlan: null });
  plane.renewLease(Number.MAX_SAFE_INTEGER);
  plane.apply(planSpecs(config).map((_, plan) => ({ op: 'own' as const, plan, buckets: fullBitmap(BUCKETS) })));
  const judgeOne = ({ bytes, length, atMs }: CapturedFrame): TraceVerdict => {
    nowMs = Math.max(nowMs, atMs);
    const frame = new Uint8Array(Math.max(length, bytes.length));
    frame.set(bytes);
    if (identity.known === null ? isIp(frame) : isForOneNode(frame)) frame.set(vmac, 0);
    // Not only classified, but received: so that fragments follow their first one.
    const { kind, reason, rule, plan, bucket } = plane.receive(frame);
    if (identity.known === null) return withoutPlace(kind, reason, config.rules[rule]?.name ?? null);
    const owner = bucket < 0 ? null : (owners(plan, bucket) ?? null);
    const place = bucket < 0 ? { plan: null, bucket: null } : { plan, bucket };
    // A plan can be without anybody who may hold its buckets: a fail-over order whose nodes are not among those named.
    if (kind === 'accept' && owner === null)
      return {
        verdict: 'reject',
        reason: 'rejectedNotOwner',
        rule: config.rules[rule]?.name ?? null,
        ...place,
        owner,
        planned: owner,
      };
    return { verdict: kind, reason, rule: config.rules[rule]?.name ?? null, ...place, owner, planned: owner };
  };
  return {
    lacks: identity.why,
    vips: config.vips.map(({ text }) => text),
    judge: (frames: readonly CapturedFrame[]) => frames.map(judgeOne),
  };
}

function ownersOf(config: Config, nodes: readonly string[]) {
  const members = nodes.map((name) => ({ name, weight: resolveForNode(config, name).weight }));
  const names = planNames(members);
  const plans = planSpecs(config).map((spec) => computePlan(members, spec));
  return (plan: number, bucket: number) => names[plans[plan]?.[bucket] ?? -1];
}

const isForOneNode = (frame: Uint8Array) => (frame[0]! & GROUP_BIT) === 0 && isIp(frame);

function isIp(frame: Uint8Array): boolean {
  const etherType = ((frame[12] ?? 0) << 8) | (frame[13] ?? 0);
  return ETHERTYPES_OF_IP.includes(etherType);
}

/** Of a farm whose key nobody has here: any will do to classify by. */
const NOBODY = { hashSeed: 0, vmac: Uint8Array.of(2, 0, 0, 0, 0, 1) };

/** A capture is often looked at elsewhere than where it was made, and keys do not travel. */
function identityFrom(path: string, farm: string) {
  try {
    return { known: identityOf(loadKeyFile(path), farm), why: null };
  } catch (error) {
    const code = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code;
    if (code !== 'ENOENT' && code !== 'EACCES') throw error;
    return { known: null, why: `without the farm's key buckets and owners are not known: ${(error as Error).message}` };
  }
}

const withoutPlace = (verdict: TraceVerdict['verdict'], reason: string, rule: string | null): TraceVerdict => ({
  verdict,
  reason,
  rule,
  plan: null,
  bucket: null,
  owner: null,
  planned: null,
});
