/** The man page, covey(8), made from the commands themselves in the macros of man(7). */
import { allCommands, type CommandNode, type OptionNode, usage } from './tree.js';

export interface ManualParts {
  readonly root: CommandNode;
  readonly version: string;
  /** `2026-11-28`. */
  readonly date: string;
  /** Example lines of a command, as its help shows them. */
  readonly examplesOf: (node: CommandNode) => readonly string[];
  readonly exitCodes: readonly (readonly [code: number, meaning: string])[];
}

/** Text that roff takes for nothing but text: no escape, no request at a line's start, hyphens that can be copied. */
export function roffText(text: string): string {
  const escaped = text.replaceAll('\\', '\\e').replaceAll('-', '\\-');
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

export function manualPage(parts: ManualParts): string {
  const { root, version, date } = parts;
  return `${[
    `.\\" Made by: covey man`,
    `.TH COVEY 8 "${date}" "covey ${version}" "System Administration"`,
    '.SH NAME',
    'covey \\- many servers answer on one virtual IP address',
    '.SH SYNOPSIS',
    `.B covey`,
    roffText('[options] <command>'),
    '.SH DESCRIPTION',
    roffText(root.description),
    '.PP',
    roffText(
      'All commands but run, check-config, keygen and lab ask the agent of this host by its socket, and reach other',
    ),
    roffText('nodes through it.'),
    '.SH OPTIONS',
    ...root.options.flatMap(option),
    '.SH COMMANDS',
    ...allCommands(root)
      .slice(1)
      .flatMap((node) => command(node, parts.examplesOf(node))),
    '.SH EXIT STATUS',
    ...parts.exitCodes.flatMap(([code, meaning]) => ['.TP', `.B ${code}`, roffText(meaning)]),
    ...ENDING,
    '.SH EXAMPLES',
    ...verbatim(parts.examplesOf(root)),
    '.SH SEE ALSO',
    '.BR ip (8),',
    '.BR nft (8),',
    '.BR systemd.service (5)',
  ].join('\n')}\n`;
}

const ENDING = [
  '.SH ENVIRONMENT',
  '.TP',
  '.B COVEY_RUN_DIR',
  roffText("Directory of the agent's socket and state, where --run-dir does not name one."),
  '.TP',
  '.B NO_COLOR',
  roffText('Set and not empty: no colours, unless --color says otherwise.'),
  '.SH FILES',
  '.TP',
  '.I /etc/covey/covey.yaml',
  roffText('The config that covey.service runs with; the same on every node.'),
  '.TP',
  '.I /etc/covey/farm.key',
  roffText("The farm's key, mode 0600; the same on every node."),
  '.TP',
  '.I /run/covey',
  roffText("The agent's socket and state."),
  '.TP',
  '.I /var/lib/covey',
  roffText(
    'What outlives a boot: the configs applied; in console/ accounts, tokens, audit, certificate and key of the console.',
  ),
];

function command(node: CommandNode, examples: readonly string[]): string[] {
  return [
    `.SS ${roffText(usage(node))}`,
    roffText(capital(node.description)),
    ...node.arguments
      .filter(({ description }) => description !== '')
      .flatMap(({ name, description }) => ['.TP', `.I ${roffText(name)}`, roffText(description)]),
    ...node.options.flatMap(option),
    ...(examples.length === 0 ? [] : ['.PP', ...verbatim(examples)]),
  ];
}

function option({ long, short, value, description, fallback, environment, choices }: OptionNode): string[] {
  const names = short === null ? long : `${short}, ${long}`;
  const notes = [
    ...(choices.length > 0 ? [`one of ${choices.join(', ')}`] : []),
    ...(fallback === null ? [] : [`default: ${fallback}`]),
    ...(environment === null ? [] : [`environment: ${environment}`]),
  ];
  const told = notes.length === 0 ? description : `${description} (${notes.join('; ')})`;
  return [
    '.TP',
    value === null ? `.B ${roffText(names)}` : `.BI "${roffText(names)} " "${roffText(value)}"`,
    roffText(told),
  ];
}

const verbatim = (lines: readonly string[]) => ['.nf', '.RS', ...lines.map(roffText), '.RE', '.fi'];

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
}
