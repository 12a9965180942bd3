/** With --json every failure is one JSON object on standard output, and the exit code and the words for people stay as they are. */
import { describe, expect, it } from 'vitest';
import { ControlAccessError, ControlError } from '../../../src/control/errors.js';
import { MINIMAL } from '../config/examples.js';
import { covey } from './fake-parts.js';

const BROKEN = `${MINIMAL}\nfrm: web\n`;
const closed = async () => {
  throw new ControlAccessError('/run/covey/agent.sock');
};
const unreachable = async () => {
  throw new ControlError('unreachable', 'n2 did not say', 'see: covey status');
};

interface Case {
  readonly line: string;
  readonly exitCode: number;
  readonly code: string;
  readonly message: RegExp;
  readonly hint?: RegExp;
}

const CASES: readonly Case[] = [
  { line: 'status', exitCode: 5, code: 'agent-not-running', message: /^no agent is running/, hint: /covey run/ },
  { line: 'events', exitCode: 5, code: 'agent-not-running', message: /^no agent is running/ },
  { line: 'apply broken.yaml', exitCode: 3, code: 'bad-config', message: /^1 fault in broken\.yaml$/ },
  { line: 'apply', exitCode: 2, code: 'usage', message: /^what is to be applied/, hint: /covey apply/ },
  { line: 'apply missing.yaml', exitCode: 3, code: 'bad-config', message: /^cannot read the config/ },
  { line: 'status --nonsense', exitCode: 2, code: 'usage', message: /^unknown option '--nonsense'/ },
  { line: 'keys use', exitCode: 2, code: 'usage', message: /^missing required argument 'id'/ },
  {
    line: 'reload',
    exitCode: 1,
    code: 'not-allowed',
    message: /^no permission/,
    hint: /^type: sudo covey reload --json$/,
  },
  { line: 'drain n2', exitCode: 1, code: 'unreachable', message: /^n2 did not say$/, hint: /covey status/ },
  { line: 'join 10.0.0.1 --code x', exitCode: 1, code: 'error', message: /^nobody is there$/ },
  { line: 'init --yes', exitCode: 2, code: 'usage', message: /not known$/, hint: /covey init --interface/ },
  {
    line: 'drain --rolling',
    exitCode: 2,
    code: 'usage',
    message: /rolling drain would empty the farm/,
    hint: /restart/,
  },
];

describe('covey ... --json', () => {
  it.each(CASES)('$line: $code', async ({ line, exitCode, code, message, hint = /^/ }) => {
    const fakes = { control: { reload: closed, command: unreachable }, files: { 'broken.yaml': BROKEN } };
    const asJson = await covey(`${line} --json`, fakes);
    const plain = await covey(line, fakes);
    expect([asJson.exitCode, plain.exitCode]).toEqual([exitCode, exitCode]);
    const { version, error } = JSON.parse(asJson.out) as { version: number; error: Record<string, unknown> };
    expect(asJson.out.trim().split('\n')).toHaveLength(1);
    expect(version).toBe(1);
    expect(error).toMatchObject({ code, exitCode, message: expect.stringMatching(message) });
    expect(error.hint).toMatch(hint);
    // People are told the same as without --json, and there alone.
    expect(asJson.err.replaceAll(' --json', '')).toBe(plain.err);
    expect(plain.out).toBe('');
  });

  it('names each fault of a config', async () => {
    const { out } = await covey('apply broken.yaml --json', { files: { 'broken.yaml': BROKEN } });
    const { error } = JSON.parse(out) as { error: { faults: readonly Record<string, unknown>[] } };
    expect(error.faults).toEqual([expect.objectContaining({ path: 'frm', column: 1, message: expect.any(String) })]);
  });

  it('keeps the form of its own that check-config has', async () => {
    const { out, exitCode } = await covey('check-config broken.yaml --json', { files: { 'broken.yaml': BROKEN } });
    expect(exitCode).toBe(3);
    expect(JSON.parse(out)).toMatchObject({ version: 1, good: false, faults: [{ path: 'frm' }] });
  });

  it('prints none for help that was asked for, nor for a --json that is meant for another program', async () => {
    expect((await covey('status --json --help')).out).toMatch(/^Usage: covey status/);
    expect((await covey('explain -- --json')).out).toBe('');
  });
});

describe('files that are made, as JSON', () => {
  const setup = {
    user: 'anna',
    schemaPath: '/s.json',
    detect: async () => ({ name: 'ens3', address: '192.168.77.11/24' }),
    ask: async () => '',
    exists: () => false,
    write: () => undefined,
    fetchInvite: async () => ({ farm: 'web', node: 'n1', configText: MINIMAL, keyText: 'covey-key-1:AAAA\n' }),
  };

  it('init', async () => {
    const { out, exitCode } = await covey('init --yes --vip 192.168.77.50 --json', { parts: { setup } });
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      version: 1,
      config: 'covey.yaml',
      key: 'farm.key',
      next: expect.arrayContaining(['sudo covey join 192.168.77.11']),
    });
  });

  it('init names an example in the network of the interface', async () => {
    const hint = async (address: string) => {
      const detect = async () => ({ name: 'ens3', address });
      return (await covey('init --yes', { parts: { setup: { ...setup, detect } } })).err;
    };
    expect(await hint('192.168.77.11/24')).toContain('covey init --vip 192.168.77.50/24');
    expect(await hint('192.168.77.50/24')).toContain('covey init --vip 192.168.77.254/24');
    expect(await hint('10.1.2.200/28')).toContain('covey init --vip 10.1.2.206/28');
    expect(await hint('10.1.2.206/28')).toContain('covey init --vip 10.1.2.205/28');
    expect(await hint('10.1.2.2/30')).toContain('covey init --vip 10.1.2.1/30');
  });

  it('join', async () => {
    const { out } = await covey('join 192.168.77.11 --code x --json', { parts: { setup } });
    expect(JSON.parse(out)).toMatchObject({ version: 1, farm: 'web', node: 'n1', config: 'covey.yaml' });
  });

  it('keygen, to a file and to standard output', async () => {
    expect(JSON.parse((await covey('keygen farm.key --json')).out)).toEqual({
      version: 1,
      id: '0000000a',
      keyFile: 'farm.key',
      done: 'made',
    });
    const { out } = await covey('keygen --json');
    expect(JSON.parse(out)).toEqual({ version: 1, keyFile: null, text: 'covey-key-1:AAAA\n' });
  });
});
