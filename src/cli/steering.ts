/** `covey drain|stop|start|restart [NODE]`: the commands that make nodes come and go. */
import { Option } from 'commander';
import { type SteerFlags, steer } from './commands/steer.js';
import { examples, JSON_FLAG, runDirOption } from './help.js';
import type { Adding } from './program.js';

const STEERING = {
  drain: {
    about: 'let a node leave without breaking anything: no new clients, existing ones stay until done',
    examples: ['covey drain', 'covey drain n2 --deadline 60s', 'covey drain --all'],
  },
  stop: {
    about: 'stop a node: drain it first, with the deadline of the config; --now ends it at once',
    examples: ['covey stop n2', 'covey stop n2 --now', 'covey stop --all'],
  },
  start: {
    about: 'let a draining, drained or stopped node take its share again',
    examples: ['covey start', 'covey start n2', 'covey start --all --rolling'],
  },
  restart: {
    about: "drain a node, end its agent's process and start it anew, as after an upgrade",
    examples: [
      'covey restart n2',
      'covey restart --all --rolling',
      'covey restart --all --rolling --wait 5m --deadline 30s',
    ],
  },
} as const;

/** Without it commander would call the word unknown, and people would look for how it is spelt. */
const REFUSED = new Option('--rolling', 'refused, with the reason').hideHelp();
const WHY_REFUSED = `There is no --rolling here: nodes that were told to leave do not come back by themselves, so going on to the next
would empty the farm. One at a time, each back before the next leaves: covey restart --all --rolling.
`;

export function addSteering({ program, parts, end }: Adding): void {
  for (const name of ['drain', 'stop', 'start', 'restart'] as const) {
    const command = program
      .command(name)
      .description(STEERING[name].about)
      .argument('[node]', 'name of the node (default: this one)')
      .option('--all', 'all nodes, this one last')
      .option(...JSON_FLAG)
      .addOption(runDirOption())
      .addHelpText('after', examples(...STEERING[name].examples))
      .action(async (node: string | undefined, flags: SteerFlags) => end(await steer(parts, name, node, flags)));
    if (name !== 'start')
      command.option('--deadline <time>', "end the drain after this time, such as 60s (default: the config's)");
    if (name === 'drain' || name === 'stop') command.addOption(REFUSED).addHelpText('after', WHY_REFUSED);
    if (name === 'stop') command.option('--now', 'break what connections it has');
    if (name === 'start' || name === 'restart') {
      command
        .option('--rolling', 'all nodes, one at a time: the next when the one before has its share back')
        .option('--wait <time>', 'with --rolling: how long a node may take to come back after its drain', '2m');
    }
    if (name === 'restart') command.option('--force', 'with --rolling: begin though the farm is not whole');
  }
}
