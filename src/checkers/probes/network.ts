/** `tcp`, `udp` and `ping`. */
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { CheckerTarget } from '../../config/contract.js';
import type { Probe, Verdict } from '../contract.js';

/** Gives the round trip in ms, or null when nothing came back in time. Throws where this host cannot do it at all. */
export type Ping = (address: string, timeoutMs: number) => Promise<number | null>;

/** `[::1]:53` -> `::1`, 53. */
export function hostAndPort(text: string): { readonly host: string; readonly port: number } {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) };
}

/** A connection is made; that is what a client would see. */
export function tcpProbe({ address }: { readonly address: string }): Probe {
  const { host, port } = hostAndPort(address);
  return (signal) =>
    new Promise<Verdict>((resolve, reject) => {
      const socket = connect({ host, port, signal });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.destroy();
        resolve({ ok: true, detail: 'connected' });
      });
    });
}

/** Bytes as the config writes them: "\x12" in YAML is the byte 0x12; what no byte can be makes all of it UTF-8. */
export function payloadBytes(payload: string): Buffer {
  const isBytes = [...payload].every((letter) => letter.codePointAt(0)! <= 0xff);
  return Buffer.from(payload, isBytes ? 'latin1' : 'utf8');
}

/** Any answer, or one that matches; the pattern sees each byte as one character. */
export function udpProbe({ address, payload, expect }: Omit<Extract<CheckerTarget, { type: 'udp' }>, 'type'>): Probe {
  const { host, port } = hostAndPort(address);
  const wanted = expect === null ? null : new RegExp(expect, 'su');
  const bytes = payloadBytes(payload);
  return (signal) =>
    new Promise<Verdict>((resolve, reject) => {
      const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
      const end = (settle: () => void) => {
        signal.removeEventListener('abort', abort);
        socket.close();
        settle();
      };
      const abort = () => end(() => reject(new Error('no answer')));
      signal.addEventListener('abort', abort, { once: true });
      socket.once('error', (error) => end(() => reject(error)));
      socket.once('message', (message) => {
        const isWanted = wanted === null || wanted.test(message.toString('latin1'));
        const detail = `answer of ${message.length} bytes${isWanted ? '' : ' that does not match'}`;
        end(() => resolve({ ok: isWanted, detail }));
      });
      // Connected: then "port unreachable" is an error here, and nobody else can answer.
      socket.connect(port, host, () => socket.send(bytes));
    });
}

export function pingProbe(address: string, timeoutMs: number, ping: Ping): Probe {
  return async () => {
    try {
      const roundTripMs = await ping(address, timeoutMs);
      if (roundTripMs === null) return { ok: false, detail: `${address} does not answer within ${timeoutMs} ms` };
      return { ok: true, detail: `${address} answers after ${roundTripMs.toFixed(1)} ms` };
    } catch (error) {
      return { ok: null, detail: (error as Error).message };
    }
  };
}
