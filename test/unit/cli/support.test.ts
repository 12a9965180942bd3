import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AddressRedactor } from '../../../src/cli/support/addresses.js';
import { secretRemover } from '../../../src/cli/support/secrets.js';
import { tarGz } from '../../../src/cli/support/tar.js';
import { covey } from './fake-parts.js';
import { healthy } from './reports.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'covey-support-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const KEY = 'q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=';
const FILES: Readonly<Record<string, string>> = {
  '/etc/covey/farm.key': `covey-key-1:${KEY}\n`,
  '/etc/covey/webhook.secret': 'hook-geheim-77\n',
  '/etc/covey/mail.secret': 'p"ss w\\rd-99\n',
  '/etc/os-release': 'NAME="Debian"\n',
};
const CONFIG = `farm: web
key: file:farm.key
vips: [10.77.0.50/24, "fd77::50/64"]
notify:
  - { webhook: "https://ops:pw-in-url@hooks.example.org/T0/slack-token-55?x=1", secret: file:webhook.secret }
  - { exec: "curl -H 'Authorization: Bearer tok-in-command' http://x/" }
  - { email: ops@example.org, smtp: "192.0.2.25:25", from: covey@example.org, user: covey, password: file:mail.secret }
`;
const SECRETS = [
  KEY,
  'hook-geheim-77',
  'p"ss w\\rd-99',
  JSON.stringify('p"ss w\\rd-99').slice(1, -1),
  'pw-in-url',
  'slack-token-55',
  'tok-in-command',
];
const ADDRESSES = [
  '10.77.0.50',
  '10.77.0.1',
  'fd77::50',
  'fe80::1',
  '02:00:00:00:00:01',
  '0a1b2c3d4e5f',
  '192.0.2.25',
  'ops@example.org',
];

/** A host and an agent that let every secret and every address slip, in many places. */
const fakes = () => ({
  control: {
    status: async () =>
      healthy({
        warnings: [
          `notifications by webhook https://hooks.example.org do not arrive: hook-geheim-77 refused`,
          `10.77.0.1 (02:00:00:00:00:01) and FD77:0::0050 and p"ss w\\rd-99`,
        ],
      }),
    config: async () => ({
      version: 1 as const,
      node: 'n1',
      revision: 3,
      at: '2026-11-28T12:00:00.000Z',
      by: 'anna',
      appliedOn: 'n1',
      hash: 'ab12',
      inForce: true,
      file: '/etc/covey/covey.yaml',
      text: CONFIG,
      secretFiles: ['/etc/covey/farm.key', '/etc/covey/webhook.secret', '/etc/covey/mail.secret'],
    }),
    events: async () => ({
      version: 1 as const,
      lastSeq: 1,
      events: [
        { seq: 1, at: '2026-11-28T12:00:00.000Z', node: 'n1', event: 'x', fields: { key: KEY, at: '10.77.0.1' } },
      ],
    }),
    metrics: async () => ({ version: 1 as const, text: 'covey_uptime_seconds 1\n' }),
  },
  parts: {
    readFile: async (path: string) => FILES[path] ?? Promise.reject(new Error(`ENOENT: ${path}`)),
    runTool: async (command: string, words: readonly string[]) => {
      if (command === 'journalctl') throw new Error('journalctl: not found');
      return `${command} ${words.join(' ')}\neth0 10.77.0.1/24 fe80::1 02:00:00:00:00:01 enx0a1b2c3d4e5f\n127.0.0.1 ::1\ncovey-key-1:${KEY}\nPASSWORD=tok-in-command\n`;
    },
    writePrivateFile: async (path: string, bytes: Uint8Array) => writeFileSync(path, bytes, { mode: 0o600 }),
  },
});

/** The files of an archive as tar itself unpacks them. */
async function archive(...flags: string[]) {
  const file = join(directory, 'a.tar.gz');
  const outcome = await covey(['support', '--output', file, ...flags], fakes());
  execFileSync('tar', ['-xzf', file, '-C', directory, '--strip-components=1']);
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  const texts = names.flatMap((name) => {
    const isText = /\.(json|ndjson|txt|yaml|missing)$/.test(name);
    return isText ? [[name, readFileSync(join(directory, name), 'utf8')] as const] : [];
  });
  return { ...outcome, files: new Map(texts) };
}

describe('covey support', () => {
  it('has state, events, config and host, and says what could not be had', async () => {
    const { files, exitCode, err } = await archive();
    // The agent did not say what the network brings; what the host lacks (journalctl) does not count.
    expect(exitCode).toBe(4);
    for (const name of [
      'about.txt',
      'status.json',
      'config.yaml',
      'events.ndjson',
      'metrics.txt',
      'host/links.json',
      'host/nftables.txt',
      'host/os-release.txt',
    ]) {
      expect([...files.keys()]).toContain(name);
    }
    expect(files.get('host/journal.txt.missing')).toBe('journalctl: not found\n');
    expect(files.get('probe.json.missing')).toMatch(/no agent is running/);
    expect(err).toMatch(/could not be had.*probe.json.*host\/journal.txt/);
    expect(JSON.parse(files.get('status.json')!)).toMatchObject({ farm: 'web' });
  });

  it.each([[[]], [['--redact-addresses']]])('holds no secret in any file (%j)', async (flags) => {
    const { files } = await archive(...flags);
    expect(files.size).toBeGreaterThan(15);
    for (const [name, text] of files)
      for (const secret of SECRETS) expect(text.includes(secret), `${secret} in ${name}`).toBe(false);
    expect(files.get('config.yaml')).toContain('key: file:farm.key');
    expect(files.get('config.yaml')).toContain('hooks.example.org');
  });

  it('keeps addresses unless told', async () => {
    const { files, err } = await archive();
    expect(files.get('config.yaml')).toContain('10.77.0.50/24');
    expect(err).toMatch(/--redact-addresses/);
  });

  it('holds no address in any file with --redact-addresses, and the same one has one name everywhere', async () => {
    const { files } = await archive('--redact-addresses');
    for (const [name, text] of files)
      for (const address of ADDRESSES) expect(text.includes(address), `${address} in ${name}`).toBe(false);
    const placeholder = /eth0 (<ipv4-\d+>)\/24/.exec(files.get('host/links.json')!)![1]!;
    expect(files.get('events.ndjson')).toContain(placeholder);
    expect(files.get('status.json')).toContain(placeholder);
    expect(files.get('host/links.json')).toContain('127.0.0.1 ::1');
  });
});

describe('the exit code', () => {
  it('is 0 where the agent has said all that it knows', async () => {
    const file = join(directory, 'a.tar.gz');
    const { control, parts } = fakes();
    const answers = { ...control, keys: async () => ({}) as never, probe: async () => ({}) as never };
    const { out, exitCode } = await covey(['support', '--output', file, '--json'], { control: answers, parts });
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ version: 1, file, agent: true });
  });
});

describe('without an agent', () => {
  it('has the config that is named and the events that were written, and no secret of either', async () => {
    const file = join(directory, 'a.tar.gz');
    const { readFile, ...parts } = fakes().parts;
    const files: Readonly<Record<string, string>> = {
      '/etc/covey/covey.yaml': CONFIG,
      '/run/covey/events.ndjson': `{"event":"state","detail":"${KEY}"}\n`,
    };
    const words = ['support', '--output', file, '--config', '/etc/covey/covey.yaml', '--run-dir', '/run/covey'];
    const found = async (path: string) => files[path] ?? readFile(path);
    const { exitCode, err } = await covey(words, { parts: { ...parts, readFile: found, readConfigFile: found } });
    expect(exitCode).toBe(5);
    expect(err).toMatch(/^covey: no agent is running here .*: the archive lacks what only the agent knows$/m);
    const text = execFileSync('tar', ['-xzOf', file], { encoding: 'utf8' });
    expect(text).toContain('vips: [10.77.0.50/24');
    expect(text).toContain('{"event":"state","detail":"[secret removed]"}');
    expect(text).toContain('no agent is running here');
    for (const secret of SECRETS) expect(text.includes(secret), secret).toBe(false);
  });
});

describe('addresses', () => {
  const redact = (text: string) => new AddressRedactor().redact(text);

  it('keep their names, however they are written', () => {
    expect(redact('fd77::50 FD77:0:0:0::50 fd77::51')).toBe('<ipv6-1> <ipv6-1> <ipv6-2>');
    expect(redact('02:AA:00:00:00:01 02:aa:00:00:00:01 enx02aa00000001')).toBe('<mac-1> <mac-1> enx-<mac-1>');
  });

  it('are found beside ports, prefixes and zones', () => {
    expect(redact('10.0.0.1:80 [fd77::1]:80 10.0.0.1/24 fe80::1%eth0 "10.0.0.2" ::ffff:10.0.0.1')).toBe(
      '<ipv4-1>:80 [<ipv6-1>]:80 <ipv4-1>/24 <ipv6-2>%eth0 "<ipv4-2>" <ipv6-3>',
    );
  });

  it('are not seen in times, versions of three parts, and words', () => {
    const text = '18:34:44 2026-11-28T12:00:00.000Z v1.2.3 6.18.0-1 std::vector a::b 127.0.0.1 ::1 ff:ff:ff:ff:ff:ff';
    expect(redact('18:34:44 2026-11-28T12:00:00.000Z v1.2.3 6.18.0-1')).toBe(
      '18:34:44 2026-11-28T12:00:00.000Z v1.2.3 6.18.0-1',
    );
    expect(redact(text)).toContain('127.0.0.1 ::1 ff:ff:ff:ff:ff:ff');
  });
});

describe('secrets', () => {
  it('go wherever they stand, also as JSON and in addresses', () => {
    const remove = secretRemover(['ge"heim/1\n']);
    for (const text of ['ge"heim/1', JSON.stringify({ a: 'ge"heim/1' }), encodeURIComponent('ge"heim/1')]) {
      expect(remove(text)).toContain('[secret removed]');
      expect(remove(text)).not.toMatch(/heim/);
    }
  });

  it('are known by their looks', () => {
    const remove = secretRemover([]);
    expect(remove('postgres://u:pw@db/x')).toBe('postgres://[secret removed]@db/x');
    expect(remove('DB_PASSWORD=abc123 next')).toBe('DB_PASSWORD=[secret removed] next');
    expect(remove('{"apiKey":"abc123"}')).toBe('{"apiKey":"[secret removed]"}');
    expect(remove('secret: file:webhook.secret')).toBe('secret: file:webhook.secret');
    expect(remove('tcp port 80, rule web')).toBe('tcp port 80, rule web');
    expect(remove('start: "curl -u admin:hunter2pw http://x; mysql -h db -pS3cretPw -e 1"')).toBe(
      'start: "curl -u admin:[secret removed] http://x; mysql -h db -p[secret removed] -e 1"',
    );
    expect(remove('redis-cli -h x -a hush ping')).toBe('redis-cli -h x -a [secret removed] ping');
    expect(remove('sshpass -p hush ssh -p 2222 host')).toBe('sshpass -p [secret removed] ssh -p 2222 host');
    expect(remove('systemctl start mysql; sudo -u www-data php -p x')).toBe(
      'systemctl start mysql; sudo -u www-data php -p x',
    );
  });
});

describe('the archive', () => {
  it('is what tar reads, whatever the sizes', () => {
    const sizes = [0, 1, 511, 512, 513, 100_000];
    const files = sizes.map((size) => ({ name: `top/f-${size}`, text: 'x'.repeat(size) }));
    writeFileSync(join(directory, 'b.tar.gz'), tarGz(files, Date.parse('2026-11-28T12:00:00Z')));
    const listed = execFileSync('tar', ['-tvzf', join(directory, 'b.tar.gz'), '--utc'], { encoding: 'utf8' });
    expect(
      listed
        .trim()
        .split('\n')
        .map((line) => line.split(/\s+/)[2]),
    ).toEqual(sizes.map(String));
    expect(listed).toMatch(/^-rw------- .* 2026-11-28 12:00 top\/f-0$/m);
  });
});
