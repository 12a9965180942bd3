/**
 * CLOCK_BOOTTIME for processes that have no data plane (which gives the exact one): it goes on while the machine is suspended.
 *
 * Node offers CLOCK_MONOTONIC only, which stands still during suspend. /proc/uptime is CLOCK_BOOTTIME cut to 10 ms, so it tells how far
 * the two are apart: looked up again every `RECHECK_MS`, and taken over when the machine slept for longer than the 10 ms can hide.
 */
import { readFileSync } from 'node:fs';

export interface Clock {
  /** ms on CLOCK_BOOTTIME, with fractions; never goes back. */
  nowMs(): number;
}

const RECHECK_MS = 100;
const RESOLUTION_MS = 10;

const monotonicMs = () => Number(process.hrtime.bigint()) / 1e6;

function uptimeMs(): number {
  const text = readFileSync('/proc/uptime', 'latin1');
  const seconds = Number(text.slice(0, text.indexOf(' ')));
  if (!(seconds > 0)) throw new Error(`/proc/uptime holds no time: "${text.trim()}"`);
  return seconds * 1000;
}

/** The sources are parameters for tests alone. Throws when /proc/uptime cannot be read. */
export function bootTimeClock(monotonic: () => number = monotonicMs, uptime: () => number = uptimeMs): Clock {
  let aheadMs = uptime() - monotonic();
  let checkedAtMs = monotonic();
  return {
    nowMs() {
      const now = monotonic();
      if (now - checkedAtMs >= RECHECK_MS) {
        checkedAtMs = now;
        const measured = uptime() - now;
        if (measured > aheadMs + RESOLUTION_MS) aheadMs = measured;
      }
      return now + aheadMs;
    },
  };
}
