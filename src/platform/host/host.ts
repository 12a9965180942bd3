/** Prepares the host for its VIPs and restores it; the order of steps is the point (see contract.ts). */
import { constants } from 'node:fs';
import { access, readFile, stat, writeFile } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { CommandError, run } from '../run.js';
import { sameAddress } from './address.js';
import { cleanup, currentNamespace } from './cleanup.js';
import { type Host, HostError, type HostEvent, type HostOptions, type HostVip } from './contract.js';
import { busyVips, type HostFacts, hostFacts, ownAddressFor, type StartFault, startFaults } from './facts.js';
import { type Guard, type GuardSpec, raiseGuard } from './guard.js';
import { type Journal, removeJournal, writeJournal } from './journal.js';
import { type Holder, takeVipLocks, type VipLock } from './lock.js';
import { joinSolicitedNodeGroups, type Memberships } from './multicast.js';
import { guardTable } from './names.js';
import { identify } from './process.js';

const WATCH_INTERVAL_MS = 1000;
/** Bits of /proc/self/status CapEff (linux/capability.h). */
const CAPABILITIES = [
  ['CAP_NET_ADMIN', 12n],
  ['CAP_NET_RAW', 13n],
] as const;

const TUN_DEVICE = '/dev/net/tun';
/** Major 10 (misc), minor 200 (TUN_MINOR in linux/miscdevice.h), as makedev(3) puts them together. */
const TUN_NUMBER = (10 << 8) | 200;

/**
 * Checks the host, takes the locks, undoes what a killed predecessor left, and sets the guard. After it the kernel takes no
 * frame for a VIP from the interface. Throws HostError; then nothing has changed.
 */
export async function claimHost(options: HostOptions): Promise<Host> {
  await checkPermissions();
  const facts = await usableInterface(options);
  await cleanup({ runDir: options.runDir });
  const lock = await takeVipLocks(addressesOf(options.vips), holder(options));
  try {
    const table = guardTable(options.farm, options.interface);
    const journal = newJournal(options, table);
    await writeJournal(options.runDir, journal);
    const host = new LinuxHost(options, facts, journal, lock);
    await host.raiseGuard();
    return host;
  } catch (cause) {
    await removeJournal(options.runDir);
    await lock.release();
    throw cause;
  }
}

function guardSpec(options: HostOptions, facts: HostFacts): GuardSpec {
  const own = (vip: HostVip) => (isIPv4(vip.address) ? ownAddressFor(facts, vip) : null);
  return {
    table: guardTable(options.farm, options.interface),
    interface: options.interface,
    vips: options.vips.map((vip) => ({ address: vip.address, own: own(vip) })),
  };
}

const addressesOf = (vips: readonly HostVip[]) => vips.map(({ address }) => address);

const holder = ({ farm, node, interface: name, runDir }: HostOptions): Holder => ({
  pid: process.pid,
  farm,
  node,
  interface: name,
  runDir,
});

function newJournal(options: HostOptions, table: string): Journal {
  return {
    version: 1,
    agent: identify(process.pid)!,
    guard: null,
    namespace: currentNamespace(),
    interface: options.interface,
    table,
    tun: options.tun,
    vips: options.vips.map((vip) => vip.address),
  };
}

async function checkPermissions(): Promise<void> {
  const status = await readFile('/proc/self/status', 'utf8');
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  const missing = CAPABILITIES.filter(([, bit]) => ((effective >> bit) & 1n) === 0n).map(([name]) => name);
  if (missing.length > 0) {
    const message = `the agent needs ${missing.join(' and ')} to capture frames and to set up the VIP; run it as root (sudo), or grant both to its service`;
    throw new HostError('no-permission', message);
  }
  try {
    await access(TUN_DEVICE, constants.R_OK | constants.W_OK);
  } catch (cause) {
    const message = `cannot use ${TUN_DEVICE}, through which packets reach the service; type: modprobe tun (in a container: --device ${TUN_DEVICE})`;
    throw new HostError('no-tun', message, { cause });
  }
  const device = await stat(TUN_DEVICE);
  if (device.isCharacterDevice() && device.rdev === TUN_NUMBER) return;
  const remedy = `rm ${TUN_DEVICE} && mknod ${TUN_DEVICE} c 10 200 (in a container: --device ${TUN_DEVICE})`;
  throw new HostError('no-tun', `${TUN_DEVICE} is there, but is not the kernel's TUN device; type: ${remedy}`);
}

async function usableInterface({ interface: name, vips }: HostOptions): Promise<HostFacts> {
  const facts = await hostFacts(name);
  refuse(startFaults(facts, vips));
  return facts;
}

function refuse([fault]: readonly StartFault[]): void {
  if (fault !== undefined) throw new HostError(fault.code, fault.message);
}

interface TunFault {
  readonly part: 'address' | 'tun';
  readonly what: string;
}

class LinuxHost implements Host {
  private guard: Guard | null = null;
  private groups: Memberships | null = null;
  private raised = false;
  private timer: NodeJS.Timeout | null = null;
  /** Steps never overlap: a repair that is under way must not put back what `lower` takes away. */
  private queue: Promise<unknown> = Promise.resolve();
  private interfaceIndex: number;

  constructor(
    private options: HostOptions,
    private readonly facts: HostFacts,
    private journal: Journal,
    private readonly lock: VipLock,
  ) {
    this.interfaceIndex = facts.index;
  }

  async raiseGuard(): Promise<void> {
    this.guard = await raiseGuard(this.spec);
    await this.note();
  }

  private get spec(): GuardSpec {
    return guardSpec(this.options, this.facts);
  }

  private async note(): Promise<void> {
    const { runDir, vips } = this.options;
    this.journal = { ...this.journal, vips: addressesOf(vips) };
    await writeJournal(runDir, { ...this.journal, guard: this.guard === null ? null : identify(this.guard.pid) });
  }

  raise(): Promise<void> {
    return this.serial(async () => {
      try {
        await this.configureTun();
        await this.joinGroups();
      } catch (cause) {
        await this.leaveGroups();
        await this.clearTun();
        const why = cause instanceof CommandError ? cause.message : String(cause);
        throw new HostError('failed', `cannot put the VIPs on ${this.options.tun}: ${why}`, { cause });
      }
      this.raised = true;
    });
  }

  watch(report: (event: HostEvent) => void, intervalMs = WATCH_INTERVAL_MS): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = setInterval(() => {
      this.verify().then(
        (events) => events.forEach(report),
        (cause: unknown) =>
          report({ part: 'guard', repaired: false, detail: `cannot verify the host: ${String(cause)}` }),
      );
    }, intervalMs);
    this.timer.unref();
  }

  verify(): Promise<readonly HostEvent[]> {
    return this.serial(async () => {
      if (!this.raised) return [];
      return [...(await this.verifyGuard()), ...(await this.verifyTun())];
    });
  }

  admit(vips: readonly HostVip[]): Promise<void> {
    return this.serial(async () => {
      const before = this.options.vips;
      const fresh = vips.filter((vip) => !before.some((own) => sameAddress(own.address, vip.address)));
      if (fresh.length === 0) return;
      refuse(busyVips(await hostFacts(this.options.interface), fresh));
      await this.lock.take(addressesOf(fresh), holder(this.options));
      try {
        await this.become([...before, ...fresh]);
      } catch (cause) {
        await this.withdraw(before).catch(() => undefined);
        throw cause instanceof HostError ? cause : new HostError('failed', String(cause), { cause });
      }
    });
  }

  keepOnly(vips: readonly HostVip[]): Promise<void> {
    return this.serial(() => this.withdraw(vips));
  }

  /** The guard first, then what it guards against. */
  private async become(vips: readonly HostVip[]): Promise<void> {
    this.options = { ...this.options, vips };
    await this.guard?.set(this.spec);
    await this.note();
    if (!this.raised) return;
    await this.configureTun();
    await this.joinGroups();
  }

  /** The addresses first, then their guard. */
  private async withdraw(vips: readonly HostVip[]): Promise<void> {
    const isKept = (vip: HostVip) => vips.some((own) => sameAddress(own.address, vip.address));
    const gone = this.options.vips.filter((vip) => !isKept(vip));
    if (gone.length === 0) return;
    this.options = { ...this.options, vips: this.options.vips.filter(isKept) };
    for (const vip of gone)
      await run('ip', ['address', 'del', hostPrefix(vip), 'dev', this.options.tun]).catch(noAddress);
    if (this.raised) await this.joinGroups();
    await this.guard?.set(this.spec);
    await this.note();
    await this.lock.free(addressesOf(gone));
  }

  lower(): Promise<void> {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    return this.serial(async () => {
      this.raised = false;
      await this.leaveGroups();
      await this.clearTun();
    });
  }

  release(): Promise<void> {
    return this.serial(async () => {
      await this.guard?.close();
      this.guard = null;
      await removeJournal(this.options.runDir);
      await this.lock.release();
    });
  }

  private serial<T>(step: () => Promise<T>): Promise<T> {
    const result = this.queue.then(step);
    this.queue = result.catch(() => undefined);
    return result;
  }

  /**
   * IPv4 VIPs get scope host: the kernel still serves them, but never picks one as the source of a connection of its own.
   * IPv6 ones are deprecated (preferred_lft 0) for the same reason, and skip DAD, which cannot work on a TUN. The effective
   * rp_filter is max(all, interface) and a VIP's packets come in by the TUN but leave by the NIC, so the TUN needs 2 (loose).
   */
  private async configureTun(): Promise<void> {
    const { tun } = this.options;
    await run('ip', ['-batch', '-'], { input: `link set dev ${tun} mtu ${this.facts.mtu} addrgenmode none\n` });
    await this.writeTunSysctls();
    const addresses = this.options.vips.map((vip) => addressLine(vip, tun));
    await run('ip', ['-batch', '-'], { input: `link set dev ${tun} up\n${addresses.join('')}` });
  }

  private async joinGroups(): Promise<void> {
    // The new membership before the old one goes: no switch hears of a group that we left.
    const joined = await joinSolicitedNodeGroups(this.options.interface, addressesOf(this.options.vips));
    await this.leaveGroups();
    this.groups = joined;
  }

  private async leaveGroups(): Promise<void> {
    await this.groups?.leave();
    this.groups = null;
  }

  private async writeTunSysctls(): Promise<void> {
    await writeFile(`/proc/sys/net/ipv4/conf/${this.options.tun}/rp_filter`, '2');
    if (this.options.vips.every((vip) => isIPv4(vip.address))) return;
    await writeFile(`/proc/sys/net/ipv6/conf/${this.options.tun}/disable_ipv6`, '0');
    await writeFile(`/proc/sys/net/ipv6/conf/${this.options.tun}/accept_ra`, '0');
  }

  private async clearTun(): Promise<void> {
    // It may be gone already: it is the data plane's.
    await run('ip', ['link', 'set', 'dev', this.options.tun, 'down']).catch(() => undefined);
    await run('ip', ['address', 'flush', 'dev', this.options.tun]).catch(() => undefined);
  }

  private async verifyGuard(): Promise<readonly HostEvent[]> {
    const index = await currentIndex(this.options.interface);
    const replaced = index !== null && index !== this.interfaceIndex;
    if (!replaced && (await this.guard?.stands()) === true) return [];
    const detail = replaced
      ? `interface ${this.options.interface} is another device now`
      : `guard ${this.spec.table} was gone`;
    try {
      await this.repairGuard();
      if (replaced) await this.joinGroups();
      if (index !== null) this.interfaceIndex = index;
      return [{ part: replaced ? 'interface' : 'guard', repaired: true, detail: `${detail}; set again` }];
    } catch (cause) {
      return [{ part: 'guard', repaired: false, detail: `${detail}; ${String(cause)}` }];
    }
  }

  /** With a living child the tables are replaced in one transaction, so there is no gap; else a new child is needed. */
  private async repairGuard(): Promise<void> {
    try {
      if (this.guard !== null) return await this.guard.set();
    } catch {
      await this.guard?.close();
      this.guard = null;
    }
    await this.raiseGuard();
  }

  /** What is not as it was set; null: all is. os.networkInterfaces costs no process, but leaves out what is down; so its bad news is checked. */
  private async faultOfTun(): Promise<TunFault | null> {
    const { tun } = this.options;
    const lacking = (present: readonly { readonly address: string }[]): readonly HostVip[] =>
      this.options.vips.filter((vip) => !present.some((own) => sameAddress(own.address, vip.address)));
    if (lacking(networkInterfaces()[tun] ?? []).length > 0) {
      const facts = await hostFacts(tun);
      const missing = lacking(facts.addresses).map((vip) => vip.address);
      if (missing.length > 0) return { part: 'address', what: `${missing.join(', ')} not on ${tun}` };
      if (!facts.up) return { part: 'tun', what: `${tun} was down` };
    }
    const filter = await readFile(`/proc/sys/net/ipv4/conf/${tun}/rp_filter`, 'utf8').catch(() => null);
    if (filter?.trim() === '2') return null;
    return { part: 'tun', what: `rp_filter of ${tun} was changed` };
  }

  private async verifyTun(): Promise<readonly HostEvent[]> {
    const { tun } = this.options;
    if (!(await exists(`/proc/sys/net/ipv4/conf/${tun}`)))
      return [{ part: 'tun', repaired: false, detail: `device ${tun} is gone` }];
    const fault = await this.faultOfTun();
    if (fault === null) return [];
    try {
      await this.configureTun();
      return [{ part: fault.part, repaired: true, detail: `${fault.what}; set again` }];
    } catch (cause) {
      return [{ part: fault.part, repaired: false, detail: `${fault.what}; ${String(cause)}` }];
    }
  }
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

function addressLine(vip: HostVip, tun: string): string {
  return isIPv4(vip.address)
    ? `address replace ${hostPrefix(vip)} dev ${tun} scope host\n`
    : `address replace ${hostPrefix(vip)} dev ${tun} nodad noprefixroute preferred_lft 0\n`;
}

const hostPrefix = ({ address }: HostVip) => `${address}/${isIPv4(address) ? 32 : 128}`;

/** EADDRNOTAVAIL: somebody else was there before us. */
function noAddress(cause: unknown): void {
  if (!/cannot assign|not found/i.test(String(cause))) throw cause;
}

/** Null where sysfs shows another network namespace, or the interface is gone: then nothing is known. */
async function currentIndex(name: string): Promise<number | null> {
  const text = await readFile(`/sys/class/net/${name}/ifindex`, 'utf8').catch(() => null);
  return text === null ? null : Number(text);
}
