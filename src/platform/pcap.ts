/**
 * Captured frames by the `pcap` package, live or from a file, decoded for people. For `covey trace`.
 *
 * Main thread only: the package is bound to the main event loop. It is optional: without it, only trace is missing.
 */
import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';

/** The part of pcap's API that is used. `buf` is overwritten by the next frame. */
interface RawPacket {
  readonly buf: Buffer;
  readonly header: Buffer;
  readonly link_type: string;
}
interface Session {
  readonly link_type: string;
  on(event: 'packet', listener: (raw: RawPacket) => void): void;
  on(event: 'complete', listener: () => void): void;
  stats(): { readonly ps_recv: number; readonly ps_drop: number };
  close(): void;
}
interface PcapModule {
  createSession(
    device: string,
    options: { filter: string; buffer_timeout: number; snap_length: number; promiscuous: boolean },
  ): Session;
  createOfflineSession(path: string, options: { filter: string }): Session;
  decode(raw: RawPacket): { readonly payload: Decoded | null };
  warningHandler: (text: string) => void;
}
/** What the decoders give, as far as it is shown. */
interface Decoded {
  readonly payload?: Decoded;
  readonly ethertype?: number;
  readonly saddr?: unknown;
  readonly daddr?: unknown;
  readonly protocol?: number;
  readonly nextHeader?: number;
  readonly sport?: number;
  readonly dport?: number;
  readonly dataLength?: number;
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly type?: number;
  readonly operation?: number;
  readonly sender_pa?: unknown;
  readonly target_pa?: unknown;
}

export interface CapturedFrame {
  /** Wall clock, ms. */
  readonly atMs: number;
  /** The first bytes; a copy. */
  readonly bytes: Uint8Array;
  /** Of the whole frame. */
  readonly length: number;
  readonly decoded: DecodedFrame;
}

export interface DecodedFrame {
  /** One of `tcp`, `udp`, `icmp`, `arp`, `ipv4`, `ipv6`, or the EtherType. */
  readonly protocol: string;
  /** Address, or address and port; null where the frame has none. */
  readonly from: string | null;
  readonly to: string | null;
  /** TCP flags, ARP's question, ICMP's type; may be empty. */
  readonly detail: string;
}

export interface Capture {
  /** Resolves when a file is at its end; a live capture never does. */
  readonly ended: Promise<void>;
  /** Frames that the kernel lost before us. */
  lost(): number;
  close(): void;
}

/** Nothing can be captured; `hint` says what to type next. */
export class CaptureError extends Error {
  override readonly name = 'CaptureError';
  constructor(
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Enough for all headers with extensions, and what ICMP errors embed. */
const SNAP_BYTES = 384;

/**
 * Whoever opened one must end his process himself: the package's `close` only asks the next read to end (pcap_breakloop), and on a silent
 * network there is none; its handle keeps the process alive until then.
 */
export function openLive(device: string, filter: string, onFrame: (frame: CapturedFrame) => void): Capture {
  const pcap = load();
  const options = { filter, buffer_timeout: 0, snap_length: SNAP_BYTES, promiscuous: true };
  const session = opened(filter, device, () => pcap.createSession(device, options));
  session.on('packet', (raw) => onFrame(frameOf(pcap, raw)));
  return {
    ended: new Promise(() => undefined),
    lost: () => session.stats().ps_drop,
    close: () => session.close(),
  };
}

/** @throws CaptureError where the file cannot be read, or none is there. Said before anything else that a trace may lack. */
export function checkFile(path: string): void {
  try {
    closeSync(openSync(path, 'r'));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : (cause as Error).message;
    throw new CaptureError(`cannot read the capture ${path}: ${why}`, 'tcpdump -i eth0 -w FILE writes one', { cause });
  }
}

/** The whole file is read in one go, so `onFrame` must not keep more than it has room for. */
export function openFile(path: string, filter: string, onFrame: (frame: CapturedFrame) => void): Capture {
  const pcap = load();
  const session = opened(filter, path, () => pcap.createOfflineSession(path, { filter }));
  if (session.link_type !== 'LINKTYPE_ETHERNET') {
    session.close();
    throw new CaptureError(`${path} holds no Ethernet frames (${session.link_type})`, 'capture on the VIP interface');
  }
  session.on('packet', (raw) => onFrame(frameOf(pcap, raw)));
  return {
    ended: new Promise((done) => session.on('complete', done)),
    lost: () => 0,
    close: () => session.close(),
  };
}

function load(): PcapModule {
  try {
    const pcap = createRequire(import.meta.url)('pcap') as PcapModule;
    // It would warn of interfaces without an address, on standard output.
    pcap.warningHandler = () => undefined;
    return pcap;
  } catch (cause) {
    throw new CaptureError('trace needs the package pcap, which cannot be loaded', 'type: npm rebuild pcap', { cause });
  }
}

function opened(filter: string, what: string, open: () => Session): Session {
  try {
    return open();
  } catch (cause) {
    const text = (cause as Error).message;
    if (/permission|not permitted|EPERM/i.test(text)) {
      throw new CaptureError(`no permission to capture on ${what}`, 'try again with sudo (it needs CAP_NET_RAW)', {
        cause,
      });
    }
    if (/unknown file format|truncated dump file|bad dump file/i.test(text)) {
      throw new CaptureError(`${what} is no capture file: ${text}`, 'tcpdump -w FILE makes one', { cause });
    }
    if (/syntax|parse|filter|expression|unknown|illegal|parens/i.test(text)) {
      throw new CaptureError(`"${filter}" is no filter: ${text}`, 'filters are those of tcpdump: man pcap-filter', {
        cause,
      });
    }
    throw new CaptureError(`cannot capture from ${what}: ${text}`, 'does it exist? see: ip link', { cause });
  }
}

function frameOf(pcap: PcapModule, raw: RawPacket): CapturedFrame {
  const [seconds, microseconds, captured, length] = [0, 4, 8, 12].map((at) => raw.header.readUInt32LE(at)) as [
    number,
    number,
    number,
    number,
  ];
  const bytes = Uint8Array.from(raw.buf.subarray(0, Math.min(captured, SNAP_BYTES)));
  return { atMs: seconds * 1000 + microseconds / 1000, bytes, length, decoded: decodedFrame(pcap, raw) };
}

/** The decoders trust their input, and some of them talk: what they cannot read is shown as far as it goes. */
function decodedFrame(pcap: PcapModule, raw: RawPacket): DecodedFrame {
  const { log } = console;
  console.log = () => undefined;
  try {
    const frame = pcap.decode(raw).payload;
    return frame === null ? UNREADABLE : describe(frame);
  } catch {
    return UNREADABLE;
  } finally {
    console.log = log;
  }
}

const UNREADABLE: DecodedFrame = { protocol: 'unreadable', from: null, to: null, detail: '' };
const PROTOCOLS: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmp' };
const ETHERTYPE_ARP = 0x0806;

function describe({ ethertype = 0, payload }: Decoded): DecodedFrame {
  if (payload === undefined || payload === null || typeof payload !== 'object') {
    return { protocol: `0x${ethertype.toString(16).padStart(4, '0')}`, from: null, to: null, detail: '' };
  }
  if (ethertype === ETHERTYPE_ARP) return describeArp(payload);
  const family = ethertype === 0x0800 ? 'ipv4' : 'ipv6';
  const protocol = PROTOCOLS[payload.protocol ?? payload.nextHeader ?? -1] ?? family;
  const inner = payload.payload ?? {};
  const [from, to] = [endpoint(payload.saddr, inner.sport), endpoint(payload.daddr, inner.dport)];
  return { protocol, from, to, detail: detailOf(protocol, inner) };
}

function describeArp({ operation, sender_pa: sender, target_pa: target }: Decoded): DecodedFrame {
  const detail = operation === 1 ? 'who-has' : operation === 2 ? 'is-at' : `operation ${operation}`;
  return { protocol: 'arp', from: endpoint(sender, undefined), to: endpoint(target, undefined), detail };
}

function endpoint(address: unknown, port: number | undefined): string | null {
  if (address === undefined || address === null) return null;
  const text = String(address);
  if (port === undefined) return text;
  return text.includes(':') ? `[${text}]:${port}` : `${text}:${port}`;
}

const FLAGS = ['syn', 'fin', 'rst', 'psh', 'ack', 'urg'] as const;

function detailOf(protocol: string, { flags, type }: Decoded): string {
  if (protocol === 'tcp' && flags !== undefined) return FLAGS.filter((flag) => flags[flag] === true).join(',');
  return protocol === 'icmp' && type !== undefined ? `type ${type}` : '';
}
