import { COUNTER_NAMES, type CounterName, RULE_OUTCOMES, type RuleCounts } from '../dataplane/counters.js';
import type { CountersReport, RulePackets } from './contract.js';

/** Counters whose frames were turned away or thrown away before a verdict: they are reasons of `rejected`. */
export const isRejection = (name: CounterName) =>
  /^(rejected|malformed)[A-Z]/.test(name) ||
  name === 'tooManyExtensionHeaders' ||
  name === 'truncatedCapture' ||
  name === 'badChecksum';

/** `rejectedNotOwner` -> `notOwner`; `malformedIpv4` stays. */
export function rejectionReason(name: string): string {
  const reason = name.replace(/^rejected(?=[A-Z])/, '');
  return reason === name ? name : reason.charAt(0).toLowerCase() + reason.slice(1);
}

/** The counters as `status --json` shows them: rejections under their reason, zeros among them left out. */
export function countersReport(read: (name: CounterName, index: number) => number): CountersReport {
  const plain: Record<string, number> = {};
  const rejected: Record<string, number> = {};
  for (const [index, name] of COUNTER_NAMES.entries()) {
    const value = read(name, index);
    if (!isRejection(name)) plain[name] = value;
    else if (value > 0) rejected[rejectionReason(name)] = value;
  }
  // The fields that CountersReport names are among COUNTER_NAMES; the test of this file holds them together.
  return { ...plain, rejected } as unknown as CountersReport;
}

/** A rule's counts as `status --json` shows them: every outcome that is neither of the first two is a rejection. */
export function rulePackets(counts: RuleCounts): RulePackets {
  const { accepted, relayed } = counts;
  const reasons = RULE_OUTCOMES.filter((outcome) => outcome !== 'accepted' && outcome !== 'relayed');
  const occurred = reasons.filter((outcome) => counts[outcome] > 0);
  const rejected = Object.fromEntries(occurred.map((outcome) => [rejectionReason(outcome), counts[outcome]]));
  return { accepted, relayed, rejected };
}
