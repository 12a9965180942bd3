/** What the control socket may ask of this node. */
import { dirname, resolve } from 'node:path';
import { formatAddress, parseAddress } from '../buckets/address.js';
import type { Config } from '../config/contract.js';
import { planSpecs } from '../config/plans.js';
import { secretFilesOf } from '../config/secret-files.js';
import { requesterText, requesterWay } from '../control/access.js';
import type {
  BucketsReport,
  ConsoleHandler,
  DoorReport,
  PeersReport,
  SharedReport,
} from '../control/console-contract.js';
import type {
  ApplyReport,
  ApplyRequest,
  CommandReport,
  CommandRequest,
  ConfigHistoryReport,
  ConfigReport,
  ControlHandler,
  EventsQuery,
  EventsReport,
  ExplainQuery,
  ExplainReport,
  ExplainTarget,
  InviteReport,
  InviteRequest,
  KeysReport,
  MetricsReport,
  ProbeRequest,
  ReloadReport,
  Requester,
  SetReport,
  SetRequest,
  StatusReport,
  TraceReport,
  TraceRequest,
  WithoutReport,
} from '../control/contract.js';
import { countersReport } from '../control/counters-report.js';
import { ControlError } from '../control/errors.js';
import type { ProbeReport, ReachDoor } from '../reach/contract.js';
import type { ConfigService } from './config-service.js';
import type { ExplainSnapshot, MembershipSnapshot, RestartRecord, TraceSnapshot } from './contract.js';
import { explainedFrame } from './explain.js';
import { foresee } from './foresight.js';
import type { Operations } from './operations.js';
import type { OrderNews } from './order-news.js';
import type { Order, Orders } from './orders.js';
import { explainReport, statusReport } from './report.js';
import type { Seeing } from './seeing.js';
import { carryOut, orderOf, type SteerParts } from './steer.js';
import type { MembershipThread } from './thread.js';
import { traceReport, wholeFrame } from './trace.js';

export interface AgentControlParts {
  /** The one in force now. */
  readonly config: () => Config;
  readonly node: string;
  readonly version: string;
  readonly interface: string;
  readonly configFile: string;
  readonly readFile: (path: string) => Promise<string>;
  /** To other nodes. */
  readonly orders: Pick<Orders, 'send'>;
  readonly news: Pick<OrderNews, 'tell'>;
  readonly restart: (deadlineMs: number | null) => void;
  /** Absolute path. */
  readonly keyFile: string;
  readonly engine: string;
  readonly restarts: RestartRecord;
  readonly counters: BigUint64Array;
  readonly seeing: Pick<Seeing, 'timeline' | 'warnings' | 'metrics' | 'countWire'>;
  readonly thread: MembershipThread;
  readonly uptimeMs: () => number;
  readonly hostWarnings: () => readonly string[];
  /** The present one: another config may bring another. */
  readonly reach: () => Pick<ReachDoor, 'probe' | 'reach' | 'warnings'>;
  readonly configs: Pick<ConfigService, 'apply' | 'show' | 'history' | 'invite' | 'warnings'>;
  readonly operations: Pick<Operations, 'services' | 'checkers' | 'warnings' | 'set' | 'tryAgain'>;
  /** TCP connections to the VIPs. */
  readonly countConnections: () => Promise<number>;
  readonly reload: () => Promise<ReloadReport>;
  /** Reads the key file again. Throws ControlError with the old keys still in force. */
  readonly reloadKeys: () => Promise<void>;
  readonly desk: ConsoleHandler;
  readonly record: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** The membership thread puts the shared MAC there, as it knows the key. */
const EXPLAIN_DESTINATION = new Uint8Array(6);
/** Any locally administered MAC: `classify` must only find that the frame is not our own. */
const EXPLAIN_SOURCE = Uint8Array.of(0x02, 0, 0, 0, 0, 2);

export class AgentControl implements ControlHandler {
  readonly #parts: AgentControlParts;

  constructor(parts: AgentControlParts) {
    this.#parts = parts;
  }

  async status(): Promise<StatusReport> {
    const { counters } = this.#parts;
    const membership = await this.#membership();
    this.#parts.seeing.countWire(membership.wireCounters);
    return statusReport({
      ...this.#parts,
      config: this.#config,
      membership,
      counters: countersReport((_, index) => Number(Atomics.load(counters, index))),
      drain: await this.#drain(membership),
      reach: this.#parts.reach().reach(membership),
      services: this.#parts.operations.services(),
      checkers: this.#parts.operations.checkers(),
      warnings: this.#warnings(membership),
      uptimeMs: this.#parts.uptimeMs(),
    });
  }

  async explain(query: ExplainQuery): Promise<ExplainReport> {
    const client = parseAddress(query.address);
    if (client === null)
      throw new ControlError('bad-request', `"${query.address}" is no address`, 'e.g. 10.77.0.100:40000');
    const to = query.to ?? this.#defaultTarget(client.length);
    const vip = parseAddress(to.address);
    if (vip === null || vip.length !== client.length) {
      throw new ControlError(
        'bad-request',
        `${to.address} is no address of the client's family`,
        'see: --to VIP:PORT/PROTO',
      );
    }
    const packet = { client, clientPort: query.port ?? 0, vip, port: to.port, protocol: to.protocol };
    const frame = explainedFrame(packet, EXPLAIN_DESTINATION, EXPLAIN_SOURCE);
    const snapshot = (await this.#parts.thread.ask({ kind: 'explain', frame })) as ExplainSnapshot;
    const report = explainReport({
      config: this.#config,
      node: this.#parts.node,
      client: formatAddress(client),
      clientPort: query.port,
      to,
      snapshot,
    });
    const { without = [] } = query;
    return without.length === 0 ? report : { ...report, without: await this.#foresee(report, without) };
  }

  async #foresee({ plan, bucket, owner }: ExplainReport, without: readonly string[]): Promise<WithoutReport> {
    const { members } = await this.#membership();
    const names = members.map(({ name }) => name);
    const unknown = without.filter((name) => !names.includes(name));
    if (unknown.length > 0) {
      const hint = `the farm has: ${names.join(', ')}`;
      throw new ControlError('no-such-node', `there is no node ${unknown.join(', ')}`, hint);
    }
    const place = plan === null || bucket === null ? null : { plan, bucket, owner };
    return foresee({ members, specs: planSpecs(this.#config), without, place });
  }

  async trace(request: TraceRequest): Promise<TraceReport> {
    const frames = request.frames.map(wholeFrame);
    const snapshot = (await this.#parts.thread.ask({ kind: 'trace', frames })) as TraceSnapshot;
    return traceReport(this.#config, this.#parts.node, snapshot);
  }

  async command(request: CommandRequest, by: Requester): Promise<CommandReport> {
    const { command } = request;
    const node = request.node ?? this.#parts.node;
    const order = orderOf(request, this.#config);
    const who = requesterText(by);
    const asked = { ...order, command, node, by: who, uid: by.uid, from: requesterWay(by) };
    try {
      return { version: 1, command, node, message: await this.#tell(node, order, who, asked) };
    } catch (error) {
      this.#parts.record('command', { ...asked, failed: error instanceof Error ? error.message : String(error) });
      throw error;
    }
  }

  /** Written down before it is done, since other events follow from it, but not before it is known that somebody is there to do it. */
  async #tell(node: string, order: Order, who: string, asked: Readonly<Record<string, unknown>>): Promise<string> {
    const { orders, record, news } = this.#parts;
    const byWhere = `${who} on ${this.#parts.node}`;
    if (node !== this.#parts.node) await this.#mustBeThere(node);
    record('command', asked);
    news.tell({ command: order.name, node, by: byWhere });
    if (node === this.#parts.node) return carryOut(order, this.#steering());
    return orders.send(node, order, byWhere);
  }

  /** An order that came from another node. */
  async obey(order: Order, from: string, by: string): Promise<string> {
    const { record, news, node } = this.#parts;
    record('command', { ...order, command: order.name, node, by, from });
    news.tell({ command: order.name, node, by });
    return carryOut(order, this.#steering());
  }

  async set({ name, isUp, reason }: SetRequest, by: Requester): Promise<SetReport> {
    const { operations, node, record } = this.#parts;
    try {
      operations.set(name, isUp, reason);
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw new ControlError('bad-request', cause.message, 'checkers of type custom can be set', { cause });
    }
    const word = isUp ? 'up' : 'down';
    record('set', { checker: name, word, reason, by: requesterText(by), uid: by.uid, from: 'control socket' });
    return { version: 1, node, name, message: `custom.${name} is ${word} on ${node}` };
  }

  reload(): Promise<ReloadReport> {
    return this.#parts.reload();
  }

  async apply(request: ApplyRequest): Promise<ApplyReport> {
    // A dry run only asks; the console does so with every pause of somebody who types.
    if (!request.dryRun) this.#tellApply(request.by);
    return this.#parts.configs.apply(request);
  }

  #tellApply(by: string): void {
    const { record, news, node } = this.#parts;
    record('command', { command: 'apply', by, from: 'control socket' });
    news.tell({ command: 'apply', node: null, by: `${by} on ${node}` });
  }

  async config(revision: number | null): Promise<ConfigReport> {
    const { configs, configFile } = this.#parts;
    const file = resolve(configFile);
    const secretFiles = secretFilesOf(this.#config).map((name) => resolve(dirname(file), name));
    return { ...configs.show(revision), file, secretFiles };
  }

  async configHistory(): Promise<ConfigHistoryReport> {
    return this.#parts.configs.history();
  }

  invite(request: InviteRequest): Promise<InviteReport> {
    return this.#parts.configs.invite(request);
  }

  probe({ apply }: ProbeRequest): Promise<ProbeReport> {
    return this.#parts.reach().probe(apply);
  }

  async events({ since, limit, after = 0 }: EventsQuery): Promise<EventsReport> {
    const { timeline } = this.#parts.seeing;
    const all = timeline.newest(Number.MAX_SAFE_INTEGER);
    const later = all.filter(({ at, seq }) => (since === null || at > since) && seq > after);
    return { version: 1, events: later.slice(-limit), lastSeq: timeline.lastSeq };
  }

  async metrics(): Promise<MetricsReport> {
    return { version: 1, text: await this.#parts.seeing.metrics() };
  }

  async keys(): Promise<KeysReport> {
    const { keys } = await this.#membership();
    const inUse = keys.flatMap(({ node, sealsWith }) => (sealsWith === null ? [] : [{ node, keyId: sealsWith }]));
    const known = keys.map(({ node, opens }) => ({ node, keyIds: opens }));
    return { version: 1, keyFile: this.#parts.keyFile, inUse, known };
  }

  async reloadKeys(): Promise<KeysReport> {
    await this.#parts.reloadKeys();
    this.#parts.record('keys-reloaded', {});
    return this.keys();
  }

  buckets(plan: number): Promise<BucketsReport> {
    return this.#parts.desk.buckets(plan);
  }

  peers(): Promise<PeersReport> {
    return this.#parts.desk.peers();
  }

  openDoor(): Promise<DoorReport> {
    return this.#parts.desk.openDoor();
  }

  share(document: string | null): Promise<SharedReport> {
    return this.#parts.desk.share(document);
  }

  get #config(): Config {
    return this.#parts.config();
  }

  #membership(): Promise<MembershipSnapshot> {
    return this.#parts.thread.ask({ kind: 'status' }) as Promise<MembershipSnapshot>;
  }

  #steering(): SteerParts {
    const { node, configFile, readFile, thread, restart, operations } = this.#parts;
    return {
      node,
      configFile,
      readFile,
      restart,
      status: () => this.#membership(),
      post: (command) => {
        thread.post({ type: 'command', command });
        if (command.name === 'start') operations.tryAgain();
      },
    };
  }

  /** A node that has stopped is there: its agent runs, and its link still listens. */
  async #mustBeThere(node: string): Promise<void> {
    const { members } = await this.#membership();
    const member = members.find(({ name }) => name === node);
    if (member !== undefined && member.state !== 'dead') return;
    const there = members.filter(({ state }) => state !== 'dead').map(({ name }) => name);
    const message = `node ${node} is ${member === undefined ? 'not known' : 'dead'}; the farm has: ${there.join(', ')}`;
    throw new ControlError('no-such-node', message, 'see: covey status');
  }

  #defaultTarget(family: number): ExplainTarget {
    const config = this.#config;
    const vip = config.vips.find(({ address }) => address.length === family);
    if (vip === undefined) throw new ControlError('bad-request', "the farm has no VIP of the client's family");
    const rule = config.rules.find(({ mode }) => mode !== 'deny') ?? config.rules[0];
    return { address: formatAddress(vip.address), port: rule?.ports[0]?.first ?? 0, protocol: rule?.protocol ?? 'tcp' };
  }

  async #drain({ state, members, drainMs }: MembershipSnapshot): Promise<StatusReport['drain']> {
    if (state !== 'draining') return null;
    const left = members.find(({ name }) => name === this.#parts.node)?.keeps ?? 0;
    const connections = await this.#parts.countConnections().catch(() => null);
    return { left, connections, remainingMs: drainMs };
  }

  #warnings(membership: MembershipSnapshot): readonly string[] {
    const { counters, seeing, hostWarnings, reach, configs, operations } = this.#parts;
    const report = countersReport((_, index) => Number(Atomics.load(counters, index)));
    const leaks = Number(report.vmacAsSource ?? 0);
    const seen = reach().warnings();
    return [
      ...hostWarnings(),
      ...seen,
      ...operations.warnings(),
      ...membership.paths.filter(({ ok }) => !ok).map(({ path, detail }) => `heartbeats by ${path} fail: ${detail}`),
      ...(leaks > 0 && seen.length === 0
        ? [
            `${leaks} frames came from the vMAC as source: a switch that learns it stops flooding; at which port it is, the switch says in its table of MACs`,
          ]
        : []),
      ...configs.warnings(),
      ...seeing.warnings(),
    ];
  }
}
