/** A traced frame for people, and for programs. Pure. */
import type { TraceVerdict } from '../../control/contract.js';
import type { CapturedFrame } from '../../platform/pcap.js';
import type { Colour, Paint } from '../style.js';

const COLOURS: Readonly<Record<string, Colour>> = {
  accept: 'green',
  answer: 'green',
  relay: 'cyan',
  hold: 'yellow',
  control: 'dim',
  reject: 'dim',
};

/** `19:04:05.123  tcp  10.77.0.100:40000 > 10.77.0.50:80 syn  reject rejectedNotOwner  rule web, bucket 1871, owner n2`. */
export function traceLine({ atMs, decoded }: CapturedFrame, verdict: TraceVerdict, paint: Paint): string {
  const time = new Date(atMs).toISOString().slice(11, 23);
  const { protocol, from, to, detail } = decoded;
  const ends = from === null && to === null ? '' : `${from ?? '?'} > ${to ?? '?'}`;
  const what = [ends, detail].filter(Boolean).join(' ');
  const colour = COLOURS[verdict.verdict] ?? 'dim';
  return [
    paint('dim', time),
    protocol.padEnd(4),
    what,
    `${paint(colour, verdict.verdict)} ${verdict.reason}`,
    placeText(verdict),
  ]
    .filter(Boolean)
    .join('  ');
}

function placeText({ rule, bucket, owner, planned }: TraceVerdict): string {
  const moves = planned !== null && planned !== owner ? ` (on its way to ${planned})` : '';
  return [
    rule === null ? '' : `rule ${rule}`,
    bucket === null ? '' : `bucket ${bucket}, owner ${owner ?? 'nobody known'}${moves}`,
  ]
    .filter(Boolean)
    .join(', ');
}

export function traceRecord({ atMs, length, decoded }: CapturedFrame, verdict: TraceVerdict, node: string): object {
  const at = new Date(atMs).toISOString();
  return { version: 1, type: 'frame', at, node, length, ...decoded, ...verdict };
}
