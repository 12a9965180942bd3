/** The list of kinds of events cannot rot: the code that records them, README and the notifications are compared with it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isWanted } from '../../../src/agent/notify/notifier.js';
import { advice } from '../../../src/config/advice.js';
import { DEFAULT_EVENTS, EVENT_KIND_NAMES } from '../../../src/config/event-kinds.js';
import { parseConfig } from '../../../src/config/load.js';
import { covey } from '../cli/fake-parts.js';
import { MINIMAL } from '../config/examples.js';

const ROOT = join(import.meta.dirname, '../../..');

/** The rooms whose code records events; membership's notices become events but for those of level debug. */
const ROOMS = ['agent', 'cli/entry', 'membership', 'reach'];
const CALL = /(?:\b(?:record|s\.log)|#(?:record|tell|inForce))\(/g;
const LEVELS = ['info', 'warn', 'error'];
const CONSTANTS: Readonly<Record<string, string>> = {
  OUTAGE_EVENT: "'notify-failed'",
  RECOVERY_EVENT: "'notify-restored'",
};

/** Up to the fields of the event, which begin with a brace, or the end of the statement. */
function recordedIn(source: string): readonly string[] {
  return [...source.matchAll(CALL)].flatMap(({ index, 0: call }) => {
    const head = source.slice(index + call.length).split(/[{;]/)[0]!;
    const named = head.replaceAll(/[A-Z]+_EVENT/g, (name) => CONSTANTS[name] ?? name);
    const words = [...named.matchAll(/'([a-z-]+)'/g)].map(([, word]) => word!);
    // Declarations, and calls that pass on what another one named.
    if (words[0] === 'debug' || words.every((word) => LEVELS.includes(word))) return [];
    return [words.filter((word) => EVENT_KIND_NAMES.includes(word)).join(' ') || `unknown: ${head.trim()}`];
  });
}

const recorded = ROOMS.flatMap((room) =>
  readdirSync(join(ROOT, 'src', room), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => recordedIn(readFileSync(join(ROOT, 'src', room, name), 'utf8'))),
);

describe('the kinds of events', () => {
  it('are those that the code records', () => {
    expect(recorded.filter((word) => word.startsWith('unknown'))).toEqual([]);
    const found = new Set(recorded.flatMap((words) => words.split(' ')));
    expect(EVENT_KIND_NAMES.filter((kind) => !found.has(kind))).toEqual([]);
  });

  it('are found by this test wherever they are recorded', () => {
    expect(recordedIn("this.#record('command', { a })")).toEqual(['command']);
    expect(recordedIn("record(bad ? 'warn' : 'info', 'checker', fields);")).toEqual(['checker']);
    expect(recordedIn("s.log('debug', 'nobody-told', { a });")).toEqual([]);
    expect(recordedIn("s.log('info', 'never-heard-of', { a });")).toEqual(["unknown: 'info', 'never-heard-of',"]);
  });

  it('all stand in README, and no others', () => {
    const paragraph = /^Kinds of events(?:.+\n)+/m.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))![0];
    const named = [...paragraph.split('Not told')[0]!.matchAll(/`([a-z-]+)`/g)].map(([, kind]) => kind!);
    expect(named.sort()).toEqual([...DEFAULT_EVENTS].sort());
    const others = [...paragraph.split('Not told')[1]!.matchAll(/`([a-z-]+)`/g)].map(([, kind]) => kind!);
    expect([...named, ...others].sort()).toEqual([...EVENT_KIND_NAMES].sort());
  });

  it('are listed by covey events --kinds, without an agent', async () => {
    const { out, exitCode } = await covey('events --kinds');
    expect(exitCode).toBe(0);
    for (const kind of EVENT_KIND_NAMES) expect(out).toMatch(new RegExp(`^${kind} `, 'm'));
    const { out: json } = await covey('events --kinds --json');
    const first = JSON.parse(json.split('\n')[0]!) as unknown;
    expect(first).toEqual({ version: 1, kind: 'state', about: expect.any(String), isTold: true });
  });
});

describe('notify without events', () => {
  it.each(['checker', 'service', 'config-caught-up', 'config-not-applied', 'lapsed', 'table-full'])(
    'tells of %s',
    (kind) => {
      expect(isWanted({ events: DEFAULT_EVENTS }, kind)).toBe(true);
    },
  );

  it.each(['granted', 'command', 'notify-failed'])('does not tell of %s', (kind) => {
    expect(isWanted({ events: DEFAULT_EVENTS }, kind)).toBe(false);
  });
});

describe('advice', () => {
  const adviceFor = (events: string) => {
    const parsed = parseConfig(`${MINIMAL}\nnotify: [{ exec: "true", events: ${events} }]\n`);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
    return advice(parsed.config);
  };

  it('names events that there are not', () => {
    expect(adviceFor('[member-lots, "chekcer*", state, "config-*"]')).toEqual([
      'notify: there are no events member-lots; did you mean member-lost?; see: covey events --kinds',
      'notify: there are no events chekcer*; did you mean checker?; see: covey events --kinds',
    ]);
  });
});
