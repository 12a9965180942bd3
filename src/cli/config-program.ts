/** The commands about the config: apply, config, schema, init, join, invite. */
import { InvalidArgumentError } from 'commander';
import { schemaText } from '../config/json-schema.js';
import { type ApplyFlags, apply, type ConfigFlags, configHistory, configShow, invite } from './commands/apply.js';
import { type InitFlags, init, type JoinFlags, join } from './commands/setup.js';
import { examples, JSON_FLAG, runDirOption } from './help.js';
import type { Adding } from './program.js';

/** As the listener has it (src/platform/invite/contract.ts). */
const INVITE_PORT = 7948;

export function addConfigCommands(adding: Adding): void {
  addApply(adding);
  addConfig(adding);
  addSetup(adding);
}

function addApply({ program, parts, end }: Adding): void {
  program
    .command('apply')
    .description(
      'give a config to the whole farm, without losing a packet: all nodes switch to it together, or none does',
    )
    .argument('[file]', 'the config')
    .option('--dry-run', 'only show what it would change')
    .option('--revision <n>', 'instead of a file: one that was in force before', parseRevision)
    .option(...JSON_FLAG)
    .addOption(runDirOption())
    .addHelpText(
      'after',
      examples('covey apply covey.yaml --dry-run', 'covey apply covey.yaml', 'covey apply --revision 6'),
    )
    .action(async (file: string | undefined, flags: ApplyFlags) => end(await apply(parts, file, flags)));
}

function addConfig({ program, parts, end }: Adding): void {
  const config = program
    .command('config')
    .description('show the config that is in force, and those before it')
    .addHelpText('after', examples('covey config history', 'covey config show', 'covey config show 6 > old.yaml'));
  config
    .command('history')
    .description('show the last 20 configs: revision, when, by whom')
    .option(...JSON_FLAG)
    .addOption(runDirOption())
    .addHelpText('after', examples('covey config history'))
    .action(async (flags: ConfigFlags) => end(await configHistory(parts, flags)));
  config
    .command('show')
    .description('print a config as it stands in the file')
    .argument('[revision]', 'which (default: the one in force)', parseRevision)
    .option(...JSON_FLAG)
    .addOption(runDirOption())
    .addHelpText('after', examples('covey config show', 'covey config show 6'))
    .action(async (revision: number | undefined, flags: ConfigFlags) => end(await configShow(parts, revision, flags)));
  program
    .command('schema')
    .description('print the JSON Schema of the config, for editors')
    .addHelpText('after', examples('covey schema > covey.schema.json'))
    .action(() => parts.terminal.raw(schemaText()));
}

function addSetup({ program, parts, end }: Adding): void {
  program
    .command('init')
    .description('write a first config, with comments, and a key; asks for what is not given')
    .option('--interface <name>', "interface that the clients' packets come in by")
    .option('--vip <address>', 'virtual IP, such as 192.168.1.50/24')
    .option('--port <port>', 'TCP port of the service')
    .option('--farm <name>', 'name of the farm (default: farm)')
    .option('--dir <dir>', 'where to write', '.')
    .option('--yes', 'ask nothing: take what was found')
    .option('--force', 'replace files that are there')
    .option(...JSON_FLAG)
    .addHelpText(
      'after',
      examples('covey init', 'covey init --interface eth0 --vip 192.168.1.50/24 --port 80 --yes --dir /etc/covey'),
    )
    .action(async (flags: InitFlags) => end(await init(parts, flags)));
  program
    .command('invite')
    .description('on a member: print a code by which one new host gets config and key, within ten minutes')
    .option('--port <port>', `TCP port to listen on meanwhile (default: ${INVITE_PORT})`, parsePort)
    .option(...JSON_FLAG)
    .addOption(runDirOption())
    .addHelpText('after', examples('sudo covey invite'))
    .action(async (flags: Parameters<typeof invite>[1]) => end(await invite(parts, flags)));
  program
    .command('join')
    .description('on a new host: get config and key from a member, with the code that covey invite printed there')
    .argument('<host>', 'HOST or HOST:PORT of the member; IPv6 with a port in brackets', parseHost)
    .option('--code <code>', 'the code (default: asks for it, so that it does not stand in the list of processes)')
    .option('--dir <dir>', 'where to write', '.')
    .option('--force', 'replace files that are there')
    .option(...JSON_FLAG)
    .addHelpText('after', examples('sudo covey join 192.168.1.11', 'sudo covey join 192.168.1.11 --dir /etc/covey'))
    .action(async (host: ReturnType<typeof parseHost>, flags: JoinFlags) => end(await join(parts, host, flags)));
}

function parseRevision(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Write a number, as covey config history shows it.');
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError('Write a port from 1 to 65535.');
}

function parseHost(text: string): { readonly address: string; readonly port: number } {
  const bracketed = /^\[([0-9a-fA-F:.]+)\](?::(\d+))?$/.exec(text);
  const plain = /^([^:\s]+)(?::(\d+))?$/.exec(text);
  const found = bracketed ?? plain;
  if (found !== null) return { address: found[1]!, port: found[2] === undefined ? INVITE_PORT : parsePort(found[2]) };
  if (/^[0-9a-fA-F:.]+$/.test(text)) return { address: text, port: INVITE_PORT };
  throw new InvalidArgumentError('Write HOST or HOST:PORT.');
}
