/** Names, addresses and paths of a lab: everything that follows from its name alone. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Wrong use of the lab, or a step that failed; the message says what to type. */
export class LabError extends Error {
  override readonly name = 'LabError';
}

export const DEFAULT_LAB = 'lab';
export const MAX_LAB_NODES = 32;
export const VIP = '10.77.0.50';
export const VIP6 = 'fd77::50';
export const CLIENT_ADDRESS = '10.77.0.100';

/** Files of one node under the lab's directory. */
export interface NodePaths {
  readonly runDir: string;
  readonly agentLog: string;
  readonly serviceLog: string;
  /** One line per request of /id/..., written before the answer. */
  readonly accessLog: string;
}

export interface LabPaths {
  readonly directory: string;
  readonly state: string;
  readonly config: string;
  readonly key: string;
  /** Holds the command `covey`. */
  readonly bin: string;
}

/** The project's directory, wherever this file was compiled to. */
export const PROJECT = projectAbove(dirname(fileURLToPath(import.meta.url)));
export const CLI = join(PROJECT, 'dist', 'cli', 'main.js');
export const SERVICE = join(PROJECT, 'dist', 'lab', 'service.js');

const STATE_ROOT = '/run/covey-lab';

function projectAbove(directory: string): string {
  const isTop = existsSync(join(directory, 'package.json')) || dirname(directory) === directory;
  return isTop ? directory : projectAbove(dirname(directory));
}

/** Throws LabError: the name becomes part of namespace names and paths. */
export function checkLabName(lab: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,30}$/.test(lab)) return lab;
  throw new LabError(`"${lab}" is no name for a lab: use at most 31 of a-z, 0-9 and -`);
}

export function labPaths(lab: string): LabPaths {
  const directory = join(STATE_ROOT, checkLabName(lab));
  return {
    directory,
    state: join(directory, 'lab.json'),
    config: join(directory, 'covey.yaml'),
    key: join(directory, 'farm.key'),
    bin: join(directory, 'bin'),
  };
}

export function nodePaths(lab: string, node: string): NodePaths {
  const directory = join(labPaths(lab).directory, node);
  return {
    runDir: join(directory, 'run'),
    agentLog: join(directory, 'agent.log'),
    serviceLog: join(directory, 'service.log'),
    accessLog: join(directory, 'access.log'),
  };
}

export function namespaceOf(lab: string, host: string): string {
  return `covey-${lab}-${host}`;
}

/** The host part of one of this lab's namespaces, or null: lab `a` must not take those of lab `a-b` for its own. */
export function hostOfNamespace(lab: string, namespace: string): string | null {
  const prefix = `covey-${lab}-`;
  const host = namespace.startsWith(prefix) ? namespace.slice(prefix.length) : '';
  return /^(switch|client|gateway|n\d+)$/.test(host) ? host : null;
}

/** Names of the nodes of a lab with `count` nodes. */
export function nodeNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `n${index + 1}`);
}

/** The first parts of a subnet's addresses, IPv4 /24 and IPv6 /64. */
export interface Subnet {
  readonly ipv4: string;
  readonly ipv6: string;
}

/** Where the VIP is. */
export const NEAR: Subnet = { ipv4: '10.77.0', ipv6: 'fd77::' };
/** Behind the gateway, in networks that have one. */
export const FAR: Subnet = { ipv4: '10.78.0', ipv6: 'fd78::' };

/** The last number of a host's addresses: n7 is 10.77.0.7 and fd77::7; the client is .100, the gateway .254. */
function hostNumber(host: string): number {
  if (host === 'client') return 100;
  return host === 'gateway' ? 254 : Number(host.slice(1));
}

export function addressOf(host: string, subnet = NEAR): string {
  return `${subnet.ipv4}.${hostNumber(host)}`;
}

export function address6Of(host: string, subnet = NEAR): string {
  return `${subnet.ipv6}${hostNumber(host)}`;
}

/** Fixed, so that a capture is easy to read. Begins with 0a: the vMAC begins with 02. */
export function macOf(host: string): string {
  return `0a:77:00:00:00:${hostNumber(host).toString(16).padStart(2, '0')}`;
}

/** The host's port on the lab's switch. */
export function portOf(host: string): string {
  return `p-${host}`;
}
