/** Whoever types `covey keys` on a simulated host: what the command refuses is typed again a little later. */
import type { Host } from './host.js';
import { KEY_IDS } from './seal.js';

export type KeyStep = 'add' | 'use' | 'remove';

/** False when the command refuses. `from`: the number of the farm key that the next one replaces. */
export function changeKeys(host: Host, step: KeyStep, from: number): boolean {
  const { seal } = host;
  if (seal === null) return true;
  if (refuses(host, step, from)) return false;
  if (step === 'remove') seal.remove(from);
  else seal[step](from + 1);
  host.reloadKeys();
  return true;
}

/** As src/cli/commands/keys.ts and src/platform/keys-edit.ts do. Where no agent runs, nobody can say. */
function refuses(host: Host, step: KeyStep, from: number): boolean {
  const seal = host.seal!;
  if (step === 'add') return false;
  if (step === 'use' ? !seal.holds.includes(from + 1) : seal.isActive(from)) return true;
  if (host.core === null) return false;
  const members = host.core
    .status(host.localMs())
    .members.filter(({ name, state }) => name !== host.name && state !== 'dead' && state !== 'stopped')
    .map(({ name }) => name);
  if (step === 'use') return members.some((name) => !(host.keysOf.get(name) ?? []).includes(KEY_IDS[from + 1]!));
  const users = seal.transport!.keysInUse().filter(({ keyId }) => keyId === KEY_IDS[from]);
  return users.some(({ node }) => members.includes(node));
}
