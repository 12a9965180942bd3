/** The commands, their options and help. What each does is in `commands/`. */
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_RUN_DIR } from '../control/contract.js';
import { explain, metrics, reload } from './commands/ask.js';
import { type CheckFlags, checkConfig, type RunFlags, run } from './commands/config.js';
import { type EventFlags, events } from './commands/events.js';
import { addKey, type KeyFlags, keygen, listKeys, removeKey, useKey } from './commands/keys.js';
import { type ProbeFlags, probe } from './commands/probe.js';
import { type SetFlags, setCustom } from './commands/set.js';
import { type StatusFlags, status } from './commands/status.js';
import { type SupportFlags, support } from './commands/support.js';
import { type TraceFlags, trace } from './commands/trace.js';
import { addConfigCommands } from './config-program.js';
import { type ClientText, parseClient, parseHostNames, parseListen, parseTarget } from './endpoint.js';
import { asksForJson, errorReport } from './error-report.js';
import { asRoot, EXIT, type Failure, failureOf, isForRoot } from './exit.js';
import { EXIT_HELP, examples, helpWords, JSON_FLAG, pointToHelp, runDirOption } from './help.js';
import type { CliParts } from './parts.js';
import { addSelfHelp } from './self-help.js';
import { addSteering } from './steering.js';

/** Runs one command line (without interpreter and script). @returns the exit code; never throws. */
export async function runCli(parts: CliParts, words: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = buildProgram(parts, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...helpWords(program, words)], { from: 'user' });
  } catch (error) {
    const failure = failureOf(error);
    tell(parts, failure, error, words);
    if (failure.exitCode !== EXIT.ok && asksForJson(words))
      parts.terminal.line(JSON.stringify(errorReport(error, failure, words, parts.isRoot)));
    exitCode = failure.exitCode;
  }
  return exitCode;
}

function tell({ terminal, isRoot }: CliParts, { lines }: Failure, error: unknown, words: readonly string[]): void {
  for (const line of lines) terminal.errorLine(line);
  if (isForRoot(error) && !isRoot) terminal.errorLine(`  type: ${asRoot(words)}`);
}

export function buildProgram(given: CliParts, end: (exitCode: number) => void): Command {
  const program = new Command('covey');
  const parts = withColourChoice(program, given);
  program
    .description('N ordinary Linux servers answer on one virtual IP, with no load balancer in front.')
    .version(parts.version, '-V, --version', 'print the version')
    .helpCommand('help [command]', 'show help for a command')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => parts.terminal.raw(text),
      writeErr: (text) => parts.terminal.errorLine(text.replace(/\n$/, '')),
    });
  const add = { program, parts, end };
  addNodeCommands(add);
  addQuestions(add);
  addSeeing(add);
  addSteering(add);
  addReload(add);
  addSet(add);
  addKeyCommands(add);
  addConfigCommands(add);
  parts.addLabCommands(program);
  parts.addBenchCommand(program);
  addSelfHelp(program, parts, (own) => buildProgram(own, end));
  pointToHelp(program);
  return program.addHelpText(
    'after',
    examples(
      "covey init                                a first config, and the farm's key",
      'sudo covey run --config covey.yaml        run this node',
      'sudo covey status                         see the farm',
      'covey lab up --nodes 3 --client           try it all on one machine',
    ) + EXIT_HELP,
  );
}

/** The terminal's own choice, unless `--color` says otherwise. It is parsed after the commands were given their parts. */
function withColourChoice(program: Command, parts: CliParts): CliParts {
  program.addOption(
    new Option('--color <when>', 'colours: on a terminal only, unless NO_COLOR is set')
      .choices(['auto', 'always', 'never'])
      .default('auto'),
  );
  const { terminal } = parts;
  return {
    ...parts,
    terminal: {
      ...terminal,
      get hasColours() {
        const { color } = program.opts<{ readonly color: string }>();
        return color === 'auto' ? terminal.hasColours : color === 'always';
      },
    },
  };
}

/** What the functions that add commands are given. */
export interface Adding {
  readonly program: Command;
  readonly parts: CliParts;
  readonly end: (exitCode: number) => void;
}

/** Whom a console makes when it has no users. */
const FIRST_ADMIN = 'admin';

interface ConsoleFlags {
  readonly runDir: string;
  readonly listen: string;
  readonly host: readonly string[];
  /** True: the option without a name. */
  readonly resetAdmin?: string | true;
}

function addNodeCommands({ program, parts, end }: Adding): void {
  program
    .command('run')
    .description('run this node in the foreground')
    .requiredOption('--config <file>', "the farm's config, the same on every node")
    .option('--node <name>', "name of this node (default: the host's name)")
    .addOption(runDirOption())
    .addHelpText(
      'after',
      examples(
        'sudo covey run --config /etc/covey/covey.yaml',
        'sudo covey run --config covey.yaml --node n1 --run-dir /run/covey-n1',
      ),
    )
    .action(async (flags: RunFlags) => end(await run(parts, flags)));
  program
    .command('console')
    .description('serve the web console; with console: in the config, covey run does so by itself')
    .option('--listen <address>', 'HOST:PORT; 0.0.0.0:9443 for all of the host', parseListen, '127.0.0.1:9443')
    .option(
      '--host <name>',
      "a name besides the host's own by which browsers may ask for it; may be repeated",
      parseHostNames,
      [],
    )
    .option(
      '--reset-admin [name]',
      'give this user (default: admin) a new password and the role admin, and serve nothing',
    )
    .addOption(runDirOption())
    .addHelpText(
      'after',
      examples(
        'sudo covey console',
        'sudo covey console --listen 0.0.0.0:9443 --host covey.example.org',
        'sudo covey console --reset-admin',
      ),
    )
    .action(async ({ resetAdmin, ...flags }: ConsoleFlags) => {
      const reset = resetAdmin === undefined ? {} : { resetAdmin: resetAdmin === true ? FIRST_ADMIN : resetAdmin };
      end(await parts.console({ ...flags, ...reset }));
    });
  program
    .command('check-config')
    .description('check a config, and how it fits this host; exit code 3 when it is bad')
    .argument('<file>', 'the config')
    .option('--node <name>', "check it for this node (default: the host's name)")
    .option(...JSON_FLAG)
    .addHelpText(
      'after',
      examples(
        'covey check-config covey.yaml',
        'covey check-config covey.yaml --node n2',
        'covey check-config covey.yaml --json | jq .faults',
      ),
    )
    .action(async (file: string, flags: CheckFlags) => end(await checkConfig(parts, file, flags)));
  program
    .command('cleanup')
    .description('undo what an agent that was killed left on this host')
    .option(...JSON_FLAG)
    .addOption(runDirOption())
    .addHelpText('after', examples('sudo covey cleanup'))
    .action(async (flags: { readonly runDir: string; readonly json?: boolean }) => {
      const { undone, found } = await parts.cleanup(flags);
      if (flags.json === true) parts.terminal.line(JSON.stringify({ version: 1, found, undone }));
      if (!found) return end(nothingThere(parts, flags.runDir, flags.json === true));
      if (flags.json === true) return;
      for (const line of undone.length === 0 ? ['nothing was left to clean up'] : undone) parts.terminal.line(line);
    });
}

/** The usual directory is missing after each boot, and that is well; another one was probably misspelt. */
function nothingThere({ terminal }: CliParts, runDir: string, isTold: boolean): number {
  const line = `there is no directory ${runDir}: nothing is there under that name`;
  if (runDir === DEFAULT_RUN_DIR && !isTold) terminal.line(line);
  else if (!isTold) terminal.errorLine(`covey: ${line}`);
  return runDir === DEFAULT_RUN_DIR ? EXIT.ok : EXIT.error;
}

function addQuestions({ program, parts, end }: Adding): void {
  program
    .command('status')
    .description('show the farm as this node sees it; exit code 4 when it is not whole')
    .option(...JSON_FLAG)
    .option('--watch', 'show it again and again, until interrupted')
    .addOption(runDirOption())
    .addHelpText('after', examples('covey status', 'covey status --watch', 'covey status --json | jq .members'))
    .action(async (flags: StatusFlags) => end(await status(parts, flags)));
  program
    .command('explain')
    .description('say which node serves a client, and why')
    .argument('<client>', 'ADDRESS or ADDRESS:PORT of the client', parseClient)
    .option('--to <target>', 'VIP:PORT/PROTOCOL that it speaks to (default: first VIP, first rule)', parseTarget)
    .option('--without <nodes>', 'also say who would, if these nodes (n2 or n2,n3) died', parseNames)
    .option(...JSON_FLAG)
    .addOption(runDirOption())
    .addHelpText(
      'after',
      examples(
        'covey explain 10.77.0.100:40000',
        'covey explain 10.77.0.100:40000 --without n2',
        'covey explain 10.77.0.100:40000 --to 10.77.0.50:443/tcp',
        'covey explain [fd77::100]:40000 --json',
      ),
    )
    .action(async (client: ClientText, flags: Parameters<typeof explain>[2]) =>
      end(await explain(parts, client, flags)),
    );
  program
    .command('probe')
    .description(
      'find out what the network brings to the nodes; exit code 4 when the reach in use does not work everywhere',
    )
    .option('--apply', 'then let the farm use the best that works (with reach: auto)')
    .option(...JSON_FLAG)
    .addOption(runDirOption())
    .addHelpText('after', examples('covey probe', 'covey probe --apply', 'covey probe --json | jq .verdict'))
    .action(async (flags: ProbeFlags) => end(await probe(parts, flags)));
}

/** What happens, and what it means: for people who look, and for programs that collect. */
function addSeeing({ program, parts, end }: Adding): void {
  program
    .command('events')
    .description('show what happened on this node, oldest first: who joined, left, was fenced, why, and what moved')
    .option('--since <time>', 'only later ones: 10m (ago), or a time such as 2026-11-22T18:00:00Z')
    .option('--limit <n>', 'the newest so many', parseLimit, 200)
    .option('--follow', 'go on with new ones as they happen, until interrupted')
    .option('--kinds', 'instead: which kinds there are, and which of them notify tells by default')
    .option('--json', 'one JSON object a line')
    .addOption(runDirOption())
    .addHelpText(
      'after',
      examples(
        'covey events --since 10m',
        'covey events --follow',
        'covey events --json | jq -r .event',
        'covey events --kinds',
      ),
    )
    .action(async (flags: EventFlags) => end(await events(parts, flags)));
  program
    .command('trace')
    .description('show frames with rule, bucket, owner and verdict: live, or from a file')
    .argument('[filter...]', 'which frames, as for tcpdump (default: those for the VIPs)')
    .option('--count <n>', 'end after so many', parseCount)
    .option('--read <file>', 'read them from a capture file')
    .option('--config <file>', "with --nodes: the farm's config")
    .option(
      '--nodes <names>',
      'with --read: judge by the config and the plan of these nodes, without any agent',
      parseNames,
    )
    .option('--json', 'one JSON object a line')
    .addOption(runDirOption())
    .addHelpText(
      'after',
      examples(
        'sudo covey trace',
        "sudo covey trace 'tcp port 80 and host 10.77.0.100' --count 20",
        'covey trace --read eth0.pcap',
        'covey trace --read eth0.pcap --config covey.yaml --nodes n1,n2,n3 --json',
      ),
    )
    .action(async (filter: string[], flags: TraceFlags) => end(await trace(parts, filter, flags)));
  program
    .command('metrics')
    .description("print this node's metrics in the text format of Prometheus")
    .option(...JSON_FLAG)
    .addOption(runDirOption())
    .addHelpText('after', examples('covey metrics | grep share'))
    .action(async (flags: Parameters<typeof metrics>[1]) => end(await metrics(parts, flags)));
  program
    .command('support')
    .description(
      'make an archive for those who are to help: state, events, config, host; without secrets; exit code 5 when no agent could be asked',
    )
    .option('--output <file>', 'where to (default: covey-support-TIME.tar.gz here)')
    .option('--config <file>', 'the config to put in when no agent runs')
    .option('--redact-addresses', 'replace every address, the same always by the same word')
    .option(...JSON_FLAG)
    .addOption(runDirOption())
    .addHelpText(
      'after',
      examples('sudo covey support', 'sudo covey support --redact-addresses --output /tmp/covey.tar.gz'),
    )
    .action(async (flags: SupportFlags) => end(await support(parts, flags)));
}

/** Names with commas between them. */
function parseNames(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.every((name) => /^[A-Za-z0-9_.-]{1,63}$/.test(name)) && new Set(names).size === names.length) return names;
  throw new InvalidArgumentError('Write names with commas between them, each once, such as n1,n2,n3.');
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Write a number from 1.');
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (/^\d{1,5}$/.test(text) && limit >= 1 && limit <= 10_000) return limit;
  throw new InvalidArgumentError('Write a number from 1 to 10000.');
}

function addReload({ program, parts, end }: Adding): void {
  program
    .command('reload')
    .description('read the config and the key file again and act on them; a bad one changes nothing (exit code 3)')
    .option(...JSON_FLAG)
    .addOption(runDirOption())
    .addHelpText('after', examples('covey check-config covey.yaml && covey reload'))
    .action(async (flags: Parameters<typeof reload>[1]) => end(await reload(parts, flags)));
}

function addSet({ program, parts, end }: Adding): void {
  program
    .command('set')
    .description('tell this node how a checker of type custom is: a script looks, Covey acts')
    .argument('<checker>', 'custom.NAME')
    .addArgument(setWord())
    .option('--reason <text>', 'what people will read in status and events')
    .option(...JSON_FLAG)
    .addOption(runDirOption())
    .addHelpText(
      'after',
      examples('covey set custom.backup up', 'covey set custom.backup down --reason "disk is full"'),
    )
    .action(async (checker: string, word: string, flags: SetFlags) =>
      end(await setCustom(parts, checker, word, flags)),
    );
}

/** For completions; what is neither is refused by the command itself, which says what to write. */
function setWord(): Argument {
  const word = new Argument('<word>', 'how it is');
  word.argChoices = ['up', 'down'];
  return word;
}

function addKeyCommands({ program, parts, end }: Adding): void {
  program
    .command('keygen')
    .description('make a farm key: into a new file of mode 0600, or to standard output')
    .argument('[file]', 'the file to make')
    .option(...JSON_FLAG)
    .addHelpText('after', examples('covey keygen farm.key', 'covey keygen farm.key --json | jq -r .id'))
    .action((file: string | undefined, flags: { readonly json?: boolean }) => end(keygen(parts, file, flags)));
  const keys = program
    .command('keys')
    .description("rotate the farm's key: add on all nodes, then use, then remove")
    .addHelpText(
      'after',
      examples('covey keys list', 'covey keys add', 'covey keys use 3f2a9c1b', 'covey keys remove 77e1d004'),
    );
  const sub = (words: string, description: string, ...lines: readonly string[]) =>
    keys
      .command(words)
      .description(description)
      .option(...JSON_FLAG)
      .addHelpText('after', examples(...lines))
      .option('--key-file <file>', "the key file (default: the running agent's)")
      .option('--config <file>', 'the config that names the key file')
      .addOption(runDirOption());
  sub('list', 'show the keys, and who uses them', 'covey keys list', 'covey keys list --key-file farm.key').action(
    async (flags: KeyFlags) => end(await listKeys(parts, flags)),
  );
  sub('add', 'add a key, valid at once; without a file a new one', 'covey keys add', 'covey keys add new.key')
    .argument('[file]', 'a key file to take it from; - for standard input')
    .action(async (file: string | undefined, flags: KeyFlags) => end(await addKey(parts, file, flags)));
  sub('use', 'seal with this key from now on', 'covey keys use 3f2a9c1b')
    .argument('<id>', 'its id, or the beginning')
    .option('--force', 'even when a member cannot open it, and will no longer hear this node')
    .action(async (id: string, flags: KeyFlags) => end(await useKey(parts, id, flags)));
  sub('remove', 'remove a key that nobody uses', 'covey keys remove 77e1d004')
    .argument('<id>', 'its id, or the beginning')
    .option('--force', 'even when no agent can say whether it is in use')
    .action(async (id: string, flags: KeyFlags) => end(await removeKey(parts, id, flags)));
}
