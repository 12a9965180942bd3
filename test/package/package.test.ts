/**
 * What users install: the .deb in a bare Debian 12 without compiler, npm and Node.js but the one that is put there, the installer beside it, and
 * the unit as systemd judges it.
 *
 *     this machine: build-deb.sh -> covey.deb -> [ chroot: dpkg -i, covey ..., dpkg -r, dpkg -P ]
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const directory = mkdtempSync(join(tmpdir(), 'covey-package-'));
const root = join(directory, 'root');
const WORST_EXPOSURE = 3.0;

interface Outcome {
  readonly code: number | null;
  readonly text: string;
}

function run(command: string, words: readonly string[]): Outcome {
  const { status, stdout, stderr, error } = spawnSync(command, words, {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: 400_000,
  });
  if (error !== undefined) throw error;
  return { code: status, text: stdout + stderr };
}

function done(command: string, ...words: readonly string[]): string {
  const { code, text } = run(command, words);
  expect(code, `${command} ${words.join(' ')}: ${text}`).toBe(0);
  return text;
}

const PLAIN = [
  'env',
  '-i',
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  'HOME=/root',
  'LC_ALL=C',
];
/** In namespaces of its own: what is mounted vanishes with the command, and no network is there to be touched. */
const chroot = (words: readonly string[]) => [
  ...['--mount', '--net', 'sh', '-c'],
  'mount --bind /dev "$0/dev" && mount -t proc proc "$0/proc" && exec chroot "$0" "$@"',
  ...[root, ...PLAIN, ...words],
];
const within = (...words: readonly string[]) => run('unshare', chroot(words));
const doneWithin = (...words: readonly string[]) => done('unshare', ...chroot(words));
const inside = (path: string) => join(root, path);

/** All files below the root that are ours by name. */
const traces = () =>
  run('find', [
    root,
    '-xdev',
    '(',
    '-path',
    join(root, 'proc'),
    '-o',
    '-path',
    join(root, 'tmp'),
    ')',
    '-prune',
    '-o',
    '-name',
    '*covey*',
    '-print',
  ])
    .text.split('\n')
    .filter((line) => line !== '' && !line.includes('/var/lib/dpkg/') && !line.includes('/var/cache/'))
    .map((line) => line.slice(root.length))
    .sort();

const CONFIG = `farm: web
key: file:farm.key
interface: lo
vips: [10.77.0.50/24]
rules:
  - { name: web, protocol: tcp, ports: [80], affinity: connection }
`;

function writeConfig(): void {
  doneWithin('covey', 'keygen', '/etc/covey/farm.key');
  writeFileSync(inside('/etc/covey/covey.yaml'), CONFIG);
}

beforeAll(() => {
  done('bash', 'scripts/package/chroot.sh', root);
  mkdirSync(inside('/dev'), { recursive: true });
}, 400_000);

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe.sequential('the .deb on a bare Debian 12', () => {
  let deb = '';

  it('is built', () => {
    deb = /^\/.*covey_.*\.deb$/m.exec(done('bash', 'scripts/build-deb.sh', directory))![0];
    expect(existsSync(deb)).toBe(true);
    // The largest part is zod and yaml; more would mean that build tools were packed.
    expect(statSync(deb).size).toBeLessThan(8e6);
    const files = done('dpkg-deb', '--contents', deb);
    expect(files).not.toMatch(/\.(cc|o|ts)$|node_modules\/(typescript|vitest|node-gyp|esbuild)\//m);
    for (const addon of ['dataplane', 'cap', 'pcap_binding', 'raw']) expect(files).toContain(`/${addon}.node\n`);
  });

  it('installs without a compiler and without Node.js, and says what is missing', () => {
    copyFileSync(deb, inside('/tmp/covey.deb'));
    expect(within('sh', '-c', 'command -v node cc g++ make python3 npm').text).toBe('');
    const text = doneWithin('dpkg', '-i', '/tmp/covey.deb');
    expect(text).toContain('no Node.js 20 or newer was found');
    const { code, text: said } = within('covey', '--version');
    expect(code).toBe(1);
    expect(said).toContain('ln -s /path/to/node /usr/lib/covey/bin/node');
  });

  it('runs with Node.js supplied: version, config, key, man page', () => {
    copyFileSync(process.execPath, inside('/usr/lib/covey/bin/node'));
    chmodSync(inside('/usr/lib/covey/bin/node'), 0o755);
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(doneWithin('covey', '--version')).toBe(`${version}\n`);
    writeConfig();
    // Root makes the key, but the agent is another user: it belongs to whom the directory belongs.
    const owner = statSync(inside('/etc/covey'));
    expect(statSync(inside('/etc/covey/farm.key'))).toMatchObject({ uid: owner.uid, gid: owner.gid });
    expect(owner.uid).not.toBe(0);
    expect(doneWithin('covey', 'check-config', '/etc/covey/covey.yaml')).toContain(': farm web, 1 VIP, 1 rule');
    expect(within('covey', 'status').code).toBe(5);
    expect(existsSync(inside('/usr/share/man/man8/covey.8.gz'))).toBe(true);
  });

  it('loads the prebuilt addons, each', () => {
    const load = (file: string) =>
      doneWithin('/usr/lib/covey/bin/node', '-p', `typeof require('/usr/lib/covey/${file}')`);
    for (const file of [
      'addons/dataplane/build/Release/dataplane.node',
      'node_modules/cap/build/Release/cap.node',
      'node_modules/pcap/build/Release/pcap_binding.node',
      'node_modules/raw-socket/build/Release/raw.node',
    ])
      expect(load(file), file).toBe('object\n');
    // The agent itself comes as far as the host: the interface is there, but no Ethernet.
    const { code, text } = within(
      'covey',
      'run',
      '--config',
      '/etc/covey/covey.yaml',
      '--node',
      'n1',
      '--run-dir',
      '/tmp/run',
    );
    expect(code).not.toBe(0);
    expect(text).toMatch(/no Ethernet device|is down|CAP_NET|\/dev\/net\/tun/);
    expect(text).not.toContain('cannot be loaded');
  });

  it('is upgraded without touching the config, and removed without a trace but it', () => {
    const before = statSync(inside('/etc/covey/farm.key'));
    doneWithin('dpkg', '-i', '/tmp/covey.deb');
    expect(readFileSync(inside('/etc/covey/covey.yaml'), 'utf8')).toBe(CONFIG);
    expect(statSync(inside('/etc/covey/farm.key'))).toMatchObject({
      ino: before.ino,
      mode: before.mode,
      uid: before.uid,
    });
    doneWithin('dpkg', '-r', 'covey');
    expect(traces()).toEqual(['/etc/covey', '/etc/covey/covey.yaml']);
    doneWithin('dpkg', '-P', 'covey');
    expect(traces()).toEqual([]);
    expect(within('getent', 'passwd', 'covey').code).toBe(2);
  });
});

describe.sequential('install.sh and uninstall.sh', () => {
  it('install into a root, twice, with the same outcome', () => {
    const first = done('bash', 'scripts/install.sh', '--root', root);
    expect(first).toContain('is installed');
    mkdirSync(inside('/usr/lib/covey/bin'), { recursive: true });
    copyFileSync(process.execPath, inside('/usr/lib/covey/bin/node'));
    chmodSync(inside('/usr/lib/covey/bin/node'), 0o755);
    writeConfig();
    const files = traces();
    expect(files).toEqual(
      expect.arrayContaining([
        '/usr/bin/covey',
        '/usr/lib/systemd/system/covey.service',
        '/usr/share/man/man8/covey.8.gz',
      ]),
    );
    done('bash', 'scripts/install.sh', '--root', root);
    expect(traces()).toEqual(files);
    expect(doneWithin('covey', 'check-config', '/etc/covey/covey.yaml')).toContain(': farm web, 1 VIP, 1 rule');
  });

  it('leave the config, and with --purge nothing; again is no error', () => {
    done('bash', 'scripts/uninstall.sh', '--root', root);
    expect(traces()).toEqual(['/etc/covey', '/etc/covey/covey.yaml']);
    expect(done('bash', 'scripts/uninstall.sh', '--root', root)).toContain('not installed here');
    done('bash', 'scripts/uninstall.sh', '--purge', '--root', root);
    expect(traces()).toEqual([]);
    expect(run('bash', ['scripts/uninstall.sh', '--purg']).code).toBe(2);
  });
});

describe('covey.service', () => {
  const unit = join(directory, 'covey.service');
  beforeAll(() => {
    mkdirSync(directory, { recursive: true });
    // systemd-analyze wants to see the programs; which they are is no matter of the unit's other settings.
    const text = readFileSync(join(ROOT, 'scripts/package/covey.service'), 'utf8');
    writeFileSync(unit, text.replaceAll('/usr/bin/covey', '/bin/true'));
  });

  it('is what systemd understands, to the last setting', () => {
    expect(done('systemd-analyze', 'verify', '--man=no', unit)).toBe('');
  });

  it(`exposes little: at most ${WORST_EXPOSURE}`, () => {
    const text = done(
      'systemd-analyze',
      'security',
      '--offline=true',
      '--no-pager',
      `--threshold=${WORST_EXPOSURE * 10}`,
      unit,
    );
    const score = Number(/Overall exposure level for covey.service: ([\d.]+)/.exec(text)?.[1]);
    expect(score).toBeGreaterThan(0);
    expect(score).toBeLessThanOrEqual(WORST_EXPOSURE);
  });

  it('knows the exit code of a restart, and that of a bad config', () => {
    const text = readFileSync(unit, 'utf8');
    const contract = readFileSync(join(ROOT, 'src/agent/contract.ts'), 'utf8');
    const { restart, badConfig } = /EXIT = \{.*badConfig: (?<badConfig>\d+).*restart: (?<restart>\d+)/.exec(contract)!
      .groups!;
    expect(text).toMatch(new RegExp(`^RestartForceExitStatus=${restart}$`, 'm'));
    expect(text).toMatch(new RegExp(`^RestartPreventExitStatus=.*\\b${badConfig}\\b`, 'm'));
  });
});
