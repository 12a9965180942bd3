/** Entry of the membership thread: puts data plane, seal, paths, link and core together, and runs the shell. */
import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { ASKERS_KIND, AskerExchange } from '../../agent/asker-exchange.js';
import { ConfigSwitches } from '../../agent/config-switches.js';
import type { MembershipBegin, SealedObituary, WorkerNotice, WorkerRequest } from '../../agent/contract.js';
import { keyFilePath } from '../../agent/key-file.js';
import { MembershipService } from '../../agent/membership-service.js';
import type { ShellNotice } from '../../agent/ports.js';
import { type RuleSlotList, RuleSlots } from '../../agent/rule-slots.js';
import { MembershipShell } from '../../agent/shell.js';
import { countBits } from '../../buckets/bitmap.js';
import type { Config } from '../../config/contract.js';
import { parseConfig } from '../../config/load.js';
import { planSpecs, ruleEntries } from '../../config/plans.js';
import { canonicalConfig, electorate, resolveForNode } from '../../config/resolve.js';
import { mayShareWhileSwitching } from '../../config/switching.js';
import { openWithEngine } from '../../dataplane/choose.js';
import type { Shape } from '../../dataplane/contract.js';
import { NativeDataPlane, takePrecedence } from '../../dataplane/native.js';
import type { Settings } from '../../membership/contract.js';
import { createCore } from '../../membership/core.js';
import type { Incarnation } from '../../membership/messages.js';
import { chaChaAead, type FarmIdentity } from '../../platform/crypto.js';
import { IncarnationStore } from '../../platform/incarnation.js';
import { identityOf, keyringOf, loadKeyFile } from '../../platform/keys.js';
import { TcpPeerLink } from '../../platform/link.js';
import { readNeighbours } from '../../platform/neighbours.js';
import { random } from '../../platform/random.js';
import { UdpPath } from '../../platform/udp.js';
import { EchoPath } from '../../reach/echo-path.js';
import { DecodeError } from '../../wire/errors.js';
import { decodeLinkMessage, encodeLinkMessage } from '../../wire/link-message.js';
import { Transport } from '../../wire/transport.js';

const RING_BYTES = 64 << 20;
const HOLD_FRAMES = 8192;
const HOLD_BYTES = 16 << 20;
/**
 * The part of a heartbeat interval that routine control frames may wait before they are read. A waking costs more than to read a
 * heartbeat; but what waits makes acknowledgements older, and takes as much from what is left of a lease.
 */
const GATHER_PARTS = 3;
const FOLLOW_NETWORKS_MS = 1000;
const EXCHANGE_ASKERS_MS = 500;
const FORGET_SWITCHES_MS = 500;
/** Read ahead of time: they are asked when no time is left to read. */
const FOLLOW_NEIGHBOURS_MS = 5000;

const port = parentPort!;
const begin = workerData as MembershipBegin;
const post = (notice: WorkerNotice) => port.postMessage(notice);

const parsed = parseConfig(begin.configText);
if (!parsed.ok) throw new Error('the config was found right before, and is not now');
let config: Config = parsed.config;
let weightPercent = 100;
const switches = new ConfigSwitches<Config>({ digestOf, mayShare: mayShareWhileSwitching });
const node = resolveForNode(config, begin.node);
const keyPath = keyFilePath(config, begin.baseDir);
const keys = loadKeyFile(keyPath);
const identity = identityOf(keys, config.farm);
const counters = new BigUint64Array(begin.counters);

raisePriority();
const captureOptions = {
  interface: node.interface,
  tun: begin.tun,
  ringBytes: RING_BYTES,
  holdFrames: HOLD_FRAMES,
  holdBytes: HOLD_BYTES,
  maxKeys: config.table.keys,
  // Routine heartbeats wait for each other: an awake costs more than a heartbeat does, and none of this delays an urgent one.
  gatherMs: Math.floor(config.heartbeat.intervalMs / GATHER_PARTS),
  counters,
  // For comparisons alone (bench/README.md): what this brings is the difference.
  usesFastPath: process.env.COVEY_FAST_PATH !== 'off',
  filtersBuckets: process.env.COVEY_BUCKET_FILTER !== 'off',
};
const { dataPlane, reason: engineReason } = openWithEngine(config.capture, captureOptions, NativeDataPlane.open);
let ownMac = dataPlane.mac;
const ruleSlots = new RuleSlots(counters);
setShape();

const incarnations = new IncarnationStore(begin.runDir);
const predecessor = incarnations.last ?? 0;
const incarnation = incarnations.next();
const keyring = keyringOf(keys);
const seal = new Transport({ aead: chaChaAead, keyring, farmId: identity.farmId, name: node.name, incarnation });
const link: TcpPeerLink = new TcpPeerLink({
  name: node.name,
  incarnation,
  keyring,
  farmId: identity.farmId,
  port: config.heartbeat.port,
  hidden: config.vips.map(({ text }) => text.split('/')[0]!),
  onMessage: (from, senderIncarnation, bytes) => receiveLink(from, senderIncarnation, bytes),
  onDown: (peer) => shell.linkDown(peer),
});
const paths = config.heartbeat.udp.map(
  ({ text }) =>
    new UdpPath({
      network: text,
      port: config.heartbeat.port,
      nowMs: () => dataPlane.nowMs(),
      onDatagram: (datagram, source, path) => shell.receive(datagram, source, path),
    }),
);
const echo = new EchoPath({
  port: dataPlane,
  mac: () => dataPlane.mac,
  nowMs: () => dataPlane.nowMs(),
  identifier: Math.floor(random() * 0x10000),
});
let neighbours = readNeighbours(node.interface);
const core = createCore(settingsOf(config), incarnation, dataPlane.nowMs(), random, predecessor);
const memberLink = {
  endpoints: () => link.endpoints(),
  learn: link.learn.bind(link),
  setIncarnation: link.setIncarnation.bind(link),
  send: (to: string, message: Parameters<typeof encodeLinkMessage>[0]) => link.send(to, encodeLinkMessage(message)),
  close: () => void link.close(),
};
const shell: MembershipShell = new MembershipShell({
  core,
  dataPlane,
  seal,
  link: memberLink,
  paths: [...paths, echo],
  counters,
  persistIncarnation: (next) => {
    if (next !== incarnations.last) incarnations.persist(next);
  },
  neighbours: () => neighbours,
  onDirective,
});
const service = new MembershipService({
  node: node.name,
  vmac: identity.vmac,
  post,
  shell,
  core,
  dataPlane,
  engineReason,
  seal,
  link: memberLink,
  paths: [...paths, echo],
  reloadKeys,
  applyConfig,
  expectConfig,
  setWeightPercent,
  rulePackets: () => ruleSlots.counts(),
  followEcho: (route) => echo.setRoute(route),
  close,
});

const askers = new AskerExchange({
  node: node.name,
  dataPlane,
  send: memberLink.send,
  members: () => core.members(),
});

await link.listen();
if (incarnations.trouble !== '') {
  post({ type: 'log', level: 'debug', event: 'incarnation', fields: { trouble: incarnations.trouble, incarnation } });
}
post({ type: 'opened', mac: dataPlane.mac, engine: dataPlane.engine, tun: begin.tun });
let obituaryTargets: SealedObituary['udp'] = [];
postObituary(incarnation);
const switchTimer = setInterval(forgetSwitches, FORGET_SWITCHES_MS);
const networkTimer = setInterval(followNetworks, FOLLOW_NETWORKS_MS);
const askerTimer = setInterval(() => exchange(() => askers.tick()), EXCHANGE_ASKERS_MS);
const neighbourTimer = setInterval(() => {
  neighbours = readNeighbours(node.interface);
}, FOLLOW_NEIGHBOURS_MS);
port.on('message', (request: WorkerRequest) => service.handle(request));

function receiveLink(from: string, senderIncarnation: Incarnation, bytes: Uint8Array): void {
  try {
    const message = decodeLinkMessage(bytes);
    if (message.type === 'opaque' && message.kind === ASKERS_KIND) exchange(() => askers.receive(message.body));
    else if (message.type === 'opaque') service.receiveOpaque(from, message);
    else shell.receiveLink(from, senderIncarnation, message);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    post({ type: 'log', level: 'warn', event: 'link-message-malformed', fields: { from, error: error.message } });
  }
}

function onDirective(directive: ShellNotice): void {
  if (directive.type === 'state') echo.setState(directive.to);
  if (directive.type === 'incarnation') postObituary(directive.incarnation);
  else if (directive.type === 'log') post({ ...directive, fields: readable(directive.fields) });
  else post(directive);
}

/** A bitmap in a log line is worth no more than how many buckets it holds. */
function readable(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const pairs = Object.entries(fields).map(([name, value]) => [
    name,
    value instanceof Uint8Array ? countBits(value) : value,
  ]);
  return Object.fromEntries(pairs);
}

/** Sealed ahead of time, because only the supervisor is left to send it. */
function postObituary(of: Incarnation): void {
  obituaryTargets = udpTargets();
  const obituary: SealedObituary = {
    interface: node.interface,
    datagrams: seal.sealObituary({ name: node.name, incarnation: of }),
    udp: obituaryTargets,
  };
  post({ type: 'obituary', obituary });
}

function udpTargets(): SealedObituary['udp'] {
  return paths.flatMap((path) => path.target() ?? []);
}

/** Networks come and go while the node runs; the supervisor must know where they are now, and others our MAC. */
function followNetworks(): void {
  if (Buffer.compare(dataPlane.mac, ownMac) !== 0) {
    ownMac = dataPlane.mac;
    shell.settings(settingsOf(config));
  }
  if (JSON.stringify(udpTargets()) !== JSON.stringify(obituaryTargets)) postObituary(seal.incarnation);
}

/** A packet thread that hangs answers nothing; the shell sees that, and fences. */
function exchange(how: () => void): void {
  try {
    how();
  } catch (error) {
    post({ type: 'log', level: 'debug', event: 'askers', fields: { error: String(error) } });
  }
}

function reloadKeys(): void {
  const next = keyringOf(loadKeyFile(keyPath));
  seal.setKeyring(next);
  link.setKeyring(next);
  postObituary(seal.incarnation);
}

/**
 * A heartbeat is a millisecond of work every 100 ms, and a lease hangs on it: on a host whose cores are all taken it must not
 * queue behind the service. Without CAP_SYS_NICE heartbeats queue as all else does.
 */
function raisePriority(): void {
  const precedence = takePrecedence();
  if (precedence !== 'real-time') post({ type: 'log', level: 'debug', event: 'priority', fields: { precedence } });
}

/** The data plane learns new rules before the core shares out their buckets: until then nobody owns them. */
function applyConfig(configText: string): void {
  const next = parseConfig(configText);
  if (!next.ok) throw new Error('the config was found right before, and is not now');
  config = next.config;
  link.setHidden(config.vips.map(({ text }) => text.split('/')[0]!));
  setShape();
  switches.switched(config, dataPlane.nowMs());
  shell.settings(settingsOf(config));
}

/** The farm may go over to this config. Nodes that would share otherwise with it keep apart while some have it, as the core sees to. */
function expectConfig(configText: string): void {
  const next = parseConfig(configText);
  if (next.ok && switches.expect(config, next.config, dataPlane.nowMs())) shell.settings(settingsOf(config));
}

function forgetSwitches(): void {
  if (switches.forgetOld(dataPlane.nowMs())) shell.settings(settingsOf(config));
}

function setWeightPercent(percent: number): void {
  weightPercent = percent;
  shell.settings(settingsOf(config));
}

function close(): void {
  clearInterval(switchTimer);
  clearInterval(networkTimer);
  clearInterval(askerTimer);
  clearInterval(neighbourTimer);
  shell.close();
  for (const path of paths) path.close();
  void link.close().then(() => {
    dataPlane.close();
    port.close();
  });
}

function setShape(): void {
  const names = config.rules.map(({ name }) => name);
  ruleSlots.renew(names, (slots) => dataPlane.setShape(shapeOf(config, identity, slots)));
}

function shapeOf(config: Config, { hashSeed, vmac }: FarmIdentity, slots: RuleSlotList): Shape {
  return {
    vips: config.vips.map(({ address, prefixLength }) => ({ address, prefixLength })),
    rules: ruleEntries(config).map((entry) => ({ ...entry, slot: slots[entry.rule] })),
    hashSeed,
    vmac,
    vlan: null,
  };
}

function digestOf(config: Config): string {
  return createHash('sha256').update(canonicalConfig(config)).digest('hex').slice(0, 16);
}

function settingsOf(config: Config): Settings {
  const { heartbeat, quorum, witness } = config;
  return {
    node: node.name,
    weight: resolveForNode(config, node.name).weight,
    weightPercent,
    plans: planSpecs(config),
    configDigest: digestOf(config),
    switches: switches.list(),
    reach: config.reach,
    mac: ownMac,
    intervalMs: heartbeat.intervalMs,
    leaseMs: heartbeat.leaseMs,
    marginMs: heartbeat.marginMs,
    quorum,
    electorate: electorate(config),
    witness: witness.length > 0,
    buckets: 4096,
  };
}
