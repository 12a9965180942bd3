import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { Service } from '../../../src/config/contract.js';
import type { ProgramRequest, ProgramResult } from '../../../src/platform/program.js';
import { commandsOf, realCommands } from '../../../src/services/commands.js';
import { OutputGate } from '../../../src/services/output.js';

const SHELL: Service = {
  name: 'app',
  systemd: null,
  start: 'run it',
  stop: 'end it',
  restart: null,
  timeoutMs: 30_000,
  maxRestarts: 3,
  windowMs: 1000,
};
const words = (service: Service, what: 'start' | 'stop' | 'restart') =>
  commandsOf(service, what).map(({ command, mayFail }) => `${command.at(-1)}${mayFail ? '?' : ''}`);

/** Runs the commands with `answer` instead of programs. */
function ran(answer: (request: ProgramRequest) => ProgramResult) {
  const requests: ProgramRequest[] = [];
  const commands = realCommands(
    async (request) => {
      requests.push(request);
      return answer(request);
    },
    { COVEY_NODE: 'n1' },
  );
  return { commands, requests, signal: new AbortController().signal };
}
const ignore = () => undefined;

describe('what is carried out', () => {
  it('shell commands by a shell; without restart a stop that may fail, then a start', () => {
    expect(commandsOf(SHELL, 'start')).toEqual([{ command: ['/bin/sh', '-c', 'run it'], mayFail: false }]);
    expect(words(SHELL, 'restart')).toEqual(['end it?', 'run it']);
    expect(words({ ...SHELL, restart: 'again' }, 'restart')).toEqual(['again']);
    expect(words({ ...SHELL, stop: null }, 'stop')).toEqual([]);
    expect(words({ ...SHELL, stop: null }, 'restart')).toEqual(['run it']);
  });

  it('systemctl for a unit', () => {
    const unit = { ...SHELL, systemd: 'nginx', start: null, stop: null };
    for (const what of ['start', 'stop', 'restart'] as const)
      expect(commandsOf(unit, what)[0]!.command).toEqual(['systemctl', '--quiet', what, 'nginx']);
  });

  it('with the service`s time-out, its name and the node in the environment; a failure ends it', async () => {
    const { commands, requests, signal } = ran(({ command }) => ({
      ok: command[2] === 'end it',
      detail: 'exit code 3: no',
    }));
    expect(await commands.run(SHELL, 'restart', ignore, signal)).toEqual({ ok: false, detail: 'exit code 3: no' });
    expect(requests).toHaveLength(2);
    expect(requests[0]).toMatchObject({ timeoutMs: 30_000, environment: { COVEY_NODE: 'n1', COVEY_SERVICE: 'app' } });
  });

  it('names the polkit rule where systemd does not let this user, whose last words say nothing of it', async () => {
    const unit = { ...SHELL, systemd: 'nginx', start: null, stop: null };
    const last = "See system logs and 'systemctl status nginx.service' for details.";
    const { commands, signal } = ran(({ onLine }) => {
      onLine?.('Failed to start nginx.service: Interactive authentication required.');
      onLine?.(last);
      return { ok: false, detail: `exit code 1: ${last}` };
    });
    expect((await commands.run(unit, 'start', ignore, signal)).detail).toMatch(
      /^Failed to start nginx\.service: Interactive authentication required\.: .*start nginx by a polkit rule.*polkit\.rules$/,
    );
  });

  it('and that rule lets the user covey manage the units that it lists, and nothing else', () => {
    const text = readFileSync(join(import.meta.dirname, '../../../scripts/package/polkit.rules'), 'utf8');
    type Rule = (action: { id: string; lookup: (name: string) => string }, subject: { user: string }) => unknown;
    let rule: Rule = () => undefined;
    runInNewContext(text, { polkit: { addRule: (added: Rule) => (rule = added), Result: { YES: 'yes' } } });
    const ask = (id: string, unit: string, user: string) => rule({ id, lookup: () => unit }, { user });
    const manage = 'org.freedesktop.systemd1.manage-units';
    expect(ask(manage, 'nginx.service', 'covey')).toBe('yes');
    expect(ask(manage, 'ssh.service', 'covey')).toBeUndefined();
    expect(ask(manage, 'nginx.service', 'alice')).toBeUndefined();
    expect(ask('org.freedesktop.systemd1.manage-unit-files', 'nginx.service', 'covey')).toBeUndefined();
  });

  it('says what to do about a start that does not return', async () => {
    const { commands, signal } = ran(() => ({
      ok: false,
      detail: 'no end within 30 s, so its process group was killed',
    }));
    expect((await commands.run(SHELL, 'start', ignore, signal)).detail).toContain('belongs into a systemd unit');
    expect((await commands.run(SHELL, 'stop', ignore, signal)).detail).not.toContain('belongs into');
  });

  it.each([
    ['active', 0, true],
    ['reloading', 3, true],
    ['failed', 3, false],
    ['activating', 3, false],
  ])('a unit that is %s', async (word, code, ok) => {
    const { commands } = ran(({ onLine }) => {
      onLine!(word);
      return { ok: code === 0, detail: code === 0 ? word : `exit code ${code}: ${word}` };
    });
    expect(await commands.isActive(SHELL)).toBeNull();
    const active = await commands.isActive({ ...SHELL, systemd: 'nginx' });
    expect(active).toEqual({ ok, detail: active!.detail });
    if (!ok) expect(active!.detail).toBe(`systemd says that nginx is ${word}`);
  });

  it('a service manager that does not answer in time has not said that the unit failed', async () => {
    const { commands } = ran(() => ({ ok: false, detail: 'no end within 5 s, so its process group was killed' }));
    expect(await commands.isActive({ ...SHELL, systemd: 'nginx' })).toMatchObject({ ok: true });
  });
});

describe('output in the log', () => {
  it('is bounded, and says how much was left out', () => {
    const gate = new OutputGate();
    const said = Array.from({ length: 150 }, (_, i) => gate.take(i, `line ${i}`)).flat();
    expect(said).toHaveLength(100);
    expect(gate.take(10_000, 'later')).toEqual(['(50 lines left out: at most 100 in 10 s)', 'later']);
    expect(gate.take(10_001, 'more')).toEqual(['more']);
  });
});
