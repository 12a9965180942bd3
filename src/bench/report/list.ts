/** `covey bench --list`. Pure. */
import type { Program, Scenario } from '../contract.js';
import { present } from '../programs.js';

export interface Listed {
  readonly id: string;
  readonly title: string;
  readonly base: string;
  readonly figures: readonly string[];
  readonly peers: readonly {
    readonly name: string;
    readonly about: string;
    /** Null: it can take part. */
    readonly absent: string | null;
    readonly install: string | null;
  }[];
}

export function listed(scenarios: readonly Scenario[], has?: (program: Program) => boolean): readonly Listed[] {
  return scenarios.map(({ id, title, base, figures, peers }) => {
    const { absent } = present(peers, has);
    const ofPeers = peers.map(({ name, about }) => {
      const lack = absent.find((one) => one.name === name);
      return { name, about, absent: lack?.reason ?? null, install: lack?.install ?? null };
    });
    return { id, title, base, figures: figures.map(({ name, unit }) => `${name}, ${unit}`), peers: ofPeers };
  });
}

export function listLines(all: readonly Listed[]): readonly string[] {
  return all.flatMap(({ id, title, base, peers }) => [
    `${id.padEnd(10)}${title}`,
    ...peers.map(({ name, about, absent, install }) => {
      const lack = absent === null ? '' : ` [absent: ${absent}${install === null ? '' : `; ${install}`}]`;
      return `  ${name === base ? '*' : ' '} ${name.padEnd(19)}${about}${lack}`;
    }),
    '',
  ]);
}
