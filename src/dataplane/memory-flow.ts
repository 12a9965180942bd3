/**
 * The life of a key of ours: which of its connections live, and until when the key counts as alive.
 *
 * Only the client's half of a connection is ever seen; replies go straight out. A connection's phases:
 *
 *                    SYN            other packet           FIN
 *   nothing, ended -------> syn ------------------> open ---------> closing (a SYN starts anew)
 *        |                                            ^    RST
 *        | TCP without SYN         second packet      |---------> reset (another packet: glimpse; a forged RST
 *        +-----------------> glimpse -----------------+                  must not end a connection)
 *        | UDP              second packet
 *        +------> once ------------------> stream
 *
 * One packet with a forged source is enough for syn, glimpse and once; so these live briefly.
 */
import { type Packet, PROTOCOL_TCP, PROTOCOL_UDP, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from './packet.js';

/** After the last packet that followed FIN or RST: covers the last retransmissions of both sides. */
export const LINGER_MS = 1000;
/** More than SYN-ACK retransmissions at 1, 3 and 7 s need. */
export const EMBRYO_MS = 10_000;
/** QUIC closes after 30 s of silence by default; DNS needs far less. */
export const UDP_IDLE_MS = 60_000;
/** Just above the 7200 s after which TCP keep-alive probes by default (RFC 9293 section 3.8.4). */
export const TCP_IDLE_MS = 7_500_000;

type Phase = 'closing' | 'reset' | 'syn' | 'glimpse' | 'once' | 'open' | 'stream';

const LIFE_MS: Readonly<Record<Phase, number>> = {
  closing: LINGER_MS,
  reset: LINGER_MS,
  syn: EMBRYO_MS,
  glimpse: EMBRYO_MS,
  once: EMBRYO_MS,
  open: TCP_IDLE_MS,
  stream: UDP_IDLE_MS,
};

interface Connection {
  phase: Phase;
  lastMs: number;
}

/** A key that we serve: in an owned bucket an ordinary entry, elsewhere a keep. */
export class Flow {
  /** False: an ordinary entry, its bucket is ours. */
  isKeep = false;
  /** Serial of the cut that made the keep. */
  serial = 0;
  /** In an offered bucket: neither expires nor is evicted. */
  isPinned = false;
  /** Listed by `offer`, so `cut` need not list it again. */
  isListed = false;
  lastMs: number;
  private holdMs = 0;
  /** Those that are known: the living ones, and ended ones in the order in which they ended. */
  private readonly connections = new Map<number, Connection>();
  /**
   * Two have lived at once, and not all of them have ended since: each then has a time of its own. A single one has the key's, which
   * any packet of the key renews.
   */
  private areSeveral = false;

  constructor(
    readonly record: Uint8Array,
    readonly text: string,
    readonly plan: number,
    public bucket: number,
    nowMs: number,
  ) {
    this.lastMs = nowMs;
  }

  /** A packet of the key was accepted. `holdMs` is its rule's; `vip` and `host` are last bytes of its addresses. */
  touch(packet: Packet, vip: number, host: number, holdMs: number, nowMs: number): void {
    // Expiry is lazy: an entry whose time is over must not differ from one that has gone, nor must a connection.
    if (!this.isAlive(nowMs)) this.startAnew();
    this.forgetOver(nowMs);
    const isConnection = packet.protocol === PROTOCOL_TCP || packet.protocol === PROTOCOL_UDP;
    if (!isConnection || packet.part === 'later') {
      // Echo, ICMP errors and later fragments show no connection; they only keep their own trace.
      if (this.connections.size === 0) this.lastMs = nowMs;
      return;
    }
    this.holdMs = holdMs;
    const id = connectionId(packet, vip, host);
    if (this.areSeveral) this.advanceOneOfSeveral(id, packet, nowMs);
    else this.advanceSingle(id, packet, nowMs);
    this.lastMs = nowMs;
  }

  isAlive(nowMs: number): boolean {
    const ageMs = nowMs - this.lastMs;
    return ageMs < this.holdMs || ageMs < LINGER_MS || this.hasLiving(nowMs);
  }

  /** What would be lost with it: nothing (0), a connection that has only just begun (1), one that lasts (2). */
  get worth(): 0 | 1 | 2 {
    let worth: 0 | 1 = 0;
    for (const { phase } of this.connections.values()) {
      if (phase === 'open' || phase === 'stream') return 2;
      if (isLiving(phase)) worth = 1;
    }
    return worth;
  }

  get isEmbryo(): boolean {
    return this.worth === 1;
  }

  private startAnew(): void {
    this.connections.clear();
    this.areSeveral = false;
    this.holdMs = 0;
  }

  private hasLiving(nowMs: number): boolean {
    for (const connection of this.connections.values()) {
      if (isLiving(connection.phase) && !this.isOver(connection, nowMs)) return true;
    }
    return false;
  }

  private isOver({ phase, lastMs }: Connection, nowMs: number): boolean {
    return nowMs - (this.areSeveral ? lastMs : this.lastMs) >= LIFE_MS[phase];
  }

  private forgetOver(nowMs: number): void {
    for (const [id, connection] of this.connections) {
      if (this.isOver(connection, nowMs)) this.connections.delete(id);
    }
    if (!this.areSeveral || this.hasLiving(nowMs)) return;
    this.endSeveral(this.connections.keys().next().value ?? NOBODY);
    if (nowMs - this.lastMs >= LINGER_MS) this.connections.clear();
  }

  /** All have ended; one is remembered, so that its last packets do not look like a new one. */
  private endSeveral(remembered: number): void {
    this.connections.clear();
    this.connections.set(remembered, { phase: 'closing', lastMs: this.lastMs });
    this.areSeveral = false;
  }

  private advanceSingle(id: number, packet: Packet, nowMs: number): void {
    const [known] = this.connections;
    if (known === undefined || known[0] === id) {
      const phase = nextPhase(known?.[1].phase, packet);
      if (phase !== undefined) this.connections.set(id, { phase, lastMs: nowMs });
      return;
    }
    if (!startsConnection(packet)) return;
    if (isLiving(known[1].phase)) {
      known[1].lastMs = this.lastMs;
      this.areSeveral = true;
    } else this.connections.clear();
    this.connections.set(id, { phase: nextPhase(undefined, packet)!, lastMs: nowMs });
  }

  private advanceOneOfSeveral(id: number, packet: Packet, nowMs: number): void {
    const known = this.connections.get(id);
    if (known === undefined && !startsConnection(packet)) return;
    const phase = nextPhase(known?.phase, packet)!;
    if (known !== undefined && isLiving(known.phase) && !isLiving(phase)) this.connections.delete(id);
    this.connections.set(id, { phase, lastMs: nowMs });
    if (!this.hasLiving(nowMs)) this.endSeveral(id);
  }
}

/** The id of no connection. */
const NOBODY = -1;

const isLiving = (phase: Phase) => phase !== 'closing' && phase !== 'reset';

function nextPhase(phase: Phase | undefined, packet: Packet): Phase | undefined {
  return packet.protocol === PROTOCOL_TCP ? nextOfTcp(phase, packet.flags) : nextOfUdp(phase);
}

/**
 * Ports are 32 bits; protocol and the last bytes of VIP and client (which a key of affinity `network` leaves out) tell the rest
 * apart. Stays below 2^53.
 */
function connectionId(packet: Packet, vip: number, host: number): number {
  const kind = packet.protocol === PROTOCOL_TCP ? 1 : 0;
  return (((kind * 256 + vip) * 256 + host) * 65536 + packet.destinationPort) * 65536 + packet.sourcePort;
}

/** A bare ACK, FIN or RST of an unknown connection, beside living ones of its key, is the tail of one that has ended. */
function startsConnection(packet: Packet): boolean {
  if (packet.protocol === PROTOCOL_UDP) return true;
  if ((packet.flags & (TCP_RST | TCP_FIN)) !== 0) return false;
  return (packet.flags & TCP_SYN) !== 0 || packet.hasPayload;
}

/** Undefined: still nothing is known. */
function nextOfTcp(phase: Phase | undefined, flags: number): Phase | undefined {
  if ((flags & TCP_RST) !== 0) return phase === undefined ? undefined : 'reset';
  if ((flags & TCP_FIN) !== 0) return 'closing';
  const isFirst = (flags & (TCP_SYN | TCP_ACK)) === TCP_SYN;
  switch (phase) {
    case 'open':
      return 'open';
    case 'closing':
      return isFirst ? 'syn' : 'closing';
    case 'syn':
      return isFirst ? 'syn' : 'open';
    case 'glimpse':
      return isFirst ? 'glimpse' : 'open';
    default:
      return isFirst ? 'syn' : 'glimpse';
  }
}

function nextOfUdp(phase: Phase | undefined): Phase {
  return phase === undefined ? 'once' : 'stream';
}
