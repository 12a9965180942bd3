import { EventEmitter } from 'node:events';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { addLabCommands } from '../../../src/lab/commands.js';
import { labConfig, layOver } from '../../../src/lab/config.js';
import { interruption } from '../../../src/lab/interrupt.js';
import { type LabNode, labEnvironment } from '../../../src/lab/lab.js';
import { checkLabName, hostOfNamespace, LabError, macOf, nodeNames } from '../../../src/lab/names.js';
import { type NodeReport, notWhole } from '../../../src/lab/status.js';
import { emptyTotals, gaps, summarise, tableRow, take } from '../../../src/lab/tally.js';
import { isWell, labLines } from '../../../src/lab/view.js';

describe('names of a lab', () => {
  it.each(['lab', 'a', 'test-1'])('takes %s', (name) => expect(checkLabName(name)).toBe(name));
  it.each(['', 'A', '../x', 'a b', '-a', 'a'.repeat(32)])('refuses "%s"', (name) =>
    expect(() => checkLabName(name)).toThrow(LabError),
  );

  it('does not take the hosts of a lab with a longer name for its own', () => {
    expect(hostOfNamespace('a', 'covey-a-n12')).toBe('n12');
    expect(hostOfNamespace('a', 'covey-a-client')).toBe('client');
    for (const other of ['covey-a-b-n1', 'covey-a-n1-switch', 'covey-ab-n1', 'web'])
      expect(hostOfNamespace('a', other)).toBeNull();
  });

  it('gives every host a MAC that is no vMAC', () => {
    const macs = [...nodeNames(32), 'client'].map(macOf);
    expect(new Set(macs).size).toBe(33);
    for (const mac of macs) expect(mac).toMatch(/^0a(:[0-9a-f]{2}){5}$/);
  });
});

describe('config of a lab', () => {
  it('lays overrides over the default, mappings key by key', () => {
    expect(layOver({ a: { b: 1, c: [1] }, d: 1 }, { a: { c: [2] }, e: 2 })).toEqual({
      a: { b: 1, c: [2] },
      d: 1,
      e: 2,
    });
    const text = labConfig({
      lab: 'x',
      ipv6: true,
      overrides: ['{ reach: relay }', '{ heartbeat: { lease: 150ms } }'],
    });
    expect(parse(text)).toMatchObject({
      farm: 'x',
      reach: 'relay',
      heartbeat: { lease: '150ms' },
      vips: ['10.77.0.50/24', 'fd77::50/64'],
    });
  });

  it('refuses an override that is no mapping', () => {
    expect(() => labConfig({ lab: 'x', ipv6: false, overrides: ['relay'] })).toThrow(
      /--config-override takes a YAML mapping/,
    );
  });
});

describe('a whole farm', () => {
  const member = (name: string, share: number, state = 'up') => ({
    name,
    state,
    reason: '',
    share,
    heldBuckets: 0,
    keeps: 0,
    lastHeardMs: 0,
  });
  const report = (members: NodeReport['members'], state = 'up'): NodeReport => ({
    version: 1,
    software: { engine: 'ring', engineReason: 'this kernel has it' },
    farm: 'x',
    node: 'n1',
    state,
    reason: 'deaf',
    reach: { mode: 'flood', reason: '' },
    view: { digest: '', agreed: true },
    members,
    counters: {},
  });

  it.each<readonly [string, NodeReport, RegExp | null]>([
    ['is whole', report([member('n1', 0.5), member('n2', 0.5)]), null],
    ['is whole beside a dead one', report([member('n1', 0.5), member('n2', 0.5), member('n3', 0, 'dead')]), null],
    ['waits', report([], 'waiting'), /n1 is waiting \(deaf\)/],
    ['misses one', report([member('n1', 1)]), /does not see n2 up/],
    ['counts one too many', report([member('n1', 0.5), member('n2', 0.5), member('n3', 0)]), /still counts n3/],
    ['has orphans', report([member('n1', 0.5), member('n2', 0.4)]), /shares of 90\.0 %/],
    ['has an idle one', report([member('n1', 1), member('n2', 0)]), /no share of n2/],
  ])('%s', (_, given, message) => {
    const obstacle = notWhole(given, ['n1', 'n2']);
    if (message === null) expect(obstacle).toBeNull();
    else expect(obstacle).toMatch(message);
  });
});

describe('the tally of a load', () => {
  it('counts by node and by error, and measures outages from first to last lost request', () => {
    const totals = emptyTotals();
    const answered = (startMs: number, node: string) =>
      take(totals, { startMs, endMs: startMs + 4, node, error: null });
    const lost = (startMs: number, error: string) => take(totals, { startMs, endMs: startMs + 900, node: null, error });
    answered(0, 'n1');
    answered(5, 'n2');
    for (const at of [100, 650, 300]) lost(at, 'timeout');
    lost(5000, 'ECONNRESET');
    answered(6000, 'n1');
    expect(summarise(totals)).toEqual({
      version: 1,
      requests: 7,
      answered: { n1: 2, n2: 1 },
      lost: 4,
      errors: { timeout: 3, ECONNRESET: 1 },
      longestGapMs: 550,
      gapsMs: [550, 0],
      slowestMs: 4,
    });
    expect(tableRow(['n1', 'n2', 'n3'], totals, 0).trim().split(/\s+/)).toEqual(['1', '2', '1', '0', '4']);
  });

  it('has no gap where nothing was lost', () => {
    expect(gaps([])).toEqual([]);
    expect(summarise(emptyTotals()).longestGapMs).toBe(0);
  });
});

describe('an interruption', () => {
  it('ends the work once, and no later signal ends the clean-up', () => {
    const source = new EventEmitter();
    const said: string[] = [];
    const { signal, done } = interruption((line) => said.push(line), source);
    source.emit('SIGINT');
    expect(() => signal.throwIfAborted()).toThrow(new LabError('interrupted; the lab is removed'));
    source.emit('SIGINT');
    source.emit('SIGTERM');
    expect(said).toEqual(Array(3).fill('cleaning up, one moment'));
    done();
    expect(source.eventNames()).toEqual([]);
  });
});

describe('the command line', () => {
  const parse = (...words: string[]) => {
    const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
    addLabCommands(program);
    for (const command of program.commands.flatMap((group) => [group, ...group.commands])) {
      command.exitOverride().configureOutput({ writeErr: () => undefined });
    }
    return program.parseAsync(['lab', ...words], { from: 'user' });
  };

  it.each(['0', '33', 'abc', '1.5', ''])('refuses --nodes "%s" as wrong usage', async (nodes) => {
    await expect(parse('up', '--nodes', nodes)).rejects.toMatchObject({
      code: 'commander.invalidArgument',
      message: expect.stringContaining('Write a number from 1 to 32'),
    });
  });

  it.each(['up', 'down', 'status'])('refuses a bad name of a lab as wrong usage: %s', async (command) => {
    await expect(parse(command, '--lab', '../x')).rejects.toMatchObject({ code: 'commander.invalidArgument' });
  });
});

describe('what a command on a host of the lab finds', () => {
  const inherited = { PATH: '/bin', HOME: '/root', COVEY_RUN_DIR: '/run/other' };

  it('is the run directory of that node, and covey', () => {
    expect(labEnvironment('x', 'n2', inherited)).toEqual({
      PATH: '/run/covey-lab/x/bin:/bin',
      HOME: '/root',
      COVEY_RUN_DIR: '/run/covey-lab/x/n2/run',
    });
  });

  it('is no run directory on hosts without an agent', () => {
    expect(labEnvironment('x', 'client', inherited)).toEqual({ PATH: '/run/covey-lab/x/bin:/bin', HOME: '/root' });
  });
});

describe('the status of a lab', () => {
  const up = { state: 'up', reason: 'listened', members: [{ name: 'n1', share: 1 }] } as unknown as NodeReport;
  const well: LabNode = { name: 'n1', agent: 'running', service: 'running', cable: true, report: up };

  it.each<readonly [string, Partial<LabNode>, string]>([
    ['nothing of one that is well', {}, ''],
    ['how a dead one is started', { agent: 'dead', report: null }, 'its agent has ended (killed?); to undo: start n1'],
    ['why one stands still', { agent: 'stopped', report: null }, 'its agent stands still (SIGSTOP); to undo: start n1'],
    ['that one is silent', { report: null }, 'its agent does not answer (yet)'],
    ['what one says itself', { report: { ...up, state: 'waiting', reason: 'deaf' } }, 'deaf'],
  ])('tells %s', (_, change, reason) => {
    const node = { ...well, ...change };
    const line = labLines([node], true, 'start')[1]!;
    expect(line.slice(60)).toBe(reason);
    expect(isWell(node, true)).toBe(reason === '');
  });

  it('asks for no agent where there is none, but for service and cable', () => {
    const bare: LabNode = { ...well, agent: 'dead', report: null };
    expect(isWell(bare, false)).toBe(true);
    expect(labLines([bare], false, 'start')[1]).toContain('a lab without agents');
    expect(isWell({ ...bare, cable: false }, false)).toBe(false);
    expect(isWell({ ...bare, service: 'dead' }, false)).toBe(false);
  });
});
