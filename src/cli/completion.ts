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

interface Offer {
  readonly word: string;
  readonly about: string;
}

/** What may stand after a command: its subcommands, or for each of its arguments the choices. */
function offersOf(node: CommandNode): readonly (readonly Offer[])[] {
  if (node.commands.length > 0)
    return [node.commands.map((child) => ({ word: wordOf(child), about: child.description }))];
  return node.arguments.map(({ choices }) => choices.map((word) => ({ word, about: '' })));
}

/** Options of any command that take a value: the word after one is no argument. */
const valuedOf = (root: CommandNode) => [
  ...new Set(
    allCommands(root).flatMap(({ options }) => options.filter(({ value }) => value !== null).map(({ long }) => long)),
  ),
];

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
      `      words=(${offersOf(node)
        .map((offers) => quoted(offers.map(({ word }) => word).join(' ')))
        .join(' ')})`,
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
  local at=covey place=0 i words=() options='' files='' valued='' chosen=''
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ${paths(root)}) at="$at \${COMP_WORDS[i]}" place=0 ;;
      *' -'*) ;;
      *) case \${COMP_WORDS[i - 1]} in ${valuedOf(root).join(' | ')}) ;; *) ((place += 1)) ;; esac ;;
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
    mapfile -t COMPREPLY < <(compgen -W "\${words[place]:-}" -- "$current"; [[ -z $files ]] || compgen -f -- "$current")
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
      ...offersOf(node).map(
        (offers, place) =>
          `      (( place == ${place} )) && entries=(${offers.map(({ word, about }) => described(word, about)).join(' ')})`,
      ),
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
  integer i place=0
  for ((i = 2; i < CURRENT; i++)); do
    case "$at \${words[i]}" in
      (${paths(root)}) at="$at \${words[i]}" place=0 ;;
      (*' -'*) ;;
      (*) case \${words[i-1]} in (${valuedOf(root).join(' | ')}) ;; (*) (( place += 1 )) ;; esac ;;
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
    const at = `complete -c covey -n '__covey_at "${nameOf(node)}"'`;
    const words = offersOf(node).flatMap((offers, place) =>
      offers.map(
        ({ word, about }) =>
          `${at.slice(0, -1)} ${place}' -f -a ${word}${about === '' ? '' : ` -d ${fishQuoted(about)}`}`,
      ),
    );
    const options = optionsOf(node, root).map((option) => {
      const short = option.short === null ? '' : ` -s ${option.short.slice(1)}`;
      const value = option.choices.length > 0 ? ` -x -a ${fishQuoted(option.choices.join(' '))}` : ' -r';
      return `${at} -l ${option.long.slice(2)}${short}${option.value === null ? '' : value} -d ${fishQuoted(option.description)}`;
    });
    // Where no file is asked for, none is offered.
    const none = !takesPath(node) ? [`${at} -f`] : [];
    return [...none, ...words, ...options];
  };
  return `# fish completion for covey, made by: covey completion fish
# $argv[1] is the command typed so far; $argv[2], where it is given, how many of its arguments.
function __covey_at
    set -l at covey
    set -l place 0
    set -l before
    for word in (commandline -opc)[2..-1]
        switch "$at $word"
            case ${allCommands(root)
              .slice(1)
              .map((node) => `'${nameOf(node)}'`)
              .join(' ')}
                set at "$at $word"
                set place 0
            case '* -*'
            case '*'
                contains -- "$before" ${valuedOf(root).join(' ')}; or set place (math $place + 1)
        end
        set before $word
    end
    test "$at" = "$argv[1]"; and test (count $argv) = 1 -o "$place" = "$argv[2]"
end
${allCommands(root).flatMap(lines).join('\n')}
`;
}
