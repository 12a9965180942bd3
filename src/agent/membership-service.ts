/** The membership thread's door to the main thread: obeys its requests, answers its questions, tells it what happened. */
import { BUCKETS } from '../buckets/contract.js';
import type { DataPlane, Verdict } from '../dataplane/contract.js';
import { type Core, type CoreStatus, type MemberStatus, RAW_PATH } from '../membership/contract.js';
import type { LinkMessage, NodeName } from '../membership/messages.js';
import type { EchoRoute } from '../reach/contract.js';
import type {
  BucketsSnapshot,
  ExplainSnapshot,
  FrameVerdict,
  KeysOfMember,
  MembershipSnapshot,
  Question,
  TraceSnapshot,
  WorkerNotice,
  WorkerRequest,
} from './contract.js';
import type { HeartbeatPath, HeartbeatSeal, MemberLink } from './ports.js';
import type { MembershipShell } from './shell.js';

export interface ServiceParts {
  readonly node: NodeName;
  /** The farm's shared MAC. */
  readonly vmac: Uint8Array;
  readonly post: (notice: WorkerNotice) => void;
  readonly shell: MembershipShell;
  readonly core: Core;
  readonly dataPlane: DataPlane;
  /** Why it is this capture engine, and whether the kernel takes packets by itself, as of now. */
  readonly engineReason: () => string;
  readonly seal: HeartbeatSeal;
  readonly link: MemberLink;
  readonly paths: readonly HeartbeatPath[];
  /** Reads the key file again; throws when it is not usable, and then the old keys stay. */
  readonly reloadKeys: () => void;
  /** Puts a config in force. Throws when it is not right, and then the old one stays. */
  readonly applyConfig: (configText: string) => void;
  /** The farm may go over to this config: members that have it are told apart no more, where that is safe. */
  readonly expectConfig: (configText: string) => void;
  readonly setWeightPercent: (percent: number) => void;
  readonly rulePackets: () => MembershipSnapshot['rulePackets'];
  /** Uses this way by the gateway for heartbeats from now on; null: none. */
  readonly followEcho: (route: EchoRoute | null) => void;
  readonly close: () => void;
}

/** A node that stopped says nothing and hears nothing any more. */
function isThere(state: MemberStatus['state']): boolean {
  return state !== 'dead' && state !== 'stopped';
}

function withOwner({ kind, reason, rule, plan, bucket }: Verdict, status: CoreStatus): FrameVerdict {
  const known = bucket >= 0;
  const owner = known ? status.owner(plan, bucket) : null;
  return { kind, reason, rule, plan, bucket, owner, planned: known ? status.planned(plan, bucket) : null };
}

export class MembershipService {
  readonly #parts: ServiceParts;

  constructor(parts: ServiceParts) {
    this.#parts = parts;
  }

  handle(request: WorkerRequest): void {
    switch (request.type) {
      case 'start':
        this.#parts.shell.start();
        this.#parts.shell.feed({ type: 'command', command: { name: 'start' } });
        break;
      case 'command':
        this.#parts.shell.command(request.command);
        break;
      case 'condition': {
        const { reason, bad, detail } = request;
        this.#parts.shell.feed({ type: 'condition', reason, bad, detail });
        break;
      }
      case 'weight':
        this.#parts.setWeightPercent(request.percent);
        break;
      case 'reach':
        this.#parts.shell.feed({ type: 'reach', best: request.best, why: request.why });
        break;
      case 'echo':
        this.#parts.followEcho(request.route);
        break;
      case 'tell':
        this.#tell(request.to, { type: 'opaque', sequence: 0, kind: request.kind, body: request.body });
        break;
      case 'witness':
        this.#parts.shell.feed(request);
        break;
      case 'ask':
        this.#answer(request.id, request.question);
        break;
      case 'close':
        this.#parts.close();
        break;
    }
  }

  /** A message that membership passes through unread. */
  receiveOpaque(from: NodeName, message: Extract<LinkMessage, { type: 'opaque' }>): void {
    this.#parts.post({ type: 'told', from, kind: message.kind, body: message.body });
  }

  #tell(to: NodeName | null, message: LinkMessage): void {
    const { core, link, node } = this.#parts;
    // A node that has stopped is no member any more, but its agent runs, and its link still listens.
    const living = core
      .members()
      .filter(({ name, state }) => name !== node && state !== 'dead')
      .map(({ name }) => name);
    for (const name of to === null ? living : living.filter((other) => other === to)) link.send(name, message);
  }

  #answer(id: number, question: Question): void {
    try {
      this.#parts.post({ type: 'answer', id, ok: true, value: this.#valueFor(question) });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#parts.post({ type: 'answer', id, ok: false, message });
    }
  }

  #valueFor(question: Question): unknown {
    switch (question.kind) {
      case 'status':
        return this.#status();
      case 'members':
        return this.#parts.core.members();
      case 'explain':
        return this.#explain(question.frame);
      case 'buckets':
        return this.#buckets(question.plan);
      case 'trace':
        return this.#trace(question.frames);
      case 'reload-keys':
        this.#parts.reloadKeys();
        return null;
      case 'config':
        this.#parts.applyConfig(question.configText);
        return null;
      case 'expect-config':
        this.#parts.expectConfig(question.configText);
        return null;
    }
  }

  #status(): MembershipSnapshot {
    const { core, dataPlane, seal, paths, shell } = this.#parts;
    const nowMs = dataPlane.nowMs();
    const status = core.status(nowMs);
    const { state, reason, incarnation, view, reach, members, grants } = status;
    const left = (deadlineMs: number | null) => (deadlineMs === null ? null : Math.max(0, deadlineMs - nowMs));
    const raw = { path: RAW_PATH, ok: shell.rawError === '', detail: shell.rawError };
    return {
      state,
      reason,
      incarnation,
      view,
      reach,
      members,
      leaseMs: left(status.leaseDeadlineMs),
      grants,
      drainMs: left(status.drainDeadlineMs),
      keys: this.#keys(members),
      addresses: this.#addresses(members),
      wireCounters: seal.counters(),
      rulePackets: this.#parts.rulePackets(),
      paths: [
        raw,
        ...paths.filter(({ isUsed }) => isUsed !== false).map((path) => ({ path: path.name, ...path.health() })),
      ],
      engineReason: this.#parts.engineReason(),
    };
  }

  #keys(members: readonly MemberStatus[]): readonly KeysOfMember[] {
    const { seal, shell, node } = this.#parts;
    const own = seal.keys();
    const used = new Map(seal.keysInUse().map(({ node: name, keyId }) => [name, keyId]));
    const others = members.filter(({ name, state }) => name !== node && isThere(state));
    return [
      { node, sealsWith: own.activeId, opens: own.ids },
      ...others.map(({ name }) => ({ node: name, sealsWith: used.get(name) ?? null, opens: shell.keysOf(name) })),
    ];
  }

  #addresses(members: readonly MemberStatus[]): MembershipSnapshot['addresses'] {
    const { link, shell, node } = this.#parts;
    const known = members.map(
      ({ name }) => [name, name === node ? link.endpoints() : shell.endpointsOf(name)] as const,
    );
    return Object.fromEntries(known.map(([name, endpoints]) => [name, [...new Set(endpoints.map((e) => e.address))]]));
  }

  #buckets(plan: number): BucketsSnapshot {
    const { core, dataPlane } = this.#parts;
    const status = core.status(dataPlane.nowMs());
    const each = <T>(of: (bucket: number) => T) => Array.from({ length: BUCKETS }, (_, bucket) => of(bucket));
    return {
      owners: each((bucket) => status.owner(plan, bucket)),
      planned: each((bucket) => status.planned(plan, bucket)),
    };
  }

  #explain(frame: Uint8Array): ExplainSnapshot {
    const { core, dataPlane, vmac } = this.#parts;
    // To the shared MAC, so that it is asked who takes the packet, and not who relays it.
    frame.set(vmac, 0);
    const verdict = dataPlane.classify(frame, true);
    return { serving: dataPlane.leaseOpen(), ...withOwner(verdict, core.status(dataPlane.nowMs())) };
  }

  #trace(frames: readonly Uint8Array[]): TraceSnapshot {
    const { core, dataPlane } = this.#parts;
    const status = core.status(dataPlane.nowMs());
    return {
      serving: dataPlane.leaseOpen(),
      verdicts: frames.map((frame) => withOwner(dataPlane.classify(frame), status)),
    };
  }
}
