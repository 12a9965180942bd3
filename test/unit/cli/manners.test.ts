/** What every command of the CLI owes its user; completions and man page, as the shells and mandoc take them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { addBenchCommand } from '../../../src/bench/commands.js';
import { asRoot } from '../../../src/cli/exit.js';
import { examplesIn } from '../../../src/cli/help.js';
import { roffText } from '../../../src/cli/manual.js';
import type { CliParts } from '../../../src/cli/parts.js';
import { buildProgram } from '../../../src/cli/program.js';
import { HelpReader } from '../../../src/cli/self-help.js';
import { allCommands, commandTree } from '../../../src/cli/tree.js';
import { ControlAccessError, ControlError } from '../../../src/control/errors.js';
import { addLabCommands } from '../../../src/lab/commands.js';
import { MINIMAL } from '../config/examples.js';
import { covey } from './fake-parts.js';
import { healthy } from './reports.js';

const terminal = {
  line: () => {},
  errorLine: () => {},
  raw: () => {},
  isInteractive: false,
  hasColours: false,
  size: () => ({ columns: 80, rows: 24 }),
  onResize: () => () => {},
};
const fakes = { version: '1', terminal, addLabCommands, addBenchCommand } as unknown as CliParts;
const reader = new HelpReader(fakes, (parts) => buildProgram(parts, () => {}));
const root = commandTree(reader.program);
const commands = allCommands(root).slice(1);
const nameOf = ({ path }: { readonly path: readonly string[] }) => path.slice(1).join(' ');
/** How bold and underlined letters are printed: one over the other. */
const OVERSTRIKE = new RegExp(`.${String.fromCharCode(8)}`, 'g');
const isGroup = (name: string) => commands.some(({ path }) => path.length > 2 && path[1] === name);

/** Commands that print no data, and why a program is served all the same. */
const WITHOUT_JSON: Readonly<Record<string, string>> = {
  run: 'its log is a JSON object a line already',
  console: 'its log is a JSON object a line already',
  completion: 'prints a script',
  schema: 'prints JSON: the schema itself',
  man: 'prints a man page',
  'lab up': 'says what it does; lab status --json tells the outcome',
  'lab exec': 'prints what the command prints',
  'lab kill': 'prints one line of confirmation; its exit code tells',
  'lab stall': 'prints one line of confirmation; its exit code tells',
  'lab cut': 'prints one line of confirmation; its exit code tells',
  'lab drain': 'prints one line of confirmation; its exit code tells',
  'lab start': 'prints one line of confirmation; its exit code tells',
  'lab down': 'prints one line of confirmation; its exit code tells',
};

describe('every command', () => {
  it.each(commands.map((node) => [nameOf(node), node] as const))(
    'covey %s has description, example, and --json or a reason',
    (name, node) => {
      expect(node.description.length).toBeGreaterThan(10);
      expect(node.description).toMatch(/^[a-zN]/);
      const examples = examplesIn(reader.of(node));
      expect(examples.length).toBeGreaterThan(0);
      expect(examples.every((line) => line.includes('covey'))).toBe(true);
      if (isGroup(name)) return;
      const hasJson = node.options.some(({ long }) => long === '--json');
      expect(hasJson, `${name}: --json, or a reason in WITHOUT_JSON`).toBe(WITHOUT_JSON[name] === undefined);
      for (const option of node.options) expect(option.description, `${name} ${option.long}`).not.toBe('');
    },
  );

  it('is there where a reason for it is given', () => {
    expect(Object.keys(WITHOUT_JSON).filter((name) => !commands.some((node) => nameOf(node) === name))).toEqual([]);
  });

  it('is understood as its examples have it', () => {
    const known = new Set(commands.map(nameOf));
    for (const node of commands) {
      for (const line of examplesIn(reader.of(node))) {
        const words = /\bcovey ([a-z-]+)(?: ([a-z]+))?/.exec(line)!;
        const isKnown = known.has(words[1]!) || known.has(`${words[1]} ${words[2]}`);
        expect(isKnown, line).toBe(true);
      }
    }
  });
});

describe('help', () => {
  it('goes as deep as the commands do, and says what is not there', async () => {
    expect((await covey('help keys use')).out).toMatch(/^Usage: covey keys use \[options\] <id>/);
    expect((await covey('help status')).out).toMatch(/^Usage: covey status/);
    const { exitCode, err } = await covey('help statsu');
    expect([exitCode, err]).toEqual([
      2,
      'covey: there is no command statsu; did you mean status?\n  see: covey help\n',
    ]);
    expect((await covey('help keys us')).err).toContain('there is no command keys us; did you mean use?');
  });

  it('is pointed to after wrong usage, for the very command', async () => {
    expect((await covey('explain')).err).toContain('(covey help explain shows it with examples)');
    expect((await covey('keys use')).err).toContain('(covey help keys use shows it with examples)');
  });
});

describe('colours', () => {
  const control = { status: async () => healthy() };
  const paint = '\x1b[';

  it('come when asked for, wherever the option stands', async () => {
    expect((await covey('status', { control })).out).not.toContain(paint);
    expect((await covey('status --color always', { control })).out).toContain(paint);
    expect((await covey('--color always status', { control })).out).toContain(paint);
    const onTerminal = { terminal: { ...terminal, hasColours: true } };
    const lines: string[] = [];
    const parts = {
      terminal: { ...onTerminal.terminal, line: (text: string) => lines.push(text) },
    } as Partial<CliParts>;
    await covey('status --color never', { control, parts });
    expect(lines.join('')).not.toContain(paint);
    await covey('status', { control, parts });
    expect(lines.join('')).toContain(paint);
    expect((await covey('status --color sometimes', { control })).exitCode).toBe(2);
  });
});

describe('what only root may do', () => {
  it('names the command to type, as it was typed', async () => {
    const closed = async () => {
      throw new ControlAccessError('/run/covey/agent.sock');
    };
    expect((await covey('drain n2 --deadline 5s', { control: { command: closed } })).err).toContain(
      '\n  type: sudo covey drain n2 --deadline 5s\n',
    );
    const reading = async () => {
      throw new ControlError('not-allowed', 'alice may look, but change nothing: that is for root');
    };
    const { err, exitCode } = await covey('reload', { control: { reload: reading } });
    expect(err).toContain('type: sudo covey reload');
    expect(exitCode).toBe(1);
    expect((await covey('reload', { control: { reload: reading }, parts: { isRoot: true } })).err).not.toContain(
      'sudo',
    );
  });

  it('is named for a config whose key only others may read', async () => {
    const keyFile = () => ({ state: 'unusable', message: 'cannot be read', needsRoot: true }) as const;
    const environment = { keyFile, interface: async () => ({ refusals: [], advice: [] }) };
    const files = { 'covey.yaml': MINIMAL };
    const { exitCode, err } = await covey('run --config covey.yaml', { files, parts: { environment } });
    expect(exitCode).toBe(3);
    expect(err).toContain('  type: sudo covey run --config covey.yaml\n');
    const missing = { ...environment, keyFile: () => ({ state: 'missing', message: 'does not exist' }) as const };
    expect((await covey('run --config covey.yaml', { files, parts: { environment: missing } })).err).not.toContain(
      'sudo',
    );
  });

  it('is quoted for a shell', () => {
    expect(asRoot(['explain', '[fd77::1]:80', "it's"])).toBe("sudo covey explain '[fd77::1]:80' 'it'\\''s'");
  });
});

describe('the man page', () => {
  it('is what mandoc takes without a complaint, with every command and option', async () => {
    const { out } = await covey('man', { parts: { addLabCommands, addBenchCommand } });
    const lint = spawnSync('mandoc', ['-Tlint', '-Wwarning'], { input: out, encoding: 'utf8' });
    expect(lint.error).toBeUndefined();
    expect(lint.stdout + lint.stderr).toBe('');
    const shown = spawnSync('mandoc', ['-Tascii', '-Owidth=200'], { input: out, encoding: 'utf8' }).stdout.replaceAll(
      OVERSTRIKE,
      '',
    );
    for (const node of commands) {
      expect(shown).toContain(node.path.join(' '));
      for (const { long } of node.options) expect(shown).toContain(long);
    }
  });

  it('has no text that roff takes for a request', () => {
    expect(roffText('.SH')).toBe('\\&.SH');
    expect(roffText("'a\\b-c")).toBe("\\&'a\\eb\\-c");
  });
});

describe('completions', { timeout: 60_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'covey-completion-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const script = async (shell: string) => {
    const { out } = await covey(`completion ${shell}`, { parts: { addLabCommands, addBenchCommand } });
    const path = join(directory, `covey.${shell}`);
    writeFileSync(path, out);
    return path;
  };
  const shell = (words: readonly string[]) => {
    const { stdout, stderr, error } = spawnSync(words[0]!, words.slice(1), { encoding: 'utf8', cwd: directory });
    expect(error).toBeUndefined();
    expect(stderr).toBe('');
    return stdout.split(/\s+/).filter(Boolean).sort();
  };

  it('of bash complete commands, options, choices and files', async () => {
    const path = await script('bash');
    const complete = (...words: readonly string[]) =>
      shell([
        'bash',
        '-c',
        `source ${path}; COMP_WORDS=(covey "$@"); COMP_CWORD=$#; _covey; printf '%s\\n' "\${COMPREPLY[@]}"`,
        'bash',
        ...words,
      ]);
    expect(complete('sta')).toEqual(['start', 'status']);
    expect(complete('keys', '')).toEqual(['add', 'list', 'remove', 'use']);
    expect(complete('lab', 'st')).toEqual(['stall', 'start', 'status']);
    expect(complete('restart', '--ro')).toEqual(['--rolling']);
    expect(complete('status', '--color', 'a')).toEqual(['always', 'auto']);
    expect(complete('status', '--run-dir', '/tm')).toEqual(['/tmp']);
    expect(complete('check-config', 'covey.b')).toEqual(['covey.bash']);
    expect(complete('completion', 'z')).toEqual(['zsh']);
    expect(complete('completion', 'zsh', '')).toEqual([]);
    expect(complete('set', '')).toEqual([]);
    expect(complete('set', 'custom.backup', '')).toEqual(['down', 'up']);
    expect(complete('set', '--reason', 'disk', 'custom.backup', 'd')).toEqual(['down']);
    expect(complete('set', 'custom.backup', 'down', '--re')).toEqual(['--reason']);
  });

  it('of zsh complete commands, options and choices', async () => {
    const path = await script('zsh');
    const complete = (prefix: string, ...words: readonly string[]) =>
      shell([
        'zsh',
        '-fc',
        `compdef() { }; _describe() { print -l -- \${\${(P)@[-1]}%%:*} }; _files() { print files }; source ${path};
         PREFIX=$1; shift; words=(covey "$@"); CURRENT=$#words; _covey`,
        'zsh',
        prefix,
        ...words,
      ]);
    expect(complete('', 'keys', '')).toEqual(['add', 'list', 'remove', 'use']);
    expect(complete('', '')).toContain('check-config');
    expect(complete('--', 'restart', '--')).toEqual(expect.arrayContaining(['--all', '--rolling', '--color']));
    expect(complete('', 'status', '--color', '')).toEqual(['always', 'auto', 'never']);
    expect(complete('', 'run', '--config', '')).toEqual(['files']);
    expect(complete('', 'set', 'custom.backup', '')).toEqual(['down', 'up']);
    expect(complete('', 'set', '--reason', 'disk', 'custom.backup', '')).toEqual(['down', 'up']);
    expect(complete('', 'completion', '')).toEqual(['bash', 'fish', 'zsh']);
  });

  it('of fish complete commands, options and choices', async () => {
    const path = await script('fish');
    const complete = (line: string) => {
      const { stdout, stderr, error } = spawnSync(
        'fish',
        ['--no-config', '-c', `source ${path}; complete -C '${line}'`],
        {
          encoding: 'utf8',
          env: { ...process.env, HOME: directory },
        },
      );
      expect(error).toBeUndefined();
      expect(stderr).toBe('');
      return stdout
        .split('\n')
        .map((text) => text.split('\t')[0]!)
        .filter(Boolean)
        .sort();
    };
    expect(complete('covey sta')).toEqual(['start', 'status']);
    expect(complete('covey keys ')).toEqual(['add', 'list', 'remove', 'use']);
    expect(complete('covey restart --ro')).toEqual(['--rolling']);
    expect(complete('covey status --color a')).toEqual(['always', 'auto']);
    expect(complete('covey set ')).toEqual([]);
    expect(complete('covey set custom.backup ')).toEqual(['down', 'up']);
    expect(complete('covey set --reason disk custom.backup d')).toEqual(['down']);
    expect(complete('covey completion z')).toEqual(['zsh']);
  });
});
