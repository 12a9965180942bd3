/**
 * The guard: the node's kernel must never take VIP frames from the NIC (the data plane alone decides), nor answer ARP for
 * a VIP, nor use one as ARP sender. Two nft tables, owned by an `nft -i` child (`flags owner`, Linux >= 5.12): nobody else
 * can flush them while the child lives, and the kernel removes them with the child, which ends when our end of its standard
 * input closes. So the guard outlives us by nothing, not even after kill -9.
 *
 * The netdev ingress hook runs behind ETH_P_ALL packet sockets, which is why capture still sees what it drops.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { isIPv4 } from 'node:net';
import { startError } from '../run.js';
import { HostError } from './contract.js';

export interface GuardSpec {
  readonly table: string;
  readonly interface: string;
  /** Each VIP, with the interface's own address that ARP uses instead; null: 0.0.0.0, the sender of an ARP probe (RFC 5227). */
  readonly vips: readonly { readonly address: string; readonly own: string | null }[];
}

export interface Guard {
  readonly pid: number;
  /** True while the tables stand exactly as set. */
  stands(): Promise<boolean>;
  /** Sets both tables anew, in one transaction each; `spec`: from now on so. Throws HostError when nft refuses. */
  set(spec?: GuardSpec): Promise<void>;
  /** Ends the child, and with it the tables. Idempotent. */
  close(): Promise<void>;
}

const ANSWER_TIMEOUT_MS = 5000;

/**
 * Two tags without a VLAN id, one in the other. Each is taken off as if it were not there: the first before this hook, the second behind it
 * (__netif_receive_skb_core), so that here the packet would be hidden from all rules below. No honest network makes such frames.
 */
const DOUBLE_PRIORITY_TAG = '@ll,96,16 { 0x8100, 0x88a8 } @ll,116,12 0 @ll,128,16 { 0x8100, 0x88a8 } @ll,148,12 0 drop';

/** The two nft command lines that set the guard; one line is one transaction. Exported for tests. */
export function guardLines(spec: GuardSpec): readonly string[] {
  const { table, interface: name } = spec;
  const replace = (family: string): string =>
    `add table ${family} ${table} { flags owner; }; delete table ${family} ${table}`;
  // Each rule costs every frame that comes so far some 0.1 us: those first that meet the farm's traffic, all of which comes to every node.
  const ingress = [
    ...spec.vips.map(({ address }) => `${isIPv4(address) ? 'ip' : 'ip6'} daddr ${address} drop`),
    ...spec.vips.filter(({ address }) => isIPv4(address)).map(({ address }) => `arp daddr ip ${address} drop`),
    DOUBLE_PRIORITY_TAG,
  ];
  const ipv4 = spec.vips.filter(({ address }) => isIPv4(address));
  const input = ipv4.map(({ address }) => `arp daddr ip ${address} drop`);
  const output = ipv4.flatMap(({ address, own }) => [
    `oifname "${name}" arp saddr ip ${address} arp saddr ip set ${own ?? '0.0.0.0'}`,
    `oifname != "${name}" arp saddr ip ${address} arp saddr ip set 0.0.0.0`,
  ]);
  const chain = (label: string, hook: string, rules: readonly string[]): string =>
    `chain ${label} { type filter hook ${hook} priority -500; ${rules.map((rule) => `${rule};`).join(' ')} }`;
  return [
    `${replace('netdev')}; add table netdev ${table} { flags owner; ${chain('ingress', `ingress device "${name}"`, ingress)}; }`,
    `${replace('arp')}; add table arp ${table} { flags owner; ${chain('input', 'input', input)}; ${chain('output', 'output', output)}; }`,
  ];
}

/** Starts the child and sets the guard. Throws HostError `no-guard`. */
export async function raiseGuard(spec: GuardSpec): Promise<Guard> {
  const guard = new NftGuard(spec);
  try {
    await guard.set();
  } catch (cause) {
    await guard.close();
    throw cause;
  }
  return guard;
}

class NftGuard implements Guard {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly ended: Promise<void>;
  private output = '';
  private errors = '';
  private failure: Error | null = null;
  private expected = '';
  private heard: () => void = () => undefined;

  constructor(private spec: GuardSpec) {
    // A session of its own: a signal to our process group (Ctrl-C) must not take the guard away before the VIP.
    this.child = spawn('nft', ['-i'], { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
      this.heard();
    });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text;
      this.heard();
    });
    this.child.stdin.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      const end = (why: Error): void => {
        this.failure ??= why;
        this.heard();
        resolve();
      };
      this.child.once('error', (cause) => end(startError(['nft'], cause)));
      this.child.once('exit', (code, signal) => end(new Error(`nft -i ended (${signal ?? `exit code ${code}`})`)));
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  async set(spec = this.spec): Promise<void> {
    this.spec = spec;
    try {
      for (const line of guardLines(this.spec)) this.child.stdin.write(`${line}\n`);
      this.expected = await this.list();
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const message = `cannot set the guard on ${this.spec.interface} with nft (tables netdev and arp, flags owner; needs Linux 5.12 and nftables 1.0): ${why}`;
      throw new HostError('no-guard', message, { cause });
    }
  }

  async stands(): Promise<boolean> {
    return (await this.list().catch(() => '')) === this.expected;
  }

  async close(): Promise<void> {
    this.child.stdin.end();
    await this.ended;
  }

  /** Both tables as nft prints them. Every earlier command has been carried out by then: nft reads its lines in order. */
  private async list(): Promise<string> {
    this.output = '';
    this.errors = '';
    const { table } = this.spec;
    this.child.stdin.write(`list table netdev ${table}\nlist table arp ${table}\n`);
    const complete = (): boolean => /\ntable arp [\s\S]*\n}\n$/.test(this.output);
    await this.until(() => complete() || this.errors.includes('\n') || this.failure !== null);
    if (this.errors !== '') throw new Error(this.errors.trim());
    if (!complete()) throw this.failure ?? new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`);
    return this.output;
  }

  private until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.heard = () => undefined;
        resolve();
      };
      const timer = setTimeout(finish, ANSWER_TIMEOUT_MS);
      this.heard = () => {
        if (condition()) finish();
      };
      this.heard();
    });
  }
}
