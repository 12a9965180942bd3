/**
 * Is the VIP free? Asked before it is taken (RFC 5227 section 2.1, RFC 4862 section 5.4), with shorter waits than there: three questions within
 * 200 ms, and an answer is waited for 150 ms more. An owner that is slower is noticed while the node runs.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Claims, claimText } from './claims.js';
import type { Claim } from './contract.js';
import {
  ADVERTISEMENT,
  advertisementPacket,
  arpProbe,
  arpRequest,
  ETHER,
  ethernet,
  solicitationProbe,
} from './packets.js';

const QUESTIONS = 3;
const BETWEEN_MS = 100;
const PATIENCE_MS = 150;
/** While another host has the VIP, it is asked again this often whether it still does. */
const AGAIN_MS = 2000;

export interface ConflictParts {
  readonly vips: readonly Uint8Array[];
  readonly mac: Uint8Array;
  readonly claims: Claims;
  readonly send: (frame: Uint8Array) => void;
  readonly nowMs: () => number;
  /** Says who has a VIP; empty: nobody any more. */
  readonly conflict: (detail: string) => void;
}

/** One question for each VIP, which no host learns anything from. */
export function askForVips({ vips, mac, send }: Pick<ConflictParts, 'vips' | 'mac' | 'send'>): void {
  for (const vip of vips) send(vip.length === 4 ? arpProbe(mac, vip) : solicitationProbe(mac, vip));
}

const ALL_NODES = Uint8Array.of(0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES_MAC = Uint8Array.of(0x33, 0x33, 0, 0, 0, 1);

/**
 * Tells all hosts that the VIPs are at our own MAC (RFC 5227 section 2.3, RFC 4861 section 7.2.6). Only for a node that serves alone: in a farm it
 * would draw all clients to one node.
 */
export function announceVips({ vips, mac, send }: Pick<ConflictParts, 'vips' | 'mac' | 'send'>): void {
  for (const vip of vips) {
    if (vip.length === 4) send(arpRequest(mac, vip, vip));
    else {
      const packet = advertisementPacket(vip, ALL_NODES, mac, new Uint8Array(0), ADVERTISEMENT.override);
      send(ethernet(ALL_NODES_MAC, mac, ETHER.ipv6, packet));
    }
  }
}

/** Who else has a VIP; empty: nobody answers. Takes 350 ms. */
export async function whoHasVips(parts: ConflictParts): Promise<readonly Claim[]> {
  const startedMs = parts.nowMs();
  for (let question = 0; question < QUESTIONS; question++) {
    askForVips(parts);
    await delay(question < QUESTIONS - 1 ? BETWEEN_MS : PATIENCE_MS);
  }
  return parts.claims.current(parts.nowMs(), parts.nowMs() - startedMs);
}

/**
 * Asks once; when another host has a VIP, says so, and goes on asking in the background until it has not. Resolves after the first
 * answer: then the core knows what it must.
 */
export async function checkVips(parts: ConflictParts, signal: AbortSignal): Promise<void> {
  const said = await sayWhoHas(parts, '');
  if (said !== '') void askAgain(parts, said, signal);
}

async function askAgain(parts: ConflictParts, first: string, signal: AbortSignal): Promise<void> {
  for (let said = first; said !== '' && !signal.aborted; ) {
    await delay(AGAIN_MS, undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) said = await sayWhoHas(parts, said);
  }
}

async function sayWhoHas(parts: ConflictParts, said: string): Promise<string> {
  const detail = (await whoHasVips(parts)).map(claimText).join('; ');
  if (detail !== said) parts.conflict(detail);
  return detail;
}
