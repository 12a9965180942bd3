import type { StatusReport } from '../control/contract.js';

/** Half a bucket of 4096: shares are exact, so anything more is a bucket that nobody or two hold. */
const SHARE_TOLERANCE = 0.5 / 4096;

/** Why the farm is not whole, one clause each; empty when it is. Decides exit code 4 of `status`. */
export function whyNotWhole(report: StatusReport): readonly string[] {
  const reasons = report.members
    .filter((member) => member.state !== 'up')
    .map((member) => `${member.name} is ${member.state}${member.reason === '' ? '' : ` (${member.reason})`}`);
  if (!report.members.some((member) => member.name === report.node) && report.state !== 'up') {
    reasons.push(`${report.node} is ${report.state}${report.reason === '' ? '' : ` (${report.reason})`}`);
  }
  if (!report.view.agreed) reasons.push('the view is not agreed');
  const shares = report.members.reduce((sum, member) => sum + member.share, 0);
  if (shares < 1 - SHARE_TOLERANCE) reasons.push(`${hundredths(1 - shares)} of the buckets have no owner`);
  if (shares > 1 + SHARE_TOLERANCE) reasons.push(`shares sum to ${hundredths(shares)}: some buckets are counted twice`);
  return reasons;
}

/** One bucket is 0.02 %. */
const hundredths = (part: number) => `${(part * 100).toFixed(2)} %`;
