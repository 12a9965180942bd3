/**
 * Heartbeats on a further network, by UDP: sent to its directed broadcast (IPv6: to all nodes of the link).
 *
 * The socket is bound to the very address that is sent to, so it receives this network's heartbeats and nothing else, on one
 * interface; the kernel takes the interface's address as source (inet_bind leaves it open for broadcast and multicast). The network
 * may be absent, go away and come back: it is looked for every second, and each change or error is visible in `status`.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { TokenBucket } from '../wire/limit.js';
import { findPlace, type Network, parseNetwork, type UdpPlace } from './udp-network.js';

const LOOK_EVERY_MS = 1000;
const RECEIVE_BUFFER_BYTES = 512 * 1024;
/** More than all of a 64-node farm's traffic; what is above is not even looked at. */
const MAX_DATAGRAMS_PER_S = 20_000;
/** Sending is given up for the while that this many datagrams wait in the kernel or libuv. */
const MAX_UNSENT = 256;

export interface UdpPathOptions {
  /** CIDR, as in the config. */
  readonly network: string;
  readonly port: number;
  /** ms on any clock that does not go back. */
  readonly nowMs: () => number;
  /** `source` is address and port of the sender. */
  readonly onDatagram: (datagram: Uint8Array, source: string, path: string) => void;
  /** Tests hand in another. */
  readonly interfaces?: typeof networkInterfaces;
}

export interface UdpPathStatus {
  readonly path: string;
  readonly place: UdpPlace | null;
  readonly sent: number;
  readonly received: number;
  /** Datagrams above the bound of received ones, or of waiting ones when sending. */
  readonly overflow: number;
  readonly errors: number;
  /** The newest error; empty once a datagram was sent after it. */
  readonly lastError: string;
}

export class UdpPath {
  /** `udp:<network>`. */
  readonly name: string;
  readonly #options: UdpPathOptions;
  readonly #network: Network;
  readonly #timer: NodeJS.Timeout;
  readonly #bound = new TokenBucket(MAX_DATAGRAMS_PER_S, MAX_DATAGRAMS_PER_S / 10);
  #place: UdpPlace | null = null;
  #socket: Socket | null = null;
  #isBound = false;
  /** Something failed since the socket was opened. That a later datagram was sent proves little: it may still hear nothing. */
  #isSuspect = false;
  #unsent = 0;
  #sent = 0;
  #received = 0;
  #overflow = 0;
  #errors = 0;
  #lastError = '';

  /** Begins at once. Throws {@link RangeError} for a network that is none. */
  constructor(options: UdpPathOptions) {
    this.#options = options;
    this.#network = parseNetwork(options.network);
    this.name = `udp:${options.network}`;
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS);
    this.#timer.unref();
    this.look();
  }

  /** Looks for the network now: opens, closes or moves the socket. One that failed is opened anew: its interface may have been
   *  deleted and made again, under another index. */
  look(): void {
    const place = findPlace(this.#network, (this.#options.interfaces ?? networkInterfaces)());
    if (this.#socket !== null && !this.#isSuspect && samePlace(place, this.#place)) return;
    this.#shut();
    this.#place = place;
    if (place !== null) this.#open(place);
  }

  send(datagram: Uint8Array): void {
    if (this.#socket === null || this.#place === null || !this.#isBound) return;
    if (this.#unsent >= MAX_UNSENT) {
      this.#overflow += 1;
      return;
    }
    this.#unsent += 1;
    const socket = this.#socket;
    socket.send(datagram, this.#options.port, this.#place.target, (error) => {
      this.#unsent -= 1;
      if (this.#socket !== socket) return;
      if (error !== null) return this.#failed(error);
      this.#sent += 1;
      this.#lastError = '';
    });
  }

  /** Whom another process may send to in our place: the supervisor's obituary. Null while the network is absent. */
  target(): { readonly address: string; readonly port: number; readonly localAddress: string } | null {
    if (this.#place === null) return null;
    return { address: this.#place.target, port: this.#options.port, localAddress: this.#place.localAddress };
  }

  health(): { readonly ok: boolean; readonly detail: string } {
    if (this.#place === null)
      return { ok: false, detail: `no interface that is up has an address in ${this.#options.network}` };
    const where = `${this.#place.interface}, ${this.#place.localAddress}`;
    if (this.#lastError !== '') return { ok: false, detail: `${where}: ${this.#lastError}` };
    return { ok: this.#isBound, detail: where };
  }

  status(): UdpPathStatus {
    const [sent, received, overflow, errors] = [this.#sent, this.#received, this.#overflow, this.#errors];
    return { path: this.name, place: this.#place, sent, received, overflow, errors, lastError: this.#lastError };
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#timer);
    this.#shut();
    this.#place = null;
  }

  #open(place: UdpPlace): void {
    const socket = createSocket({ type: place.family, ipv6Only: place.family === 'udp6' });
    this.#socket = socket;
    this.#isSuspect = false;
    socket.on('error', (error) => {
      this.#failed(error);
      if (this.#socket === socket) this.#shut();
    });
    socket.on('message', (datagram, remote) => this.#take(datagram, remote));
    socket.bind({ address: place.target, port: this.#options.port }, () => {
      if (this.#socket !== socket) return;
      this.#isBound = true;
      this.#configure(socket, place);
    });
  }

  #configure(socket: Socket, place: UdpPlace): void {
    try {
      socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
      if (place.family === 'udp4') socket.setBroadcast(true);
      else {
        socket.setMulticastInterface(`::%${place.interface}`);
        socket.setMulticastLoopback(false);
      }
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  #take(datagram: Uint8Array, { address, port }: RemoteInfo): void {
    if (!this.#bound.ready(this.#options.nowMs())) {
      this.#overflow += 1;
      return;
    }
    this.#bound.take();
    this.#received += 1;
    this.#options.onDatagram(datagram, `${address} ${port}`, this.name);
  }

  #failed(error: Error): void {
    this.#errors += 1;
    this.#isSuspect = true;
    this.#lastError = error.message;
  }

  /** The next look opens a new socket. */
  #shut(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#isBound = false;
    socket?.close();
  }
}

function samePlace(a: UdpPlace | null, b: UdpPlace | null): boolean {
  return (
    a?.interface === b?.interface &&
    a?.localAddress === b?.localAddress &&
    a?.target === b?.target &&
    a?.interfaceIndex === b?.interfaceIndex
  );
}
