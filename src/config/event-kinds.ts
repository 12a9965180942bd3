/**
 * Every kind of event that a node records, for `covey events --kinds`, for README, and for `notify`. A test walks the code: what is recorded
 * stands here, and what stands here is recorded.
 */

export interface EventKind {
  /** What happened, for people. */
  readonly about: string;
  /** Worth waking someone for: told by `notify` unless `events` names others, or leaves this out by lacking `default`. */
  readonly isTold: boolean;
  /** Of a kind that is told: one that is only a step of what was to be expected, and what matters follows. */
  readonly isRoutine: (fields: Fields) => boolean;
}

type Fields = Readonly<Record<string, unknown>>;

const told = (about: string, isRoutine: EventKind['isRoutine'] = () => false): EventKind => ({
  about,
  isTold: true,
  isRoutine,
});
const kept = (about: string): EventKind => ({ about, isTold: false, isRoutine: () => false });

/** Up follows, or a reason why not. */
const isStepToUp = ({ to }: Fields) => to === 'joining';
/** It comes, goes or is there as its node does. A stop that failed has a reason. */
const isServiceStep = ({ from, to, reason }: Fields) =>
  to === 'looking' ||
  to === 'starting' ||
  to === 'stopping' ||
  (to === 'stopped' && reason === '') ||
  (to === 'ready' && (from === 'looking' || from === 'starting'));
/** Well as ever, or at rest with its node or service. */
const isCheckerStep = ({ from, to }: Fields) => to === 'idle' || (to === 'well' && from !== 'failed');

export const EVENT_KINDS = {
  state: told('this node changed its state, and why', isStepToUp),
  'member-found': told('another node is there'),
  'member-lost': told('another node is gone: how, with how many buckets and keeps'),
  'farm-full': told('one node more than a farm can have was left out'),
  lapsed: told('this node was fenced, or stalled: its lease is over'),
  'incarnation-outgrown': kept('the farm knew a later life of this node than its run directory did'),
  overlap: told('another node held what this one held: two farms have met, and one gives way'),
  twin: told('another host has the name of this node'),
  'twin-gone': told('that other host is gone'),
  'agent-restarted': told('the agent died, and its supervisor started it again'),
  acquired: kept('this node took buckets that nobody held'),
  granted: kept('this node handed buckets over: to whom, with how many keeps, in how many ms'),
  gained: kept('this node was handed buckets: from whom, with how many keeps, in how many ms'),
  'grant-refused': kept('this node did not take buckets that it was offered'),
  'taken-back': kept('buckets that were to be handed over stayed here'),
  'table-full': told('there was no room for the keys of a bucket: raise table'),
  reach: told('frames come to the nodes in another way now'),
  'reach-offer': kept('another way works best, as seen from this node'),
  'reach-evidence': kept('what the probes brought has changed'),
  'reach-up': kept('a better way is to be used, by covey probe --apply or after a calm time'),
  'reach-reopen': kept('after an apply the network could not be watched anew'),
  'reach-watch': kept('the watch over the network failed for once'),
  'probe-row': kept('the results of a probe could not be told to the others'),
  'probe-capture': kept('the capture of probes is in trouble'),
  isolated: told('a node that this one cannot hear serves already, so this one stands by; or no more'),
  'vip-conflict': told('another host says that it has a VIP'),
  'vip-check': told('whether the VIPs are free'),
  'vips-gone': told('VIPs were given up by an apply, and how many connections were reset'),
  'vips-not-taken-away': told('VIPs that were given up are still on this host'),
  'vmac-as-source': told("a frame came from the farm's MAC, and switches that learn it stop flooding"),
  witness: told('a witness answers, or answers no more'),
  host: told('something changed what Covey has set up on this host, and it was set up again'),
  service: told(
    'a service changed its state, and why; by default: it failed, was restarted or given up',
    isServiceStep,
  ),
  checker: told('a checker failed, or is well again', isCheckerStep),
  weight: told('checkers lowered the weight of this node, or it counts in full again'),
  command: kept('someone gave a command: who, from where'),
  'command-elsewhere': kept('someone gave a command on another node: which, to whom, who'),
  set: kept("a script's word on a custom checker"),
  'connections-reset': told('connections that were left at the end of a drain were ended'),
  'config-applied': kept('the farm switched to another config: revision, by whom, what changed'),
  'config-not-applied': told('an apply was refused: by which node, and why'),
  'config-not-switched': told('the farm switched to another config, and this node could not'),
  'config-apply-forgotten': told('the node that began an apply went away, so nothing was switched'),
  'config-caught-up': told("this node was away, and took the farm's later config"),
  'config-not-caught-up': told("this node lacks the farm's later config, and could not take it"),
  'config-kept-for-restart': told('a later config was written, and counts from the next start on'),
  'config-not-written': told('the config in force could not be written to its file'),
  'config-reloaded': kept('this node read its config again'),
  'config-message': kept('a word of another node about configs could not be understood'),
  'config-watch': kept('the watch over the configs of others failed for once'),
  'keys-reloaded': kept('this node read its key file again'),
  'invite-open': kept('a code for one more host was made'),
  invite: told('someone came with a code: config and key were given, or the code was wrong'),
  'notify-failed': kept('notifications to a target do not arrive'),
  'notify-restored': kept('they arrive again'),
} satisfies Readonly<Record<string, EventKind>>;

export const EVENT_KIND_NAMES: readonly string[] = Object.keys(EVENT_KINDS);

/** As a pattern: all kinds that are told by default, but for routine. What `notify` has where it names no events. */
export const DEFAULT_PATTERN = 'default';

export function matchesKind(pattern: string, kind: string, fields: Fields = {}): boolean {
  if (pattern === DEFAULT_PATTERN) return isToldByDefault(kind, fields);
  return pattern.endsWith('*') ? kind.startsWith(pattern.slice(0, -1)) : kind === pattern;
}

function isToldByDefault(kind: string, fields: Fields): boolean {
  const found = (EVENT_KINDS as Readonly<Record<string, EventKind>>)[kind];
  return found?.isTold === true && !found.isRoutine(fields);
}
