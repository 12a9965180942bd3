import { describe, expect, it } from 'vitest';
import type { ProbeKind } from '../../../src/reach/contract.js';
import { Evidence, MISSED_ROUNDS, STALE_MS } from '../../../src/reach/evidence.js';
import type { Probe } from '../../../src/reach/probe-frame.js';

const OWN_RUN = 1;
const KINDS: readonly ProbeKind[] = ['flood-ipv4', 'unicast-ipv4'];

/** A peer that sends rounds, of which some kinds are lost on the way. */
class Peer {
  round = 0;
  constructor(
    readonly evidence: Evidence,
    readonly name: string,
    readonly run: number,
    readonly knowsUs = true,
  ) {}

  /** @returns what `take` said of the carrier. */
  send(
    lost: readonly ProbeKind[] = [],
    to: readonly number[] = this.knowsUs ? [OWN_RUN] : [],
    atMs = this.round * 600,
  ) {
    this.round += 1;
    for (const kind of KINDS) if (!lost.includes(kind)) this.evidence.take(this.probe(kind), atMs);
    return lost.includes('carrier') ? null : this.evidence.take(this.carrier(to), atMs);
  }

  probe(kind: ProbeKind, round = this.round): Probe {
    return {
      kind,
      mac: Uint8Array.of(0x0a, 0, 0, 0, 0, this.run),
      run: this.run,
      round,
      name: this.name,
      carrier: null,
      bytes: 46,
    };
  }

  carrier(to: readonly number[]): Probe {
    const carrier = { address: new Uint8Array(4), framesSeen: 0, mode: '', kinds: KINDS, to };
    return { ...this.probe('carrier'), carrier };
  }
}

const kindsOf = (evidence: Evidence, atMs = 0) =>
  Object.fromEntries(evidence.rows(atMs).map((row) => [row.from, row.kinds]));

describe('evidence', () => {
  it('what arrives is delivered, and a new sender is told once', () => {
    const evidence = new Evidence(OWN_RUN);
    const n2 = new Peer(evidence, 'n2', 2);
    expect(n2.send()?.name).toBe('n2');
    expect(n2.send()).toBeNull();
    expect(kindsOf(evidence)).toEqual({ n2: { 'flood-ipv4': 'yes', 'unicast-ipv4': 'yes' } });
  });

  it('what is missing counts as not delivered only after enough rounds, and at once as delivered when it is back', () => {
    const evidence = new Evidence(OWN_RUN);
    const n2 = new Peer(evidence, 'n2', 2);
    n2.send();
    for (let round = 1; round < MISSED_ROUNDS; round++) n2.send(['flood-ipv4']);
    expect(kindsOf(evidence).n2?.['flood-ipv4']).toBe('yes');
    n2.send(['flood-ipv4']);
    expect(kindsOf(evidence).n2).toEqual({ 'flood-ipv4': 'no', 'unicast-ipv4': 'yes' });
    expect(evidence.rows(0)[0]?.missed).toEqual({ 'flood-ipv4': MISSED_ROUNDS });
    n2.send();
    expect(kindsOf(evidence).n2?.['flood-ipv4']).toBe('yes');
  });

  it('what never came is unknown at first', () => {
    const evidence = new Evidence(OWN_RUN);
    const n2 = new Peer(evidence, 'n2', 2);
    n2.send(['flood-ipv4']);
    expect(kindsOf(evidence).n2?.['flood-ipv4']).toBe('unknown');
  });

  it('a silent sender proves nothing: only carriers count rounds', () => {
    const evidence = new Evidence(OWN_RUN);
    const n2 = new Peer(evidence, 'n2', 2);
    n2.send();
    for (let round = 0; round < 3 * MISSED_ROUNDS; round++) n2.send(['carrier', 'flood-ipv4', 'unicast-ipv4']);
    expect(kindsOf(evidence).n2).toEqual({ 'flood-ipv4': 'yes', 'unicast-ipv4': 'yes' });
  });

  it('frames to peers are missed only in rounds that were for us', () => {
    const evidence = new Evidence(OWN_RUN);
    const n2 = new Peer(evidence, 'n2', 2);
    n2.send();
    for (let round = 0; round < 3 * MISSED_ROUNDS; round++) n2.send(['unicast-ipv4'], [99]);
    expect(kindsOf(evidence).n2?.['unicast-ipv4']).toBe('yes');
  });

  it('counts nobody who has not named our present run: it may be a recording', () => {
    const evidence = new Evidence(OWN_RUN);
    const n2 = new Peer(evidence, 'n2', 2, false);
    for (let round = 0; round < 10; round++) n2.send();
    expect(evidence.rows(0)).toEqual([]);
    expect(evidence.peers(0).map(({ run }) => run)).toEqual([2]);
    n2.send([], [OWN_RUN]);
    expect(evidence.rows(0).map(({ from }) => from)).toEqual(['n2']);
  });

  it('a newer life of a node ends the older one, for good', () => {
    const evidence = new Evidence(OWN_RUN);
    const first = new Peer(evidence, 'n2', 2);
    first.send();
    new Peer(evidence, 'n2', 3).send();
    first.round = 50;
    expect(first.send()).toBeNull();
    expect(evidence.senders(0).map(({ run }) => run)).toEqual([3]);
  });

  it('a frame of an old round, played again, proves nothing', () => {
    const evidence = new Evidence(OWN_RUN);
    const n2 = new Peer(evidence, 'n2', 2);
    n2.send();
    const recorded = n2.probe('flood-ipv4');
    for (let round = 0; round < MISSED_ROUNDS; round++) {
      n2.send(['flood-ipv4']);
      evidence.take(recorded, 0);
    }
    expect(kindsOf(evidence).n2?.['flood-ipv4']).toBe('no');
  });

  it('forgets who is not heard any more', () => {
    const evidence = new Evidence(OWN_RUN);
    new Peer(evidence, 'n2', 2).send([], [OWN_RUN], 0);
    expect(evidence.rows(STALE_MS)).toHaveLength(1);
    expect(evidence.rows(STALE_MS + 1)).toHaveLength(0);
  });
});
