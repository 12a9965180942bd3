/**
 * Changes of the config while they are under way, so that nobody waits for a moment's difference: `next` counts as `base`, and the
 * plan does not change on the way. Only where every living member was told of the change does it count: else those who were and
 * those who were not would have different views, and agree on nothing, until it is forgotten.
 */
import { hash32 } from '../buckets/hash.js';
import type { ConfigSwitch } from './contract.js';
import type { State } from './state.js';

const SEED = 0x73776974;

/** How heartbeats name a change, uint32. Members are authenticated, so an id need only tell changes apart. */
export function switchId({ base, next }: ConfigSwitch): number {
  return hash32(
    SEED,
    Uint8Array.from(`${base} ${next}`, (character) => character.charCodeAt(0)),
  );
}

/** Ids of the changes that we were told of, oldest first. */
export function ownSwitchIds(s: State): readonly number[] {
  return (s.settings.switches ?? []).map(switchId);
}

/** What our own config counts as. */
export function ownConfig(s: State): string {
  return configCountedAs(s, s.settings.configDigest);
}

/** Newest first, each once: so a switch there and one back meet in the same config, whichever of the two a member has. */
export function configCountedAs(s: State, digest: string): string {
  return knownToAll(s).reduceRight((known, { base, next }) => (known === next ? base : known), digest);
}

function knownToAll(s: State): readonly ConfigSwitch[] {
  const { switches = [] } = s.settings;
  if (switches.length === 0) return switches;
  const peers = [...s.peers.values()];
  return switches.filter((change) => {
    const id = switchId(change);
    return s.rules.switchCounts(peers.every(({ heartbeat }) => heartbeat.switches.includes(id)));
  });
}
