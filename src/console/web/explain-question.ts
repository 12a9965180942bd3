/** What may be asked about a client, and how the answer is put in large. Pure. */
import type { ExplainReport, ExplainTarget, RuleReport } from '../../control/contract.js';

type Protocol = ExplainTarget['protocol'];

/** Of the farm's VIPs the first of the client's family. */
export const ANY_VIP = '';
/** A port that is typed, whether or not a rule takes it. */
export const OTHER_PORT = '';

/** `10.77.0.100:40000`, `[fd77::1]:40000`, or an address alone. */
export function parseClient(text: string): { readonly address: string; readonly port: number | null } | null {
  const match =
    /^(?:\[([0-9a-fA-F:.]+)\](?::(\d{1,5}))?|([0-9.]+)(?::(\d{1,5}))?|([0-9a-fA-F]*(?::[0-9a-fA-F.]*){2,}))$/.exec(
      text.trim(),
    );
  const address = match?.[1] ?? match?.[3] ?? match?.[5];
  const port = match?.[2] ?? match?.[4];
  return address === undefined || address === '' ? null : { address, port: port === undefined ? null : Number(port) };
}

export interface Asked {
  readonly client: string;
  /** An address, or {@link ANY_VIP}. */
  readonly vip: string;
  /** Name of a rule, or {@link OTHER_PORT}. */
  readonly rule: string;
  readonly port: string;
  readonly protocol: Protocol;
}

export interface Question {
  readonly address: string;
  readonly port: number | null;
  readonly to: ExplainTarget;
}

/** @returns a text: what is missing, for people. */
export function questionOf(asked: Asked, rules: readonly RuleReport[], vips: readonly string[]): Question | string {
  const client = parseClient(asked.client);
  if (client === null) return 'Write an address, with or without a port: 10.77.0.100:40000 or [fd77::100]:40000.';
  const isV6 = client.address.includes(':');
  const vip = asked.vip === ANY_VIP ? vipAddresses(vips).find((each) => each.includes(':') === isV6) : asked.vip;
  if (vip === undefined) return `The farm has no IPv${isV6 ? 6 : 4} address for this client.`;
  const rule = rules.find(({ name }) => name === asked.rule);
  if (asked.rule !== OTHER_PORT && rule === undefined) return `There is no rule ${asked.rule} any more.`;
  const port = rule === undefined ? portOf(asked.port) : Number.parseInt(rule.ports[0] ?? '0', 10);
  if (port === null) return 'Write the port of the service: 0 to 65535.';
  return { ...client, to: { address: vip, port, protocol: rule?.protocol ?? asked.protocol } };
}

const portOf = (text: string) => (/^\d{1,5}$/.test(text.trim()) && Number(text) <= 65_535 ? Number(text) : null);

/** Without the length of the prefix. */
export const vipAddresses = (vips: readonly string[]) => vips.map((text) => text.split('/')[0]!);

export interface Headline {
  readonly label: string;
  /** Null: `text` is no node. */
  readonly node: string | null;
  readonly text: string;
  /** What to do about it; empty: nothing. */
  readonly next: string;
}

export function headlineOf({ verdict, owner, rule, reason, client }: ExplainReport): Headline {
  const label = 'Served by';
  if (owner !== null) return { label, node: owner, text: owner, next: '' };
  if (verdict === 'depends') {
    const example = client.includes(':') ? `[${client}]:40000` : `${client}:40000`;
    const next = `Add the port that the client connects from, as in ${example}: each of its connections may be served by another node.`;
    return { label, node: null, text: 'depends on the client’s port', next };
  }
  if (rule === null) return { label, node: null, text: 'nobody: no rule takes this port', next: '' };
  if (reason === 'rejectedDenied') return { label, node: null, text: `nobody: rule ${rule} denies it`, next: '' };
  return { label, node: null, text: 'nobody now', next: '' };
}
