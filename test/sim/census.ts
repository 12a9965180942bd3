/** What schedules ask for and what farms went through, counted: a kind of fault that never occurs proves nothing. */
import type { Farm } from './farm.js';
import type { Action, Schedule } from './schedule.js';

export type Census = Map<string, number>;

/** Each of these must occur in a run of thousands of farms. The first part is asked for by schedules, the second happens. */
export const EXPECTED: readonly string[] = [
  ...['random loss', 'bursty loss', 'late datagrams', 'slow network', 'duplicates', 'clock drift'],
  ...['cut: oneWay', 'cut: pair', 'cut: halves', 'cut: bridge', 'cut: deaf', 'cut: mute', 'cut: one way of two'],
  ...[
    'kill',
    'kill with obituary',
    'stall',
    'stall over 4 s',
    'start',
    'drain',
    'weight',
    'config',
    'expect',
    'condition',
  ],
  ...[
    'aimed fault',
    'dead interface',
    'deaf interface',
    'late timers',
    'replayed traffic',
    'sealed',
    'quorum',
    'witness',
    'witness lost',
    'small table',
  ],
  ...['keys add', 'keys use', 'keys remove', 'keys use refused', 'wire replayed', 'wire unknownKey', 'wire copies'],
  ...['wire passedOn', 'wire obituaries', 'lapsed', 'taken-back', 'grant-refused: table full', 'member-lost'],
  ...['waits: deaf', 'waits: quorum', 'waits: witness', 'waits: config', 'waits: checker', 'waits: conflict'],
];

export function count(census: Census, { schedule, effects }: Farm): void {
  const add = (name: string, by = 1): void => {
    census.set(name, (census.get(name) ?? 0) + by);
  };
  for (const name of traits(schedule)) add(name);
  for (const action of schedule.actions) for (const name of kinds(action)) add(name);
  for (const [name, times] of effects) if (!name.startsWith('keys ') || name.endsWith('refused')) add(name, times);
}

function traits(life: Schedule): string[] {
  const is: readonly (readonly [string, boolean])[] = [
    ['random loss', life.loss.random > 0],
    ['bursty loss', life.loss.bursts > 0],
    ['late datagrams', life.late > 0],
    ['slow network', life.delayMs > 1],
    ['late timers', life.timersLateMs > 0],
    ['duplicates', life.duplicates > 0],
    ['clock drift', life.drift > 0],
    ['aimed fault', life.aims.length > 0],
    ['sealed', life.sealed],
    ['quorum', life.quorum === 'majority'],
    ['witness', life.witness],
    ['small table', life.tableRoom > 0],
  ];
  return is.flatMap(([name, holds]) => (holds ? [name] : []));
}

function kinds(action: Action): string[] {
  switch (action.kind) {
    case 'cut':
      return [`cut: ${action.shape}`, ...(action.way === undefined ? [] : ['cut: one way of two'])];
    case 'stall':
      return ['stall', ...(action.forMs > 4000 ? ['stall over 4 s'] : [])];
    case 'kill':
      return ['kill', ...(action.obituary ? ['kill with obituary'] : [])];
    case 'keys':
      return [`keys ${action.step}`];
    case 'nic':
      return ['dead interface'];
    case 'ingress':
      return ['deaf interface'];
    case 'blind':
      return ['witness lost'];
    case 'replay':
      return ['replayed traffic'];
    default:
      return [action.kind];
  }
}
