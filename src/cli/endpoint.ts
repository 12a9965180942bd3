/** Addresses with ports as people type them. commander turns the errors into wrong usage. */
import { InvalidArgumentError } from 'commander';
import { parseAddress } from '../buckets/address.js';
import { consoleSchema } from '../config/schema-operations.js';
import type { ExplainQuery, ExplainTarget } from '../control/contract.js';

export interface ClientText {
  readonly address: string;
  readonly port: number | null;
}

/** `10.77.0.100`, `10.77.0.100:40000`, `fd77::100` or `[fd77::100]:40000`. */
export function parseClient(text: string): ClientText {
  if (parseAddress(text) !== null) return { address: text, port: null };
  const { address, port } = split(text) ?? {};
  if (address === undefined || port === undefined) {
    throw new InvalidArgumentError('Write an address, with or without a port: 10.77.0.100:40000 or [fd77::100]:40000.');
  }
  return { address, port };
}

/** `10.77.0.50:80/tcp` or `[fd77::50]:53/udp`. */
export function parseTarget(text: string): ExplainTarget {
  const match = /^(.*)\/(tcp|udp)$/i.exec(text);
  const { address, port } = split(match?.[1] ?? '') ?? {};
  if (address === undefined || port === undefined) {
    throw new InvalidArgumentError('Write VIP:PORT/PROTOCOL, such as 10.77.0.50:80/tcp or [fd77::50]:53/udp.');
  }
  return { address, port, protocol: match![2]!.toLowerCase() as 'tcp' | 'udp' };
}

function split(text: string): { readonly address: string; readonly port: number } | null {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const address = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return address !== undefined && parseAddress(address) !== null && port <= 65535 ? { address, port } : null;
}

/** As `console: { listen }` of the config. */
export function parseListen(text: string): string {
  return asInConfig({ listen: text }).listen;
}

/** Adds to those before: the option may be repeated. As `console: { hosts }` of the config. */
export function parseHostNames(text: string, before: readonly string[]): readonly string[] {
  return [...before, ...asInConfig({ listen: '127.0.0.1:9443', hosts: [text] }).hosts];
}

function asInConfig(console: { readonly listen: string; readonly hosts?: readonly string[] }) {
  const { success, data, error } = consoleSchema.safeParse(console);
  if (success) return data;
  throw new InvalidArgumentError(`${error.issues.map(({ message }) => message).join('; ')}.`);
}

/** For output: IPv6 with a port in brackets. */
export function endpointText(address: string, port: number | null): string {
  if (port === null) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

export function explainQuery(
  client: ClientText,
  to: ExplainTarget | undefined,
  without: readonly string[] = [],
): ExplainQuery {
  const thoughtAway = without.length === 0 ? {} : { without };
  return { address: client.address, port: client.port, to: to ?? null, ...thoughtAway };
}
