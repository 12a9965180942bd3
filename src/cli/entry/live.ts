/** Parts by which a running agent takes another config: this host's word on it, files, and the door for new hosts. */
import { accessSync, constants } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { resolve } from 'node:path';
import type { AgentParts } from '../../agent/agent-parts.js';
import type { InviteContentSource, OpenInvite } from '../../agent/config-service.js';
import type { AgentBegin } from '../../agent/contract.js';
import { keyFilePath } from '../../agent/key-file.js';
import { ConfigHistory } from '../../agent/rollout/history.js';
import type { Config } from '../../config/contract.js';
import { resolveForNode } from '../../config/resolve.js';
import { secretFilesOf } from '../../config/secret-files.js';
import { hostFacts } from '../../platform/host/facts.js';
import { INVITE_LASTS_MS, INVITE_PORT } from '../../platform/invite/contract.js';
import { Invite, type InviteEvent } from '../../platform/invite/listener.js';
import { loadKeyFile } from '../../platform/keys.js';
import { advertisedAddresses } from '../../platform/link-addresses.js';
import { replaceFile } from '../../platform/private-file.js';
import { stageFile } from '../../platform/staged-file.js';
import { readTextFile } from '../../platform/text-file.js';
import { askWhoHas } from './reach.js';

export function liveParts({ options, baseDir }: AgentBegin): AgentParts['live'] {
  // What outlives a restart of the machine: a service manager names a directory for it (systemd.exec(5)).
  const stateDir = process.env.STATE_DIRECTORY?.split(':')[0] || options.runDir;
  return {
    readFile: readTextFile,
    stage: stageFile,
    openHistory: () => new ConfigHistory(stateDir, replaceFile),
    hostFaults: (next) => hostFaults(next, options.node, baseDir),
    whoHas: askWhoHas,
    invites: openInvite,
  };
}

/** What this host lacks for a config. */
async function hostFaults(next: Config, node: string, baseDir: string): Promise<readonly string[]> {
  const { interface: name } = resolveForNode(next, node);
  const facts = await hostFacts(name);
  return [
    ...(facts.exists ? [] : [`interface ${name} is not here; there are: ${facts.others.join(', ')}`]),
    ...keyFault(keyFilePath(next, baseDir)),
    ...secretFaults(next, baseDir),
    ...metricsFault(next),
  ];
}

/** Files with secrets of notifications; the farm's key is judged by {@link keyFault}. */
function secretFaults(next: Config, baseDir: string): string[] {
  return secretFilesOf(next).flatMap((file) => {
    if (file === next.keyFile) return [];
    const path = resolve(baseDir, file);
    try {
      accessSync(path, constants.R_OK);
      return [];
    } catch (error) {
      return [`notify needs ${path}, which cannot be read: ${(error as Error).message}`];
    }
  });
}

/** One config is for all nodes: an address of one of them is none of the others'. */
function metricsFault({ metrics }: Config): string[] {
  if (metrics === null) return [];
  const host = metrics.listen.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  if (isIP(host) === 0 || ['0.0.0.0', '::', '::1'].includes(host) || host.startsWith('127.')) return [];
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  if (own.some(({ address }) => address === host)) return [];
  return [`metrics.listen: ${host} is no address of this host; 0.0.0.0 stands for all of each host's`];
}

function keyFault(path: string): string[] {
  try {
    loadKeyFile(path);
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}

async function openInvite(source: InviteContentSource, port: number | null): Promise<OpenInvite> {
  const invite = await Invite.open({
    port: port ?? INVITE_PORT,
    content: async () => ({
      version: 1,
      farm: source.farm,
      node: source.node,
      configText: source.configText(),
      keyText: await readFile(source.keyFile, 'utf8'),
    }),
    onEvent: (event) => source.record(event.type === 'wrong-code' ? 'warn' : 'info', 'invite', facts(event)),
  });
  return {
    code: invite.code,
    port: invite.port,
    addresses: advertisedAddresses(source.vips()),
    until: new Date(Date.now() + INVITE_LASTS_MS).toISOString(),
    close: () => invite.close(),
  };
}

function facts(event: InviteEvent): Readonly<Record<string, unknown>> {
  const { type, ...rest } = event;
  return { what: type, ...rest };
}
