/**
 * A heartbeat as bytes (version 4): length of the steady part (varuint), the steady part, the moving part. The steady part: version,
 * text table, fields in the order of {@link writeSteady}; it is the same from one heartbeat to the next as long as nothing happens,
 * and a receiver that has seen it does not decode it again. The moving part: fields in the order of {@link writeMoving}.
 *
 * Every count has a bound (bounds.ts). `reason` is for people: it is shortened rather than refused.
 */
import { MAX_PLANS } from '../buckets/contract.js';
import type { NodeState } from '../membership/contract.js';
import type { Endpoint, GrantOutcome, Heard, Heartbeat, PlanReport, ViewMember } from '../membership/messages.js';
import { readBitmap, writeBitmap } from './bitmap.js';
import * as bounds from './bounds.js';
import { equalBytes, Reader, shorten, Writer } from './cursor.js';
import { DecodeError, EncodeError } from './errors.js';
import { TextTableReader, TextTableWriter } from './text-table.js';

const VERSION = 4;
const MAC_BYTES = 6;
/** The number of a state on the wire is its place here; new ones are added at the end. */
const STATES: readonly NodeState[] = ['stopped', 'joining', 'up', 'draining', 'waiting'];

type Moving = Pick<Heartbeat, 'sequence' | 'heard' | 'framesSeen' | 'keeps'>;
type Steady = Omit<Heartbeat, keyof Moving>;

/** Throws {@link EncodeError} where a bound of the format is broken. */
export function encodeHeartbeat(heartbeat: Heartbeat): Uint8Array {
  const texts = new TextTableWriter();
  const fields = new Writer(1024);
  writeSteady(new HeartbeatWriter(fields, texts), heartbeat);
  const moving = new Writer(512);
  writeMoving(new HeartbeatWriter(moving, texts), heartbeat);
  const steady = new Writer(fields.length + 256).u8(VERSION);
  texts.writeTo(steady, bounds.MAX_DIGEST_BYTES);
  steady.bytes(fields.view());
  const writer = new Writer(steady.length + moving.length + 4).varuint(steady.length);
  return writer.bytes(steady.view()).bytes(moving.view()).finish();
}

/** Throws {@link DecodeError}, and nothing else, for bytes that are no heartbeat. */
export function decodeHeartbeat(bytes: Uint8Array): Heartbeat {
  return new HeartbeatDecoder().decode(bytes);
}

interface DecodedSteady {
  readonly bytes: Uint8Array;
  readonly texts: TextTableReader;
  readonly fields: Steady;
}

/** For the heartbeats of one sender: fields of the steady part keep their identity as long as its bytes are the same. */
export class HeartbeatDecoder {
  #last: DecodedSteady | null = null;

  /** Throws {@link DecodeError}, and nothing else, for bytes that are no heartbeat. */
  decode(bytes: Uint8Array): Heartbeat {
    const reader = new Reader(bytes);
    const steadyBytes = reader.bytes(reader.varuint());
    const steady =
      this.#last !== null && equalBytes(this.#last.bytes, steadyBytes) ? this.#last : decodeSteady(steadyBytes);
    const moving = readMoving(new HeartbeatReader(reader, steady.texts));
    reader.end();
    this.#last = steady;
    return { ...steady.fields, ...moving };
  }
}

function decodeSteady(bytes: Uint8Array): DecodedSteady {
  const reader = new Reader(bytes);
  const version = reader.u8();
  if (version !== VERSION) throw new DecodeError(`heartbeat of version ${version}`);
  const texts = new TextTableReader(reader, bounds.MAX_DIGEST_BYTES);
  const fields = readSteady(new HeartbeatReader(reader, texts));
  reader.end();
  return { bytes: new Uint8Array(bytes), texts, fields };
}

function writeSteady(out: HeartbeatWriter, heartbeat: Heartbeat): void {
  const { writer } = out;
  out.name(heartbeat.from);
  bounds.writeIncarnation(writer, heartbeat.incarnation);
  bounds.writeIncarnation(writer, heartbeat.gone);
  writer.varuint(heartbeat.gained).u8(stateCode(heartbeat.state));
  writer.text(shorten(heartbeat.reason, bounds.MAX_REASON_BYTES), bounds.MAX_REASON_BYTES);
  writer.count(heartbeat.weight, bounds.MAX_WEIGHT, 'as weight');
  writer.count(heartbeat.weightPercent, bounds.MAX_PERCENT, 'percent');
  out.digest(heartbeat.configDigest);
  out.list(heartbeat.switches, bounds.MAX_SWITCHES, 'changes of the config', (id) => writer.u32(id));
  writer.text(heartbeat.reach, bounds.MAX_REACH_BYTES);
  if (heartbeat.mac.length !== MAC_BYTES) throw new EncodeError(`a MAC of ${heartbeat.mac.length} bytes`);
  writer.bytes(heartbeat.mac);
  out.digest(heartbeat.viewDigest);
  out.list(heartbeat.view, bounds.MAX_MEMBERS, 'members in the view', (member) => out.member(member));
  out.list(heartbeat.plans, MAX_PLANS, 'plans', (plan) => out.plan(plan));
  out.list(heartbeat.outcomes, bounds.MAX_OUTCOMES, 'outcomes', (outcome) => out.outcome(outcome));
  out.list(heartbeat.dead, bounds.MAX_DEAD, 'members called dead', (member) => out.member(member));
  out.list(heartbeat.endpoints, bounds.MAX_ENDPOINTS, 'endpoints', ({ address, port }) =>
    writer.text(address, bounds.MAX_ADDRESS_BYTES).u16(port),
  );
  out.list(heartbeat.keys, bounds.MAX_KEYS, 'keys', (id) => writer.u32(id));
}

function writeMoving(out: HeartbeatWriter, { sequence, heard, framesSeen, keeps }: Moving): void {
  out.writer.varuint(sequence);
  out.list(heard, bounds.MAX_HEARD, 'members heard', (entry) => out.heard(entry));
  out.writer.varuint(framesSeen).varuint(keeps);
}

/** The order of the properties is the order on the wire: literals are evaluated from top to bottom. */
function readSteady(input: HeartbeatReader): Steady {
  const { reader } = input;
  return {
    from: input.name(),
    incarnation: bounds.readIncarnation(reader),
    gone: bounds.readIncarnation(reader),
    gained: reader.varuint(),
    state: readState(reader),
    reason: reader.text(bounds.MAX_REASON_BYTES),
    weight: reader.count(bounds.MAX_WEIGHT, 'as weight'),
    weightPercent: reader.count(bounds.MAX_PERCENT, 'percent'),
    configDigest: input.digest(),
    switches: input.list(bounds.MAX_SWITCHES, 'changes of the config', () => reader.u32()),
    reach: reader.text(bounds.MAX_REACH_BYTES),
    mac: reader.bytes(MAC_BYTES).slice(),
    viewDigest: input.digest(),
    view: input.list(bounds.MAX_MEMBERS, 'members in the view', () => input.member()),
    plans: input.list(MAX_PLANS, 'plans', () => input.plan()),
    outcomes: input.list(bounds.MAX_OUTCOMES, 'outcomes', () => input.outcome()),
    dead: input.list(bounds.MAX_DEAD, 'members called dead', () => input.member()),
    endpoints: input.list(bounds.MAX_ENDPOINTS, 'endpoints', () => input.endpoint()),
    keys: input.list(bounds.MAX_KEYS, 'keys', () => reader.u32()),
  };
}

function readMoving(input: HeartbeatReader): Moving {
  const { reader } = input;
  return {
    sequence: reader.varuint(),
    heard: input.list(bounds.MAX_HEARD, 'members heard', () => input.heard()),
    framesSeen: reader.varuint(),
    keeps: reader.varuint(),
  };
}

function stateCode(state: NodeState): number {
  const code = STATES.indexOf(state);
  if (code < 0) throw new EncodeError(`state "${state}" has no number on the wire`);
  return code;
}

function readState(reader: Reader): NodeState {
  const code = reader.u8();
  const state = STATES[code];
  if (state === undefined) throw new DecodeError(`state ${code}`);
  return state;
}

class HeartbeatWriter {
  constructor(
    readonly writer: Writer,
    private readonly texts: TextTableWriter,
  ) {}

  list<T>(items: readonly T[], most: number, what: string, write: (item: T) => void): void {
    this.writer.count(items.length, most, what);
    for (const item of items) write(item);
  }

  name(name: string): void {
    if (!bounds.isNodeName(name)) throw new EncodeError(`"${name}" is no node name: 1-63 of A-Z a-z 0-9 _ . -`);
    this.writer.varuint(this.texts.index(name));
  }

  digest(digest: string): void {
    this.writer.varuint(this.texts.index(digest));
  }

  member({ name, incarnation }: ViewMember): void {
    this.name(name);
    bounds.writeIncarnation(this.writer, incarnation);
  }

  heard({ name, incarnation, sequence, viewDigest, gained }: Heard): void {
    this.member({ name, incarnation });
    this.writer.varuint(sequence);
    this.digest(viewDigest);
    this.writer.varuint(gained);
  }

  outcome({ id, confirmed }: GrantOutcome): void {
    this.member({ name: id.granter, incarnation: id.incarnation });
    this.writer.varuint(id.number).flag(confirmed);
  }

  plan({ held, granting, kept }: PlanReport): void {
    for (const bitmap of [held, granting, kept]) writeBitmap(this.writer, bitmap);
  }
}

class HeartbeatReader {
  constructor(
    readonly reader: Reader,
    private readonly texts: TextTableReader,
  ) {}

  list<T>(most: number, what: string, read: () => T): T[] {
    return Array.from({ length: this.reader.count(most, what) }, read);
  }

  name(): string {
    const name = this.texts.read(this.reader);
    if (!bounds.isNodeName(name)) throw new DecodeError('not a node name');
    return name;
  }

  digest(): string {
    return this.texts.read(this.reader);
  }

  member(): ViewMember {
    return { name: this.name(), incarnation: bounds.readIncarnation(this.reader) };
  }

  heard(): Heard {
    return {
      name: this.name(),
      incarnation: bounds.readIncarnation(this.reader),
      sequence: this.reader.varuint(),
      viewDigest: this.digest(),
      gained: this.reader.varuint(),
    };
  }

  outcome(): GrantOutcome {
    const { name: granter, incarnation } = this.member();
    return { id: { granter, incarnation, number: this.reader.varuint() }, confirmed: this.reader.flag() };
  }

  plan(): PlanReport {
    return { held: readBitmap(this.reader), granting: readBitmap(this.reader), kept: readBitmap(this.reader) };
  }

  endpoint(): Endpoint {
    return { address: this.reader.text(bounds.MAX_ADDRESS_BYTES), port: this.reader.u16() };
  }
}
