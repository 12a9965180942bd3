/** What is worth saying about a config that is right. One line each, for `check-config` and the start of `run`. */
import type { Config, Rule } from './contract.js';
import { EVENT_KIND_NAMES, matchesKind } from './event-kinds.js';
import { electorate } from './resolve.js';
import { didYouMean } from './suggest.js';

/** Things that are allowed and probably not meant. */
export function advice(config: Config): readonly string[] {
  return [...shadowedRules(config), ...idleHolds(config), ...lonelyQuorum(config), ...idleNotifications(config)];
}

function shadowedRules(config: Config): string[] {
  return config.rules.flatMap((rule, index) => {
    const earlier = config.rules.slice(0, index).filter((other) => other.protocol === rule.protocol);
    if (!rule.ports.every((range) => isCovered(range, earlier))) return [];
    return [`rule ${rule.name} never matches: rules above it take all of its ports, and the first match wins`];
  });
}

/** Whether the ranges of `rules`, taken together, hold all of `range`. */
function isCovered(range: Rule['ports'][number], rules: readonly Rule[]): boolean {
  const ranges = rules.flatMap((rule) => rule.ports).sort((a, b) => a.first - b.first);
  let next = range.first;
  for (const { first, last } of ranges) if (first <= next && last >= next) next = last + 1;
  return next > range.last;
}

function idleHolds(config: Config): string[] {
  return config.rules
    .filter((rule) => rule.holdMs > 0 && rule.affinity === 'connection')
    .map(
      (rule) =>
        `rule ${rule.name}: hold remembers a client's port, which the client changes; affinity: client was meant`,
    );
}

/** The config need not name every node, so that only few names are an oversight cannot be known, but it is worth a word. */
function lonelyQuorum(config: Config): string[] {
  const named = electorate(config);
  if (config.quorum === 'none' || named.length >= 3) return [];
  const names = named.length === 0 ? 'none' : named.join(', ');
  return [
    `quorum: majority is counted of the nodes that the config names (${names}): name every node under nodes:, as in n1: {}`,
  ];
}

/** A later version may know more kinds, so these are no faults: one config is for all nodes while they are upgraded. */
function idleNotifications({ notify }: Config): string[] {
  const unknown = new Set(notify.flatMap(({ events }) => events).filter((pattern) => !isKnown(pattern)));
  return [...unknown].map(
    (pattern) =>
      `notify: there are no events ${pattern}${didYouMean(pattern, EVENT_KIND_NAMES)}; see: covey events --kinds`,
  );
}

const isKnown = (pattern: string) => EVENT_KIND_NAMES.some((kind) => matchesKind(pattern, kind));
