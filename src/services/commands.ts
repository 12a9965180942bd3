/** What is carried out for a service: its shell commands, or systemctl. */
import type { Service } from '../config/contract.js';
import type { ProgramRequest, ProgramResult } from '../platform/program.js';
import type { Outcome, ServiceCommands } from './contract.js';

export type RunProgram = (request: ProgramRequest) => Promise<ProgramResult>;

const PATIENCE_MS = 2000;
const ASK_TIMEOUT_MS = 5000;
const FOREGROUND =
  'a program that stays in the foreground belongs into a systemd unit (systemd: UNIT), or end its line with & and send its output to a file';

/** The commands, one after the other; `mayFail`: the next one is run all the same. */
export function commandsOf(
  service: Service,
  what: 'start' | 'stop' | 'restart',
): readonly { readonly command: readonly string[]; readonly mayFail: boolean }[] {
  const { systemd, start, stop, restart } = service;
  const one = (command: readonly string[], mayFail = false) => ({ command, mayFail });
  if (systemd !== null) return [one(['systemctl', '--quiet', what, systemd])];
  const line = (text: string | null, mayFail = false) => (text === null ? [] : [one(['/bin/sh', '-c', text], mayFail)]);
  if (what === 'start') return line(start);
  if (what === 'stop') return line(stop);
  // What has died or hangs often cannot be stopped in its own way; the start that follows tells.
  return restart === null ? [...line(stop, true), ...line(start)] : line(restart);
}

/** @param environment added to that of the commands, beside COVEY_SERVICE. */
export function realCommands(run: RunProgram, environment: Readonly<Record<string, string>>): ServiceCommands {
  return {
    async run(service, what, onLine, signal): Promise<Outcome> {
      let refusal = '';
      const listen = (line: string) => {
        if (FORBIDDEN.test(line)) refusal = line.trim();
        onLine(line);
      };
      for (const { command, mayFail } of commandsOf(service, what)) {
        const result = await run({
          command,
          timeoutMs: service.timeoutMs,
          patienceMs: PATIENCE_MS,
          environment: { ...environment, COVEY_SERVICE: service.name },
          onLine: listen,
          follow: true,
          signal,
        });
        if (!result.ok && !mayFail) return { ok: false, detail: explained(service, what, result.detail, refusal) };
        if (signal.aborted) return { ok: false, detail: 'called off' };
      }
      return { ok: true, detail: '' };
    },

    async isActive({ systemd }): Promise<Outcome | null> {
      if (systemd === null) return null;
      const lines: string[] = [];
      const { ok, detail } = await run({
        command: ['systemctl', 'is-active', systemd],
        timeoutMs: ASK_TIMEOUT_MS,
        patienceMs: 0,
        onLine: (line) => lines.push(line),
      });
      // A unit that reloads goes on serving, and so does one that merely could not be asked about in time.
      const isUnknown = detail.startsWith('no end within') || lines[0] === 'reloading';
      return { ok: ok || isUnknown, detail: ok ? '' : `systemd says that ${systemd} is ${lines[0] ?? detail}` };
    },
  };
}

/** What systemctl says, and not as its last words, where polkit does not let this user do it: it asks for a password that nobody types. */
const FORBIDDEN = /interactive authentication required|access denied|permission denied/i;

function explained({ systemd }: Service, what: string, detail: string, refusal: string): string {
  if (systemd !== null && refusal !== '')
    return `${refusal}: let the agent's user ${what} ${systemd} by a polkit rule, as in /usr/share/doc/covey/examples/polkit.rules`;
  const isHanging = systemd === null && what !== 'stop' && detail.startsWith('no end within');
  return isHanging ? `${detail}; ${FOREGROUND}` : detail;
}
