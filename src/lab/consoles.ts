/** The consoles of a lab: the config that starts them, where they are, and the first login, which one node prints once into its log. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { addressOf, LabError, namespaceOf, nodePaths, PROJECT } from './names.js';
import { eventually } from './processes.js';

export const CONSOLE_PORT = 9443;
/** A config override. */
export const WITH_CONSOLES = `{ console: { listen: "0.0.0.0:${CONSOLE_PORT}" } }`;

/** From inside the lab. */
export const consoleUrl = (node: string): string => `https://${addressOf(node)}:${CONSOLE_PORT}/`;

export interface Login {
  readonly user: string;
  readonly password: string;
}

const FOUND_WITHIN_MS = 30_000;

/** Waits until the farm has its first account. Throws LabError when it does not get one. */
export async function firstLogin(lab: string, nodes: readonly string[]): Promise<Login> {
  let found: Login | undefined;
  const look = async (): Promise<boolean> => {
    const logs = await Promise.all(
      nodes.map((node) => readFile(nodePaths(lab, node).agentLog, 'utf8').catch(() => '')),
    );
    found = logs.flatMap((log) => log.split('\n').flatMap(loginIn))[0];
    return found !== undefined;
  };
  if (await eventually(look, FOUND_WITHIN_MS, 100)) return found!;
  throw new LabError(`no console of lab ${lab} has made a first account within ${FOUND_WITHIN_MS / 1000} s`);
}

function loginIn(line: string): Login[] {
  if (!line.includes('"password"')) return [];
  const { user, password } = JSON.parse(line) as Partial<Login>;
  return user === undefined || password === undefined ? [] : [{ user, password }];
}

/** SHA-256 of the certificate of a node's console, as browsers show it. Throws LabError where the console does not say one. */
export async function fingerprintOf(lab: string, node: string): Promise<string> {
  let found: string | null = null;
  const look = async (): Promise<boolean> => {
    found = fingerprintIn(await readFile(nodePaths(lab, node).agentLog, 'utf8').catch(() => ''));
    return found !== null;
  };
  if (await eventually(look, FOUND_WITHIN_MS, 100)) return found!;
  throw new LabError(`the console of ${node} in lab ${lab} does not listen after ${FOUND_WITHIN_MS / 1000} s`);
}

/** Of the console that began to listen last; null: none has. Other lines of the log may be of anything. */
export function fingerprintIn(log: string): string | null {
  const said = [...log.matchAll(/^\{.*"fingerprint":"([0-9A-F:]+)".*"msg":"console: listening".*$/gm)];
  return said.at(-1)?.[1] ?? null;
}

/**
 * Makes a node's console reachable from this host, at 127.0.0.1 and `port`, or another one where that is taken. It is a process in the
 * client's namespace, so `lab down` ends it with the rest. @returns the address for a browser.
 */
export async function openDoor(lab: string, node: string, port: number): Promise<string> {
  const server = await listening(port).catch(() => listening(0));
  const words = [
    'netns',
    'exec',
    namespaceOf(lab, 'client'),
    process.execPath,
    join(PROJECT, 'dist', 'lab', 'door.js'),
  ];
  const door = spawn('ip', [...words, addressOf(node), `${CONSOLE_PORT}`], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  door.send('listen', server);
  await once(door, 'message');
  const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  server.close();
  door.disconnect();
  door.unref();
  return address;
}

async function listening(port: number): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
