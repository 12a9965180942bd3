/**
 * Members tell each other who asked them for a VIP: with reach `relay` whoever takes over an ingress must know whom to tell, also of
 * those who asked before it came, or asked one member alone.
 */
import type { DataPlane } from '../dataplane/contract.js';
import { ASKER_BYTES } from '../dataplane/contract.js';
import type { MemberStatus } from '../membership/contract.js';
import type { Incarnation, LinkMessage, NodeName } from '../membership/messages.js';

/** Kind of the link's `opaque` messages that carry records of askers. */
export const ASKERS_KIND = 'askers';
/** Fits any link; 4096 askers are 160 KiB. */
const RECORDS_PER_MESSAGE = 8192;

export interface AskerExchangeParts {
  readonly node: NodeName;
  readonly dataPlane: Pick<DataPlane, 'takeAskers' | 'learnAskers'>;
  readonly send: (to: NodeName, message: LinkMessage) => void;
  readonly members: () => readonly Pick<MemberStatus, 'name' | 'state' | 'incarnation'>[];
}

export class AskerExchange {
  readonly #parts: AskerExchangeParts;
  /** Who has been told all that we knew when it came. */
  readonly #told = new Map<NodeName, Incarnation>();

  constructor(parts: AskerExchangeParts) {
    this.#parts = parts;
  }

  /** To be called once or twice a second: newcomers hear of all askers, the others of those that are new. */
  tick(): void {
    const { node, dataPlane } = this.#parts;
    const living = this.#parts.members().filter(({ name, state }) => name !== node && state !== 'dead');
    const fresh = dataPlane.takeAskers(false);
    const isNew = ({ name, incarnation }: { name: NodeName; incarnation: Incarnation }) =>
      this.#told.get(name) !== incarnation;
    const newcomers = living.filter(isNew);
    const all = newcomers.length > 0 ? dataPlane.takeAskers(true) : fresh;
    for (const member of living) this.#tell(member.name, newcomers.includes(member) ? all : fresh);
    this.#told.clear();
    for (const { name, incarnation } of living) this.#told.set(name, incarnation);
  }

  receive(body: Uint8Array): void {
    this.#parts.dataPlane.learnAskers(body);
  }

  #tell(to: NodeName, records: Uint8Array): void {
    const step = RECORDS_PER_MESSAGE * ASKER_BYTES;
    for (let at = 0; at < records.length; at += step) {
      const body = records.subarray(at, at + step);
      this.#parts.send(to, { type: 'opaque', sequence: 0, kind: ASKERS_KIND, body });
    }
  }
}
