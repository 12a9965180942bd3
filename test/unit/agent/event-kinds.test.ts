/** The list of kinds of events cannot rot: the code that records them, README and the notifications are compared with it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isWanted } from '../../../src/agent/notify/notifier.js';
import { advice } from '../../../src/config/advice.js';
import { EVENT_KIND_NAMES, EVENT_KINDS, type EventKind } from '../../../src/config/event-kinds.js';
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

const TOLD = Object.entries<EventKind>(EVENT_KINDS).flatMap(([kind, { isTold }]) => (isTold ? [kind] : []));

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
    expect(named.sort()).toEqual([...TOLD].sort());
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
  const tells = (event: string, fields: Readonly<Record<string, unknown>> = {}, events = ['default']) =>
    isWanted({ events }, { event, fields });

  it.each([
    ['lapsed', {}],
    ['table-full', {}],
    ['config-caught-up', {}],
    ['config-not-applied', {}],
    ['state', { from: 'joining', to: 'up' }],
    ['checker', { from: 'well', to: 'failed' }],
    ['checker', { from: 'starting', to: 'failed' }],
    ['checker', { from: 'failed', to: 'well' }],
    ['checker', { from: 'starting', to: 'unable' }],
    ['service', { from: 'ready', to: 'pausing', reason: 'no answer' }],
    ['service', { from: 'restarting', to: 'ready', reason: '' }],
    ['service', { from: 'pausing', to: 'spent', reason: 'given up' }],
    ['service', { from: 'stopping', to: 'stopped', reason: 'stop failed: exit code 1' }],
  ])('tells of %s %j', (event, fields) => expect(tells(event, fields)).toBe(true));

  it.each([
    ['granted', {}],
    ['command', {}],
    ['notify-failed', {}],
    ['never-heard-of', {}],
    ['state', { from: 'stopped', to: 'joining' }],
    ['checker', { from: 'starting', to: 'well' }],
    ['checker', { from: 'failed', to: 'idle' }],
    ['service', { from: 'looking', to: 'starting', reason: '' }],
    ['service', { from: 'starting', to: 'ready', reason: '' }],
    ['service', { from: 'stopping', to: 'stopped', reason: '' }],
  ])('does not tell of %s %j', (event, fields) => expect(tells(event, fields)).toBe(false));

  it('can be added to, and a kind that is named is told whole', () => {
    expect(tells('command', {}, ['default', 'command'])).toBe(true);
    expect(tells('lapsed', {}, ['default', 'command'])).toBe(true);
    expect(tells('checker', { from: 'starting', to: 'well' }, ['checker'])).toBe(true);
    expect(tells('lapsed', {}, ['command'])).toBe(false);
  });
});

describe('advice', () => {
  const adviceFor = (events: string) => {
    const parsed = parseConfig(`${MINIMAL}\nnotify: [{ exec: "true", events: ${events} }]\n`);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
    return advice(parsed.config);
  };

  it('names events that there are not', () => {
    expect(adviceFor('[member-lots, "chekcer*", state, "config-*", default]')).toEqual([
      'notify: there are no events member-lots; did you mean member-lost?; see: covey events --kinds',
      'notify: there are no events chekcer*; did you mean checker?; see: covey events --kinds',
    ]);
  });
});
