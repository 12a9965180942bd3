/** What the reach services of members say to each other on the peer link: JSON of version 1. */
import type { Capability, Claim, NodeRow } from './contract.js';

export type ReachMessage =
  /** Probe now, and send your row. */
  | { readonly type: 'probe'; readonly id: string }
  | { readonly type: 'row'; readonly id: string; readonly row: NodeRow }
  /** What the sender can do by its own evidence, and why no better: told when it changes, and to who has just come. */
  | { readonly type: 'judged'; readonly best: Capability; readonly why: string }
  /** Somebody else has a VIP: answers to one node reach no other. */
  | { readonly type: 'claim'; readonly claim: Claim }
  /** Let your offer go up to your evidence: people say so (`isCommand`), or what kept the farm down has never been evidence. */
  | { readonly type: 'up'; readonly why: string; readonly isCommand: boolean };

export function encodeMessage(message: ReachMessage): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ version: 1, ...message }));
}

/** Null for what this version does not know. The link is sealed, so what comes is a member's word. */
export function decodeMessage(body: Uint8Array): ReachMessage | null {
  const message = JSON.parse(new TextDecoder().decode(body)) as { readonly version?: number } & ReachMessage;
  return message.version === 1 ? message : null;
}
