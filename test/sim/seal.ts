/**
 * The seal of a simulated host: the real transport with the real cipher and keyring, and a key file that outlives the process and is
 * changed as `covey keys` changes it.
 */
import type { Heartbeat, Incarnation, NodeName, Obituary } from '../../src/membership/messages.js';
import { chaChaAead, FarmKeyring, keyIdOf } from '../../src/platform/crypto.js';
import { ReplayGuard } from '../../src/wire/replay.js';
import type { Keyring } from '../../src/wire/seal.js';
import { type Opened, Transport } from '../../src/wire/transport.js';

/** The farm's keys, one for each rotation. */
const SECRETS = Array.from({ length: 6 }, (_, number) => new Uint8Array(32).fill(number + 1));
export const KEY_IDS = SECRETS.map(keyIdOf);
const FARM_ID = new Uint8Array(8).fill(7);

/** What mutations change of the seal. */
export interface SealFlaws {
  /** Every authentic datagram is taken for news. */
  readonly takesReplays: boolean;
  /** What is sealed with a valid key that is not the active one is refused. */
  readonly opensActiveOnly: boolean;
}

export const SOUND_SEAL: SealFlaws = { takesReplays: false, opensActiveOnly: false };

class CarelessGuard extends ReplayGuard {
  override accept(): 'new' {
    return 'new';
  }

  override allowsObituary(): 'new' {
    return 'new';
  }
}

/** Keyrings by which keys they hold: deriving is dear, and all hosts of all farms use the same few. */
const keyrings = new Map<string, FarmKeyring>();

function keyringOf(valid: readonly number[], active: number): FarmKeyring {
  const id = `${valid.join()} ${active}`;
  const known =
    keyrings.get(id) ??
    new FarmKeyring(
      valid.map((number) => SECRETS[number]!),
      KEY_IDS[active]!,
    );
  keyrings.set(id, known);
  return known;
}

export class HostSeal {
  readonly #name: NodeName;
  readonly #flaws: SealFlaws;
  /** The key file: numbers of the valid keys, and which of them seals. */
  #valid: readonly number[] = [0];
  #active = 0;
  transport: Transport | null = null;
  /** What the supervisor holds, sealed in advance. */
  testament: readonly Uint8Array[] = [];

  constructor(name: NodeName, flaws: SealFlaws) {
    this.#name = name;
    this.#flaws = flaws;
  }

  /** A process begins: it reads the key file. */
  begin(incarnation: Incarnation): void {
    const guard = this.#flaws.takesReplays ? new CarelessGuard() : new ReplayGuard();
    const [name, keyring] = [this.#name, this.#keyring()];
    this.transport = new Transport({ aead: chaChaAead, keyring, farmId: FARM_ID, name, incarnation, guard });
    this.#makeTestament();
  }

  end(): void {
    this.transport = null;
  }

  setIncarnation(incarnation: Incarnation): void {
    this.transport!.setIncarnation(incarnation);
    this.#makeTestament();
  }

  /** The running process reads its key file again. */
  reload(): void {
    if (this.transport === null) return;
    this.transport.setKeyring(this.#keyring());
    this.#makeTestament();
  }

  isActive(number: number): boolean {
    return this.#active === number;
  }

  add(number: number): void {
    if (!this.#valid.includes(number)) this.#valid = [...this.#valid, number];
  }

  use(number: number): void {
    this.#active = number;
  }

  remove(number: number): void {
    this.#valid = this.#valid.filter((other) => other !== number);
  }

  get holds(): readonly number[] {
    return this.#valid;
  }

  heartbeat(heartbeat: Heartbeat): readonly Uint8Array[] {
    return this.transport!.sealHeartbeat({ ...heartbeat, keys: this.transport!.keys().ids });
  }

  obituary(obituary: Obituary): readonly Uint8Array[] {
    return this.transport!.sealObituary(obituary);
  }

  passOn(sealed: readonly Uint8Array[]): readonly Uint8Array[] {
    return this.transport!.sealPassedOn(sealed);
  }

  open(datagram: Uint8Array, source: string, nowMs: number): Opened | null {
    return this.transport?.open(datagram, source, nowMs) ?? null;
  }

  #makeTestament(): void {
    const { incarnation } = this.transport!;
    this.testament = this.transport!.sealObituary({ name: this.#name, incarnation });
  }

  #keyring(): Keyring {
    const keyring = keyringOf(this.#valid, this.#active);
    if (!this.#flaws.opensActiveOnly) return keyring;
    const senderKey = (id: number, sender: string) => (id === keyring.activeId ? keyring.senderKey(id, sender) : null);
    return { activeId: keyring.activeId, ids: keyring.ids, senderKey };
  }
}
