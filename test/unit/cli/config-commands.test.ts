/** apply, config, init, invite and join as people type them. */
import { describe, expect, it } from 'vitest';
import type { SetupParts } from '../../../src/cli/setup-parts.js';
import { parseConfig } from '../../../src/config/load.js';
import type { ApplyReport, ApplyRequest } from '../../../src/control/contract.js';
import { MINIMAL } from '../config/examples.js';
import { covey } from './fake-parts.js';

const REPORT: ApplyReport = {
  version: 1,
  node: 'n1',
  dryRun: false,
  applied: true,
  revision: 7,
  changed: ['rule web changed'],
  warnings: ['rule web: connections may break'],
  diff: ['- a', '+ b'],
  nodes: [
    { node: 'n1', outcome: 'switched', why: '' },
    { node: 'n2', outcome: 'switched', why: '' },
  ],
};
const files = { 'covey.yaml': MINIMAL, 'bad.yaml': MINIMAL.replace('tcp', 'tpc') };

function applying(report: ApplyReport) {
  const asked: ApplyRequest[] = [];
  const control = {
    apply: async (request: ApplyRequest) => {
      asked.push(request);
      return report;
    },
  };
  return { asked, fakes: { files, control } };
}

describe('covey apply', () => {
  it('sends the text, and shows difference, meaning and outcome', async () => {
    const { asked, fakes } = applying(REPORT);
    const { exitCode, out, err } = await covey('apply covey.yaml', fakes);
    expect(exitCode).toBe(0);
    expect(asked).toEqual([{ text: MINIMAL, revision: null, dryRun: false, by: 'anna' }]);
    expect(out).toBe('- a\n+ b\nchanged: rule web changed\nrevision 7 is in force on 2 of 2 nodes\n');
    expect(err).toBe('warning: rule web: connections may break\n');
  });

  it('ends with 1 when a node refuses, and names it', async () => {
    const nodes = [
      { node: 'n1', outcome: 'ready', why: '' },
      { node: 'n2', outcome: 'refused', why: 'the disk is full' },
      { node: 'n3', outcome: 'silent', why: 'no answer within 5 s' },
    ] as const;
    const { fakes } = applying({ ...REPORT, applied: false, nodes });
    const { exitCode, out, err } = await covey('apply covey.yaml', fakes);
    expect(exitCode).toBe(1);
    expect(out).toContain('would change: rule web changed');
    expect(err).toContain('n2: refused: the disk is full\nn3: silent: no answer within 5 s\n');
    expect(err).toContain('not applied: every node goes on with the config that it had');
  });

  it('shows a bad file as check-config does, and asks nobody', async () => {
    const { asked, fakes } = applying(REPORT);
    const { exitCode, err } = await covey('apply bad.yaml', fakes);
    expect(exitCode).toBe(3);
    expect(err).toMatch(/bad\.yaml:\d+:\d+: rules\[0\]\.protocol/);
    expect(asked).toEqual([]);
  });

  it('takes a revision instead of a file, and says when it is told neither or both', async () => {
    const { asked, fakes } = applying({ ...REPORT, dryRun: true, applied: false });
    expect((await covey('apply --revision 6 --dry-run --json', fakes)).out).toBe(
      `${JSON.stringify({ ...REPORT, dryRun: true, applied: false })}\n`,
    );
    expect(asked).toEqual([{ text: null, revision: 6, dryRun: true, by: 'anna' }]);
    for (const line of ['apply', 'apply covey.yaml --revision 6', 'apply --revision six'])
      expect((await covey(line, fakes)).exitCode).toBe(2);
  });
});

describe('covey config', () => {
  const entry = { at: '2026-11-28T12:00:00Z', by: 'anna', appliedOn: 'n2', hash: 'ab', inForce: true };

  it('history is a table, newest first', async () => {
    const revisions = [
      { ...entry, revision: 7 },
      { ...entry, revision: 6, inForce: false },
    ];
    const control = { configHistory: async () => ({ version: 1 as const, node: 'n1', revisions }) };
    const { out } = await covey('config history', { control });
    expect(out.split('\n')[1]).toMatch(/^7 +2026-11-28T12:00:00Z +anna +n2 +ab +in force$/);
    expect(JSON.parse((await covey('config history --json', { control })).out)).toMatchObject({ version: 1 });
  });

  it('show prints the text alone', async () => {
    const asked: unknown[] = [];
    const control = {
      config: async (revision: number | null) => {
        asked.push(revision);
        return {
          version: 1 as const,
          node: 'n1',
          ...entry,
          revision: 6,
          text: MINIMAL,
          file: '/etc/covey/covey.yaml',
          secretFiles: [],
        };
      },
    };
    expect((await covey('config show 6', { control })).out).toBe(MINIMAL);
    await covey('config show', { control });
    expect(asked).toEqual([6, null]);
  });

  it('schema is JSON', async () => {
    expect(JSON.parse((await covey('schema')).out)).toMatchObject({ title: 'covey.yaml' });
  });
});

/** A host with an interface, whose answers are given. */
function host(answers: readonly string[] = [], there: readonly string[] = []) {
  const written = new Map<string, { text: string; mode: number; force: boolean }>();
  const questions: string[] = [];
  const left = [...answers];
  const setup: SetupParts = {
    user: 'anna',
    schemaPath: '/s.json',
    detect: async () => ({ name: 'ens3', address: '192.168.1.11/24' }),
    ask: async (question, fallback) => {
      questions.push(question);
      return left.shift() || fallback;
    },
    exists: (path) => there.includes(path),
    write: (path, text, mode, force) => void written.set(path, { text, mode, force }),
    fetchInvite: async ({ address, port, code }) =>
      address === 'n1' && port === 7948 && code === 'CODE'
        ? { farm: 'web', node: 'n1', configText: MINIMAL, keyText: 'key\n' }
        : Promise.reject(new Error(`no invite at ${address}:${port}`)),
  };
  const terminal = {
    line: () => undefined,
    errorLine: () => undefined,
    raw: () => undefined,
    isInteractive: true,
    size: () => ({ columns: 80, rows: 24 }),
    onResize: () => () => undefined,
    hasColours: false,
  };
  return { written, questions, setup, terminal };
}

describe('covey init', () => {
  it('asks three questions, and writes a good config and a key', async () => {
    const { written, questions, setup, terminal } = host(['', '192.168.1.50', '8080']);
    const { exitCode } = await covey('init', { parts: { setup, terminal } });
    expect(exitCode).toBe(0);
    expect(questions).toHaveLength(3);
    const parsed = parseConfig(written.get('covey.yaml')!.text);
    expect(parsed).toMatchObject({ ok: true, config: { interface: 'ens3', keyFile: 'farm.key' } });
    expect(parsed.ok && parsed.config.vips[0]?.text).toBe('192.168.1.50/24');
    expect(parsed.ok && parsed.config.rules[0]?.ports).toEqual([{ first: 8080, last: 8080 }]);
    expect(written.get('farm.key')?.mode).toBe(0o600);
    expect(written.get('covey.yaml')!.text.split('\n')[0]).toBe('# yaml-language-server: $schema=/s.json');
  });

  it('asks nothing with --yes, takes what it found, and says what to type next', async () => {
    const { written, questions, setup } = host();
    const { exitCode, out } = await covey('init --yes --vip 192.168.1.50/24 --dir /etc/covey', { parts: { setup } });
    expect(exitCode).toBe(0);
    expect(questions).toEqual([]);
    expect([...written.keys()]).toEqual(['/etc/covey/farm.key', '/etc/covey/covey.yaml']);
    expect(out).toContain('sudo covey run --config /etc/covey/covey.yaml');
    expect(out).toContain('sudo covey join 192.168.1.11');
  });

  it.each([
    ['init --yes', /--vip/],
    ['init --yes --vip 192.168.1.0/24', /network itself/],
    ['init --yes --vip 192.168.1.50/24 --port x', /no port/],
    ['init --yes --vip 192.168.1.50/24 --port 99999', /99999/],
  ])('%s writes nothing and says why', async (line, why) => {
    const { written, setup } = host();
    const { exitCode, err } = await covey(line, { parts: { setup } });
    expect(exitCode).toBe(2);
    expect(err).toMatch(why);
    expect(written.size).toBe(0);
  });

  it('overwrites nothing without --force', async () => {
    const { written, setup } = host([], ['farm.key']);
    const line = 'init --yes --vip 192.168.1.50/24';
    const { exitCode, err } = await covey(line, { parts: { setup } });
    expect([exitCode, written.size]).toEqual([2, 0]);
    expect(err).toContain('farm.key is there already');
    expect((await covey(`${line} --force`, { parts: { setup } })).exitCode).toBe(0);
    expect(written.get('farm.key')?.force).toBe(true);
  });
});

describe('covey invite and join', () => {
  it('invite prints the code alone to standard output, and what to type there', async () => {
    const asked: unknown[] = [];
    const control = {
      invite: async (request: { readonly port: number | null }) => {
        asked.push(request);
        const addresses = ['192.168.1.11', 'fd77::1'];
        return { version: 1 as const, node: 'n1', code: 'CODE', port: request.port ?? 7948, addresses, until: 'noon' };
      },
    };
    const { out, err } = await covey('invite', { control });
    expect(out).toBe('CODE\n');
    expect(err).toContain('  sudo covey join 192.168.1.11\n  sudo covey join fd77::1\n');
    expect((await covey('invite --port 7950', { control })).err).toContain('join [fd77::1]:7950');
    expect(asked).toEqual([{ port: null }, { port: 7950 }]);
  });

  it('join writes both files, the key to where the config says', async () => {
    const { written, setup } = host(['CODE']);
    const { exitCode, out } = await covey('join n1 --dir /etc/covey', { parts: { setup } });
    expect(exitCode).toBe(0);
    expect(written.get('/etc/covey/covey.yaml')).toMatchObject({ text: MINIMAL, mode: 0o644 });
    expect(written.get('/etc/covey/farm.key')).toMatchObject({ text: 'key\n', mode: 0o600 });
    expect(out).toContain('sudo covey run --config /etc/covey/covey.yaml');
  });

  it('join overwrites nothing, needs a code, and takes ports', async () => {
    const there = host(['CODE'], ['/etc/covey/farm.key']);
    expect((await covey('join n1 --dir /etc/covey', { parts: { setup: there.setup } })).exitCode).toBe(2);
    expect(there.written.size).toBe(0);
    const { setup } = host();
    expect((await covey('join n1', { parts: { setup } })).err).toContain('sudo covey invite');
    expect((await covey('join n1:99 --code CODE', { parts: { setup } })).err).toContain('no invite at n1:99');
    expect((await covey('join [fd77::1]:99 --code CODE', { parts: { setup } })).err).toContain('at fd77::1:99');
    expect((await covey('join fd77::1 --code CODE', { parts: { setup } })).err).toContain('at fd77::1:7948');
    expect((await covey('join n1:http', { parts: { setup } })).exitCode).toBe(2);
  });
});
