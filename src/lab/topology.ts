/** The lab's namespaces once they are there: cables, processes, removal. `network/` builds them. */
import { statSync } from 'node:fs';
import { allPids } from '../platform/host/process.js';
import { CommandError, run } from '../platform/run.js';
import { hostOfNamespace, namespaceOf, portOf } from './names.js';

/** Takes the cable of `host` out at the switch, or puts it back. The host sees its link go down, as with a real cable. */
export async function setCable(lab: string, host: string, state: 'up' | 'down'): Promise<void> {
  await run('ip', ['-n', namespaceOf(lab, 'switch'), 'link', 'set', portOf(host), state]);
}

/** True unless the cable was cut. */
export async function isCablePlugged(lab: string, host: string): Promise<boolean> {
  const { stdout } = await run('ip', ['-n', namespaceOf(lab, 'switch'), '-j', 'link', 'show', 'dev', portOf(host)]);
  return (JSON.parse(stdout) as readonly { readonly flags: readonly string[] }[])[0]?.flags.includes('UP') ?? false;
}

/** Hosts of the lab that have a namespace, whatever state the rest is in. */
export async function existingHosts(lab: string): Promise<readonly string[]> {
  const { stdout } = await run('ip', ['-j', 'netns', 'list']);
  const spaces = stdout.trim() === '' ? [] : (JSON.parse(stdout) as readonly { readonly name: string }[]);
  return spaces.map(({ name }) => hostOfNamespace(lab, name)).filter((host) => host !== null);
}

/** All processes inside one of the lab's namespaces; that they are there makes them the lab's. */
export function processesIn(lab: string, host: string): readonly number[] {
  const inode = statSync(`/run/netns/${namespaceOf(lab, host)}`, { throwIfNoEntry: false })?.ino;
  if (inode === undefined) return [];
  return allPids().filter((pid) => namespaceInode(pid) === inode);
}

function namespaceInode(pid: number): number | null {
  try {
    return statSync(`/proc/${pid}/ns/net`).ino;
  } catch {
    // Ended meanwhile.
    return null;
  }
}

/** Its processes must have ended: a namespace lives on while one is left in it. */
export async function deleteHost(lab: string, host: string): Promise<void> {
  await run('ip', ['netns', 'delete', namespaceOf(lab, host)]).catch((cause: unknown) => {
    if (!(cause instanceof CommandError && /No such file/.test(cause.output.stderr))) throw cause;
  });
}
