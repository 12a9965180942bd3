/** The first steps: a config and a key out of few questions, or both from a running member. */
import { isAbsolute, join as joinPath, resolve } from 'node:path';
import { formatAddress, parseAddress } from '../../buckets/address.js';
import type { Config } from '../../config/contract.js';
import { faultText } from '../../config/fault-text.js';
import { parseConfig } from '../../config/load.js';
import { EXIT, UsageError } from '../exit.js';
import type { CliParts } from '../parts.js';
import type { DetectedInterface } from '../setup-parts.js';
import { starterConfig } from '../starter.js';

const CONFIG = 'covey.yaml';
const KEY = 'farm.key';
const DEFAULT_PORT = '80';

export interface InitFlags {
  readonly dir: string;
  readonly farm?: string;
  readonly interface?: string;
  readonly vip?: string;
  readonly port?: string;
  readonly yes?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

export async function init(parts: CliParts, flags: InitFlags): Promise<number> {
  const { setup, terminal } = parts;
  const [config, key] = [joinPath(flags.dir, CONFIG), joinPath(flags.dir, KEY)];
  demandFree(parts, [config, key], flags.force === true);
  const detected = await setup.detect();
  const text = starterConfig({
    farm: flags.farm ?? 'farm',
    ...(await answers(parts, flags, detected)),
    keyFile: KEY,
    schema: setup.schemaPath,
  });
  demandGood(text, 'with these answers the config is not right');
  setup.write(key, parts.keys.generate(), 0o600, flags.force === true);
  setup.write(config, text, 0o644, flags.force === true);
  const member = detected?.address?.split('/')[0] ?? 'THIS-HOST';
  const more = [
    { type: 'sudo covey invite', about: 'then, for each further node,' },
    { type: `sudo covey join ${member}`, about: 'there: it brings both files' },
  ];
  const steps = [...firstSteps(config), ...more];
  if (flags.json === true) terminal.line(JSON.stringify({ version: 1, config, key, next: steps.map(typed) }));
  else next(parts, `written: ${config} and ${key}`, steps);
  return EXIT.ok;
}

/** Flags first, then questions; with --yes, or where nobody can be asked, what was found. */
async function answers(parts: CliParts, flags: InitFlags, detected: DetectedInterface | null) {
  const ask = async (flag: string | undefined, option: string, question: string, fallback: string) => {
    if (flag !== undefined) return flag;
    const answer =
      flags.yes === true || !parts.terminal.isInteractive ? fallback : await parts.setup.ask(question, fallback);
    if (answer !== '') return answer;
    throw new UsageError(`${question}: not known`, `give it: covey init ${option}`);
  };
  const name = await ask(
    flags.interface,
    '--interface eth0',
    "interface that the clients' packets come in by",
    detected?.name ?? '',
  );
  const near = detected?.name === name ? detected.address : null;
  const of = near === null ? '' : `, free and in the network of ${near}`;
  const vip = await ask(flags.vip, `--vip ${exampleVip(near)}`, `virtual IP of the farm${of}`, '');
  const port = Number(await ask(flags.port, '--port 80', 'TCP port of the service', DEFAULT_PORT));
  if (!Number.isInteger(port)) throw new UsageError('that is no port', 'write a number from 1 to 65535');
  return { interface: name, vip: withPrefix(vip, near), port };
}

/** In the network of the interface, so that it can be typed as it stands where nobody has that address. */
function exampleVip(near: string | null): string {
  const [own, length] = [parseAddress(near?.split('/')[0] ?? ''), Number(near?.split('/')[1])];
  if (own === null || own.length !== 4 || length > 30) return '192.168.1.50/24';
  const size = 2 ** (32 - length);
  const number = own.reduce((sum, byte) => sum * 256 + byte, 0);
  const network = number - (number % size);
  const host = [50, size - 2, size - 3].find((at) => at < size - 1 && network + at !== number) ?? 1;
  const bytes = [24, 16, 8, 0].map((shift) => Math.floor((network + host) / 2 ** shift) % 256);
  return `${formatAddress(Uint8Array.from(bytes))}/${length}`;
}

/** Who leaves the prefix length out means that of the interface. */
function withPrefix(vip: string, near: string | null): string {
  if (vip.includes('/') || vip.includes(':') || near === null) return vip;
  return `${vip}/${near.split('/')[1]}`;
}

export interface JoinFlags {
  readonly dir: string;
  readonly code?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

export async function join(
  parts: CliParts,
  target: { readonly address: string; readonly port: number },
  flags: JoinFlags,
): Promise<number> {
  const { setup, terminal } = parts;
  const force = flags.force === true;
  const config = joinPath(flags.dir, CONFIG);
  demandFree(parts, [config], force);
  const code = flags.code ?? (await setup.ask('code, as covey invite printed it there', ''));
  if (code === '') throw new UsageError('no code was given', 'on the member, type: sudo covey invite');
  const content = await setup.fetchInvite({ ...target, code, host: parts.hostName });
  const parsed = demandGood(content.configText, `the config of ${content.node} is not right for this version of covey`);
  const key = isAbsolute(parsed.keyFile) ? parsed.keyFile : resolve(joinPath(flags.dir, parsed.keyFile));
  demandFree(parts, [key], force);
  setup.write(key, content.keyText, 0o600, force);
  setup.write(config, content.configText, 0o644, force);
  const { farm, node } = content;
  const steps = firstSteps(config);
  if (flags.json === true)
    terminal.line(JSON.stringify({ version: 1, farm, node, config, key, next: steps.map(typed) }));
  else next(parts, `farm ${farm}, from node ${node}: written ${config} and ${key}`, steps);
  return EXIT.ok;
}

function demandFree({ setup }: CliParts, paths: readonly string[], force: boolean): void {
  const there = paths.filter((path) => setup.exists(path));
  if (there.length === 0 || force) return;
  const what = `${there.join(' and ')} ${there.length === 1 ? 'is' : 'are'} there already, and nothing was changed`;
  throw new UsageError(what, 'give another directory with --dir, or --force to replace');
}

function demandGood(text: string, why: string): Config {
  const parsed = parseConfig(text);
  if (parsed.ok) return parsed.config;
  const faults = parsed.faults.map((fault) => faultText(fault)).join('; ');
  throw new UsageError(`${why}: ${faults}`, 'nothing was written');
}

interface Step {
  readonly type: string;
  /** Empty where the command says it all. */
  readonly about: string;
}

const typed = ({ type }: Step) => type;

const firstSteps = (config: string): readonly Step[] =>
  [`covey check-config ${config}`, `sudo covey run --config ${config}`, 'sudo covey status'].map((type) => ({
    type,
    about: '',
  }));

function next({ terminal }: CliParts, done: string, steps: readonly Step[]): void {
  terminal.line(done);
  terminal.line('next, type:');
  const width = Math.max(...steps.map(({ type }) => type.length));
  for (const { type, about } of steps) terminal.line(`  ${about === '' ? type : `${type.padEnd(width)}   ${about}`}`);
}
