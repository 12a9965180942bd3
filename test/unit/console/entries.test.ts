import { describe, expect, it } from 'vitest';
import { ofAudit, ofEvent } from '../../../src/console/web/entries.js';
import type { EventReport } from '../../../src/control/contract.js';

const at = '2026-11-28T10:00:00.000Z';
const said = (event: string, fields: EventReport['fields']) => {
  const { what, detail, who, kind } = ofEvent({ seq: 1, at, node: 'n1', event, fields });
  return [kind, what, detail.replaceAll('\u202f', ' '), who];
};

describe('a line of the timeline', () => {
  it('says who told whom to do what', () => {
    const order = { name: 'drain', deadlineMs: 60_000, command: 'drain', node: 'n2', by: 'ann (console)', uid: 990 };
    const [kind, what, detail, who] = said('command', { ...order, from: 'console' });
    expect([kind, what?.replaceAll('\u202f', ' '), detail, who]).toEqual([
      'commands',
      'n1: drain n2, at most 1 min 0 s',
      '',
      'ann (console)',
    ]);
    expect(said('command', { command: 'stop', from: 'checker disk', reason: '3 % free' })).toEqual([
      'commands',
      'n1: stop',
      'by way of checker disk · 3 % free',
      '',
    ]);
  });

  it('tells what was asked and not done apart from what was done', () => {
    const of = (fields: object) =>
      ofEvent({
        seq: 1,
        at,
        node: 'n1',
        event: 'command',
        fields: { command: 'drain', node: 'nope', by: 'ann', ...fields },
      });
    expect(of({ failed: 'node nope is not known' })).toMatchObject({
      what: 'n1: drain nope',
      detail: 'node nope is not known',
      failed: true,
    });
    expect(of({}).failed).toBe(false);
    expect(ofEvent({ seq: 1, at, node: 'n1', event: 'checker', fields: { name: 'disk', failed: 2 } }).failed).toBe(
      false,
    );
  });

  it('says who told another node to do what, and where', () => {
    const news = { command: 'drain', node: 'n3', by: 'anna (console) on n2', from: 'n2' };
    expect(said('command-elsewhere', news)).toEqual(['commands', 'drain n3', 'heard by n1', 'anna (console) on n2']);
    const all = { command: 'apply', node: null, by: 'root on n2', from: 'n2' };
    expect(said('command-elsewhere', all)).toEqual(['commands', 'apply', 'heard by n1', 'root on n2']);
  });

  it('says what changed into what, and why, with units', () => {
    expect(said('state', { from: 'up', to: 'waiting', reason: 'deaf' })).toEqual([
      'membership',
      'n1: state',
      'up → waiting · deaf',
      '',
    ]);
    expect(said('gained', { from: 'n2', plan: 0, buckets: 1, keeps: 12, ms: 41 })[2]).toBe(
      'from n2 · 1 bucket · 12 clients · took 41 ms',
    );
    expect(said('member-lost', { name: 'n2', silentMs: 650, how: 'silence' })[2]).toBe(
      'name n2 · silent 650 ms · how silence',
    );
    expect(said('config-reloaded', { changed: ['rule web is new', 'drain changed'], warnings: [] })).toEqual([
      'config',
      'n1: config reloaded',
      'changed: rule web is new, drain changed',
      '',
    ]);
  });

  it('of the console itself names the user and the address', () => {
    const entry = ofAudit({ at, who: 'vic', from: '10.77.0.100', what: 'POST /commands', outcome: 'refused' });
    expect(entry).toEqual({
      at,
      kind: 'commands',
      what: 'POST /commands',
      detail: 'refused',
      who: 'vic from 10.77.0.100',
      failed: true,
    });
    for (const outcome of ['ok', ''])
      expect(ofAudit({ at, who: 'ann', from: '', what: 'drain n2', outcome }).failed).toBe(false);
  });
});
