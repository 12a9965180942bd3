/** `covey completion` and `covey man`: what the program says of itself, made from its own commands. */
import { Argument, type Command } from 'commander';
import { completionScript, SHELLS, type Shell } from './completion.js';
import { EXIT_CODES, examples, examplesIn } from './help.js';
import { manualPage } from './manual.js';
import type { CliParts } from './parts.js';
import { type CommandNode, commandTree } from './tree.js';

/** Builds the whole program anew, with its output taken by `parts`. */
export type BuildProgram = (parts: CliParts) => Command;

export function addSelfHelp(program: Command, parts: CliParts, build: BuildProgram): void {
  program
    .command('completion')
    .description('print the script by which a shell completes covey')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText(
      'after',
      examples(
        'covey completion bash | sudo tee /usr/share/bash-completion/completions/covey',
        'covey completion zsh | sudo tee /usr/share/zsh/vendor-completions/_covey',
        'covey completion fish > ~/.config/fish/completions/covey.fish',
      ),
    )
    .action((shell: Shell) => parts.terminal.raw(completionScript(shell, commandTree(program))));
  program
    .command('man')
    .description('print the man page covey(8), for man(1) to show')
    .addHelpText('after', examples('covey man | man -l -', 'covey man > /usr/share/man/man8/covey.8'))
    .action(() => parts.terminal.raw(manual(parts, build)));
}

function manual(parts: CliParts, build: BuildProgram): string {
  const help = new HelpReader(parts, build);
  return manualPage({
    root: commandTree(help.program),
    version: parts.version,
    date: new Date().toISOString().slice(0, 10),
    examplesOf: (node) => examplesIn(help.of(node)),
    exitCodes: EXIT_CODES,
  });
}

/** commander keeps added help texts to itself: they are read where it prints them. */
export class HelpReader {
  readonly program: Command;
  #printed = '';

  constructor(parts: CliParts, build: BuildProgram) {
    const raw = (text: string) => {
      this.#printed += text;
    };
    this.program = build({ ...parts, terminal: { ...parts.terminal, raw } });
  }

  of({ path }: CommandNode): string {
    let command = this.program;
    for (const word of path.slice(1)) command = command.commands.find((child) => child.name() === word)!;
    this.#printed = '';
    command.outputHelp();
    return this.#printed;
  }
}
