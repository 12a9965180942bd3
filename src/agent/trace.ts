/** `trace`: frames that were captured elsewhere on this host are classified by the data plane itself, in batches. */
import type { Config } from '../config/contract.js';
import type { TraceReport, TraceRequest } from '../control/contract.js';
import { ControlError } from '../control/errors.js';
import type { TraceSnapshot } from './contract.js';

/** The largest that a capture can bring: an IP packet of 64 KiB in Ethernet. */
const MOST_BYTES = 65_535 + 18;

/**
 * The frame in its full length. What was cut off is payload, which no verdict depends on; but a frame that is shorter than its
 * headers say would be malformed.
 */
export function wholeFrame({ data, length }: TraceRequest['frames'][number]): Uint8Array {
  const bytes = Buffer.from(data, 'base64');
  if (bytes.length > length || length > MOST_BYTES) {
    throw new ControlError('bad-request', `a frame of ${bytes.length} bytes cannot be ${length} bytes long`);
  }
  const frame = new Uint8Array(length);
  frame.set(bytes);
  return frame;
}

export function traceReport(config: Config, node: string, { serving, verdicts }: TraceSnapshot): TraceReport {
  return {
    version: 1,
    node,
    serving,
    verdicts: verdicts.map(({ kind, reason, rule, plan, bucket, owner, planned }) => ({
      verdict: kind,
      reason,
      rule: config.rules[rule]?.name ?? null,
      plan: bucket < 0 ? null : plan,
      bucket: bucket < 0 ? null : bucket,
      owner,
      planned,
    })),
  };
}
