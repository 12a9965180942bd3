/** Puts the reach service's parts together: keys, capture, host. */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { ReachHooks } from '../../agent/agent-parts.js';
import { keyFilePath } from '../../agent/key-file.js';
import type { Config } from '../../config/contract.js';
import { resolveForNode } from '../../config/resolve.js';
import { hmacSha256 } from '../../platform/crypto.js';
import { lookAtHost } from '../../platform/host/look.js';
import { identityOf, loadKeyFile } from '../../platform/keys.js';
import { RawProcess } from '../../platform/raw/process.js';
import type { ReachDoor } from '../../reach/contract.js';
import { TAG_BYTES } from '../../reach/probe-frame.js';
import { ReachService } from '../../reach/service.js';
import { whoHas } from '../../reach/vip-check.js';

const RAW_ENTRY = fileURLToPath(new URL('./raw.js', import.meta.url));

/** Of heartbeats only the header is read, to tell which MACs are whose. */
const HEARTBEATS = { etherType: 0x88b5, everyMs: 1000 };

/** The same clock as in the capturing process. */
const monotonicMs = () => Number(process.hrtime.bigint()) / 1e6;

/** Who else has `vips`, which the farm is about to take; one sentence each. */
export async function askWhoHas(
  config: Config,
  nodeName: string,
  baseDir: string,
  vips: Config['vips'],
): Promise<readonly string[]> {
  const { interface: interfaceName } = resolveForNode(config, nodeName);
  const { vmac, probeVmac, farmId } = identityOf(loadKeyFile(keyFilePath(config, baseDir)), config.farm);
  const { mac } = await lookAtHost(interfaceName, []);
  return whoHas({
    vips: vips.map(({ address }) => address),
    mac,
    vmac,
    probeMac: probeVmac,
    farmId,
    port: config.heartbeat.port,
    openRaw: (filter) => new RawProcess({ entry: RAW_ENTRY, interface: interfaceName, filter, thin: HEARTBEATS }),
    nowMs: monotonicMs,
  });
}

export function openReach(config: Config, nodeName: string, baseDir: string, hooks: ReachHooks): ReachDoor {
  const { interface: interfaceName, name: node } = resolveForNode(config, nodeName);
  const identity = identityOf(loadKeyFile(keyFilePath(config, baseDir)), config.farm);
  const vips = config.vips.map(({ text, prefixLength }) => ({ address: text.split('/')[0]!, prefixLength }));
  return new ReachService({
    ...hooks,
    node,
    farm: config.farm,
    setting: config.reach,
    vips: config.vips,
    port: config.heartbeat.port,
    vmac: identity.vmac,
    probeMac: identity.probeVmac,
    farmId: identity.farmId,
    tag: (bytes) => hmacSha256(identity.probeKey, bytes).subarray(0, TAG_BYTES),
    run: randomBytes(4).readUInt32BE(0),
    calmMs: config.reachCalmMs,
    openRaw: (filter) => new RawProcess({ entry: RAW_ENTRY, interface: interfaceName, filter, thin: HEARTBEATS }),
    look: () => lookAtHost(interfaceName, vips),
    nowMs: monotonicMs,
  });
}
