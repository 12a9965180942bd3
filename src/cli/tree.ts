/** The commands as data, read off commander: what completions, the man page and the test of the CLI's manners are made from. */
import type { Argument, Command, Option } from 'commander';

export interface OptionNode {
  /** `--json`; every option has a long name. */
  readonly long: string;
  readonly short: string | null;
  /** `<file>`; null where it takes no value. */
  readonly value: string | null;
  readonly choices: readonly string[];
  readonly description: string;
  /** As text; null: none worth telling. */
  readonly fallback: string | null;
  readonly environment: string | null;
}

export interface ArgumentNode {
  readonly name: string;
  readonly isRequired: boolean;
  readonly isVariadic: boolean;
  readonly choices: readonly string[];
  readonly description: string;
}

export interface CommandNode {
  /** From the program on: `['covey', 'keys', 'list']`. */
  readonly path: readonly string[];
  readonly description: string;
  readonly arguments: readonly ArgumentNode[];
  readonly options: readonly OptionNode[];
  readonly commands: readonly CommandNode[];
}

/** `--help` and `help` are everywhere, and left out. */
export function commandTree(command: Command, above: readonly string[] = []): CommandNode {
  const path = [...above, command.name()];
  return {
    path,
    description: command.description(),
    arguments: command.registeredArguments.map(argumentNode),
    options: command.options.filter(({ hidden }) => !hidden).map(optionNode),
    commands: command.commands.filter((child) => child.name() !== 'help').map((child) => commandTree(child, path)),
  };
}

/** The node itself and all below it, parents first. */
export function allCommands(node: CommandNode): readonly CommandNode[] {
  return [node, ...node.commands.flatMap(allCommands)];
}

/** `covey keys use [options] <id>`. */
export function usage(node: CommandNode): string {
  const words = node.arguments.map(({ name, isRequired, isVariadic }) => {
    const word = isVariadic ? `${name}...` : name;
    return isRequired ? `<${word}>` : `[${word}]`;
  });
  return [
    node.path.join(' '),
    ...(node.options.length > 0 ? ['[options]'] : []),
    ...(node.commands.length > 0 ? ['<command>'] : []),
    ...words,
  ].join(' ');
}

/** A value that names a file or a directory: shells complete those by themselves. */
export function isPath(name: string): boolean {
  return /^(file|dir|path)$/.test(name.replace(/[<>[\].]/g, ''));
}

function argumentNode(argument: Argument): ArgumentNode {
  return {
    name: argument.name(),
    isRequired: argument.required,
    isVariadic: argument.variadic,
    choices: argument.argChoices ?? [],
    description: argument.description,
  };
}

function optionNode(option: Option): OptionNode {
  const { defaultValue } = option as { readonly defaultValue: unknown };
  const isTold = (typeof defaultValue === 'string' && defaultValue !== '') || typeof defaultValue === 'number';
  return {
    long: option.long ?? option.flags,
    short: option.short ?? null,
    value: /[<[][^>\]]+[>\]]/.exec(option.flags)?.[0] ?? null,
    choices: option.argChoices ?? [],
    description: option.description,
    fallback: isTold ? String(defaultValue) : null,
    environment: option.envVar ?? null,
  };
}
