/** `covey lab ...`: a whole farm on one machine, for trying, demonstrations, tests and benchmarks. */
import { spawn } from 'node:child_process';
import { type Command, InvalidArgumentError } from 'commander';
import { interruption } from './interrupt.js';
import {
  labCut,
  labDown,
  labDrain,
  labEnvironment,
  labKill,
  labStall,
  labStart,
  labState,
  labStatus,
  labUp,
} from './lab.js';
import { checkLabName, DEFAULT_LAB, LabError, MAX_LAB_NODES, namespaceOf, VIP } from './names.js';
import { isProfileName, PROFILE_NAMES, type ProfileName, profileOf } from './network/profiles.js';
import { isWell, labLines } from './view.js';

interface UpFlags {
  readonly lab: string;
  readonly nodes: number;
  readonly network: string;
  readonly client?: boolean;
  readonly ipv6?: boolean;
  readonly agents: boolean;
  readonly configOverride: readonly string[];
}

interface LabFlags {
  readonly lab: string;
}

/** Exit code of a farm that is not whole, as of `covey status`. */
const DEGRADED = 4;

/** As the help of the other commands has them. */
const examples = (...lines: readonly string[]): string => `\nExamples:\n${lines.map((line) => `  ${line}\n`).join('')}`;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Adds `lab` and its subcommands. Their failures are rejections (LabError, CommandError) of the action. */
export function addLabCommands(program: Command): void {
  const lab = program
    .command('lab')
    .description('a whole farm on this machine, in network namespaces')
    .addHelpText('after', examples('sudo covey lab up --nodes 3 --client', 'sudo covey lab down'))
    .hook('preAction', requireRoot);
  const subcommand = (words: string, description: string, ...lines: readonly string[]): Command =>
    lab
      .command(words)
      .description(description)
      .option('--lab <name>', 'name of the lab', parseLab, DEFAULT_LAB)
      .addHelpText('after', examples(...lines));

  subcommand(
    'up',
    'build and start a lab, and wait until all its nodes are up',
    'sudo covey lab up --nodes 3 --client',
    'sudo covey lab up --network vswitch --ipv6',
  )
    .option('--nodes <n>', 'number of nodes', parseNodes, 3)
    .option('--network <profile>', 'network to imitate; `lab networks` lists them', 'switch')
    .option('--client', 'add a client host')
    .option('--ipv6', 'add an IPv6 VIP')
    .option('--no-agents', 'network and services only')
    .option('--config-override <yaml>', 'laid over the default config; may be repeated', collect, [])
    .action(up);
  lab
    .command('networks')
    .description('list the networks that a lab can imitate')
    .option('--json', 'as JSON')
    .addHelpText('after', examples('sudo covey lab networks'))
    .action(networks);
  subcommand('status', 'show the nodes of a lab', 'sudo covey lab status').option('--json', 'as JSON').action(status);
  subcommand(
    'exec',
    'run a command on a host: n1, n2, ..., client, gateway or switch; covey there asks the agent of that host',
    'sudo covey lab exec client -- curl -s http://10.77.0.50/',
    'sudo covey lab exec n1 -- covey status',
  )
    .argument('<host>')
    .argument('<command...>', 'after --')
    .action((host: string, command: readonly string[], flags: LabFlags) => exec(flags.lab, host, command));
  subcommand('kill', 'kill -9 supervisor and agent of a node', 'sudo covey lab kill n2')
    .argument('<node>')
    .option('--agent-only', 'leave the supervisor alive')
    .action(async (node: string, flags: LabFlags & { readonly agentOnly?: boolean }) => {
      await labKill(flags.lab, node, flags.agentOnly === true);
      say(`${node}: ${flags.agentOnly === true ? 'agent' : 'supervisor and agent'} killed`);
    });
  addFaults(subcommand);
  subcommand('down', 'remove a lab, whatever state it is in', 'sudo covey lab down').action(async (flags: LabFlags) => {
    const removed = await labDown(flags.lab);
    say(removed.length === 0 ? `there was no lab ${flags.lab}` : `lab ${flags.lab} removed`);
  });
}

function addFaults(subcommand: (words: string, description: string, ...lines: readonly string[]) => Command): void {
  subcommand('stall', 'stop (SIGSTOP) supervisor and agent of a node', 'sudo covey lab stall n2')
    .argument('<node>')
    .action(async (node: string, flags: LabFlags) => {
      await labStall(flags.lab, node);
      say(`${node}: stalled`);
    });
  subcommand('cut', 'pull the cable of a node', 'sudo covey lab cut n2')
    .argument('<node>')
    .action(async (node: string, flags: LabFlags) => {
      await labCut(flags.lab, node);
      say(`${node}: cable pulled`);
    });
  subcommand('drain', 'drain a node', 'sudo covey lab drain n2')
    .argument('<node>')
    .action(async (node: string, flags: LabFlags) => {
      process.stdout.write(await labDrain(flags.lab, node));
    });
  subcommand('start', 'undo kill, stall, cut or drain', 'sudo covey lab start n2')
    .argument('<node>')
    .action(async (node: string, flags: LabFlags) => {
      const done = await labStart(flags.lab, node);
      say(`${node}: ${done.length === 0 ? 'runs already' : done.join(', ')}`);
    });
}

/** The command line adds what to type. */
function rootNeeded(): LabError {
  return Object.assign(new LabError('a lab lives in network namespaces: run this as root (sudo)'), { needsRoot: true });
}

function requireRoot(): void {
  if (process.getuid?.() !== 0) throw rootNeeded();
}

/** commander shows the message after `option '--nodes <n>' argument 'abc' is invalid.`, and ends with 2. */
function parseNodes(text: string): number {
  const nodes = Number(text);
  if (/^\d{1,3}$/.test(text) && nodes >= 1 && nodes <= MAX_LAB_NODES) return nodes;
  throw new InvalidArgumentError(`Write a number from 1 to ${MAX_LAB_NODES}.`);
}

function parseLab(text: string): string {
  try {
    return checkLabName(text);
  } catch (cause) {
    throw new InvalidArgumentError((cause as Error).message);
  }
}

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

/** Ctrl-C or SIGTERM while the lab is being built removes what is there already. */
async function up(flags: UpFlags): Promise<void> {
  const interrupt = interruption((line) => process.stderr.write(`${line}\n`));
  const options = {
    lab: flags.lab,
    nodes: flags.nodes,
    client: flags.client === true,
    ipv6: flags.ipv6 === true,
    network: networkNamed(flags.network),
    overrides: flags.configOverride,
    agents: flags.agents,
    signal: interrupt.signal,
  };
  const begun = performance.now();
  const state = await labUp(options, (line) => process.stderr.write(`${line}\n`)).finally(interrupt.done);
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  say(`lab ${state.lab}: ${state.nodes.length} nodes, VIP ${VIP}, ready after ${seconds} s`);
  for (const line of firstSteps(flags)) say(line);
}

function networkNamed(name: string): ProfileName {
  if (isProfileName(name)) return name;
  throw new LabError(`there is no network "${name}"; there are: ${PROFILE_NAMES.join(', ')}`);
}

function networks({ json }: { readonly json?: boolean }): void {
  const all = PROFILE_NAMES.map((name) => ({ name, about: profileOf(name).about }));
  if (json === true) return say(JSON.stringify({ version: 1, networks: all }));
  for (const name of PROFILE_NAMES) say(`${name.padEnd(15)}${profileOf(name).about}`);
}

/** Without agents nobody serves the VIP, and no `covey` has anybody to ask. */
function firstSteps({ lab, agents, client }: UpFlags): readonly string[] {
  const words = lab === DEFAULT_LAB ? '' : ` --lab ${lab}`;
  if (!agents) return [`no agents: nobody serves the VIP. Start them one by one: covey lab start n1${words}`];
  const look = `look into a node: covey lab exec n1${words} -- covey status`;
  return client === true ? [`try: covey lab exec client${words} -- curl -s http://${VIP}/`, look] : [look];
}

async function status(flags: LabFlags & { readonly json?: boolean }): Promise<void> {
  const { agents } = await labState(flags.lab);
  const nodes = await labStatus(flags.lab);
  const start = `covey lab start --lab ${flags.lab}`;
  if (flags.json === true) say(JSON.stringify({ version: 1, lab: flags.lab, nodes }));
  else for (const line of labLines(nodes, agents, start)) say(line);
  if (!nodes.every((node) => isWell(node, agents))) process.exitCode = DEGRADED;
}

/** The command's exit code becomes ours. */
async function exec(lab: string, host: string, command: readonly string[]): Promise<void> {
  const { nodes, client, network } = await labState(lab);
  const { gateway } = profileOf(network);
  const hosts = [...nodes, 'switch', ...(client ? ['client'] : []), ...(gateway ? ['gateway'] : [])];
  if (!hosts.includes(host)) throw new LabError(`lab ${lab} has no host ${host}; it has ${hosts.join(', ')}`);
  const child = spawn('ip', ['netns', 'exec', namespaceOf(lab, host), ...command], {
    stdio: 'inherit',
    env: labEnvironment(lab, host, process.env),
  });
  // Ctrl-C reaches the command by the terminal; we wait for it to end, as a shell does.
  const ignore = (): void => undefined;
  process.on('SIGINT', ignore);
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  }).finally(() => process.off('SIGINT', ignore));
}
