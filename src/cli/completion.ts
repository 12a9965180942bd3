/**
 * Scripts by which shells complete `covey`, made from the commands themselves. Each walks the words typed so far to the command that
 * they name, then offers its subcommands, or, after a dash, its options; elsewhere files.
 */
import { allCommands, type CommandNode, isPath, type OptionNode } from './tree.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export function completionScript(shell: Shell, root: CommandNode): string {
  return { bash, zsh, fish }[shell](root);
}

const nameOf = ({ path }: CommandNode) => path.join(' ');
const wordOf = ({ path }: CommandNode) => path.at(-1)!;

/** Options of the program itself may stand after any command. */
function optionsOf(node: CommandNode, root: CommandNode): readonly OptionNode[] {
  const shared = node === root ? [] : root.options.filter(({ long }) => long !== '--version');
  return [...node.options, ...shared, HELP];
}

const HELP: OptionNode = {
  long: '--help',
  short: '-h',
  value: null,
  choices: [],
  description: 'display help for command',
  fallback: null,
  environment: null,
};

/** What may stand in the place of a command's first argument. */
function wordsOf(node: CommandNode): readonly { readonly word: string; readonly about: string }[] {
  if (node.commands.length > 0)
    return node.commands.map((child) => ({ word: wordOf(child), about: child.description }));
  return (node.arguments[0]?.choices ?? []).map((word) => ({ word, about: '' }));
}

const takesPath = (node: CommandNode) => node.arguments.some(({ name }) => isPath(name));

/** Within single quotes of a POSIX shell. */
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** Shell patterns of all commands below the root: the path grows by a word when it still names one. */
const paths = (root: CommandNode) =>
  allCommands(root)
    .slice(1)
    .map((node) => `"${nameOf(node)}"`)
    .join(' | ');

function bash(root: CommandNode): string {
  const arm = (node: CommandNode) => {
    const options = optionsOf(node, root);
    const values = options.filter(({ value }) => value !== null);
    const choices = values.filter((option) => option.choices.length > 0);
    return [
      `    "${nameOf(node)}")`,
      `      words=${quoted(
        wordsOf(node)
          .map(({ word }) => word)
          .join(' '),
      )}`,
      `      options=${quoted(options.map(({ long }) => long).join(' '))}`,
      `      files=${takesPath(node) ? 'yes' : ''}`,
      `      valued=' ${values.map(({ long }) => long).join(' ')} '`,
      ...(choices.length === 0
        ? []
        : [
            `      case $before in ${choices.map((option) => `${option.long}) chosen=${quoted(option.choices.join(' '))} ;;`).join(' ')} esac`,
          ]),
      '      ;;',
    ].join('\n');
  };
  return `# bash completion for covey, made by: covey completion bash
_covey() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]}
  local at=covey i words='' options='' files='' valued='' chosen=''
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ${paths(root)}) at="$at \${COMP_WORDS[i]}" ;;
    esac
  done
  case $at in
${allCommands(root).map(arm).join('\n')}
  esac
  if [[ -n $chosen ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$chosen" -- "$current")
  elif [[ $valued == *" $before "* ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  elif [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current"; [[ -z $files ]] || compgen -f -- "$current")
  fi
}
complete -o filenames -F _covey covey
`;
}

function zsh(root: CommandNode): string {
  const described = (word: string, about: string) =>
    quoted(about === '' ? word : `${word}:${about.replaceAll(':', '\\:')}`);
  const arm = (node: CommandNode) => {
    const options = optionsOf(node, root);
    const values = options.filter(({ value }) => value !== null);
    const choices = values.filter((option) => option.choices.length > 0);
    return [
      `    (${quoted(nameOf(node))})`,
      `      entries=(${wordsOf(node)
        .map(({ word, about }) => described(word, about))
        .join(' ')})`,
      `      options=(${options.map(({ long, description }) => described(long, description)).join(' ')})`,
      `      valued=(${values.map(({ long }) => long).join(' ')})`,
      ...choices.map((option) => `      [[ $before == ${option.long} ]] && chosen=(${option.choices.join(' ')})`),
      '      ;;',
    ].join('\n');
  };
  return `#compdef covey
# zsh completion for covey, made by: covey completion zsh
_covey() {
  local at=covey before=\${words[CURRENT-1]}
  local -a entries options valued chosen
  integer i
  for ((i = 2; i < CURRENT; i++)); do
    case "$at \${words[i]}" in
      (${paths(root)}) at="$at \${words[i]}" ;;
    esac
  done
  case $at in
${allCommands(root).map(arm).join('\n')}
  esac
  if (( $#chosen )); then
    _describe value chosen
  elif (( \${valued[(Ie)$before]} )); then
    _files
  elif [[ $PREFIX == -* ]]; then
    _describe -o option options
  elif (( $#entries )); then
    _describe command entries
  else
    _files
  fi
}
if [[ $funcstack[1] == _covey ]]; then _covey "$@"; else compdef _covey covey; fi
`;
}

/** Within single quotes fish knows two escapes. */
const fishQuoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

function fish(root: CommandNode): string {
  const lines = (node: CommandNode) => {
    const at = `complete -c covey -n ${fishQuoted(`__covey_at ${nameOf(node)}`)}`;
    const words = wordsOf(node).map(
      ({ word, about }) => `${at} -f -a ${word}${about === '' ? '' : ` -d ${fishQuoted(about)}`}`,
    );
    const options = optionsOf(node, root).map((option) => {
      const short = option.short === null ? '' : ` -s ${option.short.slice(1)}`;
      const value = option.choices.length > 0 ? ` -x -a ${fishQuoted(option.choices.join(' '))}` : ' -r';
      return `${at} -l ${option.long.slice(2)}${short}${option.value === null ? '' : value} -d ${fishQuoted(option.description)}`;
    });
    // Where no file is asked for, none is offered.
    const none = words.length === 0 && !takesPath(node) ? [`${at} -f`] : [];
    return [...none, ...words, ...options];
  };
  return `# fish completion for covey, made by: covey completion fish
function __covey_at
    set -l at covey
    for word in (commandline -opc)[2..-1]
        switch "$at $word"
            case ${allCommands(root)
              .slice(1)
              .map((node) => `'${nameOf(node)}'`)
              .join(' ')}
                set at "$at $word"
        end
    end
    test "$at" = "$argv"
end
${allCommands(root).flatMap(lines).join('\n')}
`;
}
