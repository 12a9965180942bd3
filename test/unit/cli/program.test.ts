/** Command lines as people type them, with the exit codes of the design's section 9. */
import { describe, expect, it, vi } from 'vitest';
import type { CommandRequest, ExplainQuery, ExplainReport, SetRequest } from '../../../src/control/contract.js';
import { AgentNotRunningError, ControlError } from '../../../src/control/errors.js';
import { MINIMAL } from '../config/examples.js';
import { covey, memoryKeys } from './fake-parts.js';
import { healthy, member } from './reports.js';

const EXPLAINED: ExplainReport = {
  version: 1,
  bucket: 1234,
  owner: 'n2',
  rule: 'web',
  why: 'which n2 owns',
  verdict: 'reject',
  reason: 'rejectedNotOwner',
  plan: 0,
  planned: 'n3',
  node: 'n1',
  client: '10.77.0.100',
  to: { address: '10.77.0.50', port: 80, protocol: 'tcp' },
};

describe('usage', () => {
  it.each([
    '',
    'nonsense',
    'status --nonsense',
    'status extra',
    'run',
    'run --config',
    'check-config',
    'explain',
    'explain 10.0.0.256',
    'explain 10.0.0.1:99999',
    'explain 10.0.0.1 --to 10.77.0.50:80',
    'events --limit 0',
    'keys',
    'keys nonsense',
    'keys use',
    'drain --deadline soon',
    'events --since yesterday',
    'console --listen foo',
    'console --listen 127.0.0.1:0',
    'console --host a/b',
    'console --host',
  ])('covey %s ends with 2 and says why on standard error', async (line) => {
    const { exitCode, out, err } = await covey(line);
    expect(exitCode).toBe(2);
    expect(err).not.toBe('');
    expect(out).toBe('');
  });

  it('of the console names what is wrong with an address or a name, on one line', async () => {
    const first = async (...words: string[]) => (await covey(['console', ...words])).err.split('\n')[0];
    expect(await first('--listen', 'foo')).toMatch(/--listen.*'foo'.*is not an address with port: write e\.g\. 127/);
    expect(await first('--host', 'a b')).toMatch(/--host.*'a b'.*a host name such as covey\.example\.org/);
    expect((await covey('console --listen [::1]:9443 --host a.example.org --host b')).exitCode).toBe(0);
  });

  it.each(['help', '--help', 'help status', 'status --help', 'keys --help', 'keys add --help', '--version'])(
    'covey %s ends with 0',
    async (line) => {
      const { exitCode, out, err } = await covey(line);
      expect(exitCode).toBe(0);
      expect(out).not.toBe('');
      expect(err).toBe('');
    },
  );

  it('has a help with an example for every command that is not only a group', async () => {
    const { out } = await covey('help');
    const names = [...out.matchAll(/^ {2}([a-z][a-z-]*) .*$/gm)]
      .map((match) => match[1]!)
      .filter((name) => name !== 'help');
    const commands = names.filter((name) => name !== 'covey' && name !== 'sudo');
    expect(commands).toEqual(
      expect.arrayContaining([
        'run',
        'check-config',
        'cleanup',
        'status',
        'explain',
        'events',
        'drain',
        'keygen',
        'keys',
      ]),
    );
    for (const name of commands) expect((await covey(`help ${name}`)).out, name).toContain('Examples:');
  });

  it('has no command that does nothing yet', async () => {
    for (const name of ['apply']) expect((await covey(name)).exitCode).toBe(2);
  });

  it('prints the version', async () => expect((await covey('--version')).out).toBe('9.8.7\n'));

  it('guesses what was meant', async () => expect((await covey('statsu')).err).toContain('Did you mean status?'));
});

describe('status', () => {
  it('ends with 5 where no agent runs', async () => {
    const { exitCode, err } = await covey('status');
    expect(exitCode).toBe(5);
    expect(err).toBe(
      'covey: no agent is running here (run directory /run/covey)\n  start it with: covey run --config covey.yaml\n',
    );
  });

  it('ends with 0 when the farm is whole, 4 when not', async () => {
    const broken = healthy({ members: [...healthy().members, member('n4', { state: 'dead', reason: 'silent' })] });
    expect((await covey('status', { control: { status: async () => healthy() } })).exitCode).toBe(0);
    expect((await covey('status', { control: { status: async () => broken } })).exitCode).toBe(4);
    expect((await covey('status --json', { control: { status: async () => broken } })).exitCode).toBe(4);
  });

  it('gives the report itself as JSON', async () => {
    const { out } = await covey('status --json', { control: { status: async () => healthy() } });
    expect(JSON.parse(out)).toEqual(healthy());
  });

  it('asks the run directory that was named', async () => {
    const asked: string[] = [];
    const control = (runDir: string) => {
      asked.push(runDir);
      return { status: async () => healthy() } as never;
    };
    await covey('status --run-dir /tmp/x', { parts: { control } });
    vi.stubEnv('COVEY_RUN_DIR', '/tmp/y');
    await covey('status', { parts: { control } });
    await covey('status --run-dir /tmp/x', { parts: { control } });
    vi.unstubAllEnvs();
    expect(asked).toEqual(['/tmp/x', '/tmp/y', '/tmp/x']);
  });

  it('watches until interrupted, through the death of the agent', async () => {
    const answers = [healthy(), null, healthy()];
    let shown = 0;
    const status = async () => {
      const answer = answers[shown++];
      if (answer) return answer;
      throw new AgentNotRunningError('/run/covey');
    };
    const pause = async () => shown < answers.length;
    const { exitCode, out } = await covey('status --watch', { control: { status }, parts: { pause } });
    expect(exitCode).toBe(0);
    expect(out.match(/3 of 3 nodes up/g)).toHaveLength(2);
    expect(out).toContain('waiting for it');
    shown = 0;
    const json = await covey('status --watch --json', { control: { status }, parts: { pause } });
    expect(
      json.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).farm),
    ).toEqual(['web', 'web']);
  });

  it('passes on what the agent refuses', async () => {
    const status = async () => Promise.reject(new ControlError('internal', 'it broke', 'look into the log'));
    const { exitCode, err } = await covey('status', { control: { status } });
    expect([exitCode, err]).toEqual([1, 'covey: it broke\n  look into the log\n']);
  });
});

describe('explain', () => {
  it('asks with and without ports, in both families', async () => {
    const asked: ExplainQuery[] = [];
    const explain = async (query: ExplainQuery) => {
      asked.push(query);
      return EXPLAINED;
    };
    await covey('explain 10.77.0.100', { control: { explain } });
    await covey('explain 10.77.0.100:40000 --to 10.77.0.50:443/TCP', { control: { explain } });
    await covey('explain fd77::100', { control: { explain } });
    await covey('explain [fd77::100]:1 --to [fd77::50]:53/udp', { control: { explain } });
    expect(asked).toEqual([
      { address: '10.77.0.100', port: null, to: null },
      { address: '10.77.0.100', port: 40000, to: { address: '10.77.0.50', port: 443, protocol: 'tcp' } },
      { address: 'fd77::100', port: null, to: null },
      { address: 'fd77::100', port: 1, to: { address: 'fd77::50', port: 53, protocol: 'udp' } },
    ]);
  });

  it('asks who would serve without some nodes, and tells', async () => {
    const asked: ExplainQuery[] = [];
    const without = {
      nodes: ['n2', 'n3'],
      owner: 'n1',
      moves: true,
      movedBuckets: 2730,
      keepsLost: 3,
      shares: [{ name: 'n1', share: 1 }],
      why: 'bucket 7 would go to n1',
    };
    const explain = async (query: ExplainQuery) => {
      asked.push(query);
      return { ...EXPLAINED, without };
    };
    const { out } = await covey('explain 10.77.0.100:40000 --without n2,n3', { control: { explain } });
    expect(asked[0]!.without).toEqual(['n2', 'n3']);
    expect(out).toContain(`
  without n2, n3:
  owner   n1
  why     bucket 7 would go to n1
  shares  n1 100.0 %
`);
  });

  it('prints bucket, owner, rule and why', async () => {
    const { exitCode, out } = await covey('explain 10.77.0.100:40000', { control: { explain: async () => EXPLAINED } });
    expect(exitCode).toBe(0);
    expect(out).toBe(`10.77.0.100:40000 -> 10.77.0.50:80/tcp
  rule    web
  bucket  1234 of plan 0
  owner   n2, on its way to n3
  why     which n2 owns
  here    n1 would reject it (rejectedNotOwner)
`);
  });

  it('prints that the owner depends on the port', async () => {
    const depends = { ...EXPLAINED, bucket: null, owner: null, planned: null, verdict: 'depends', reason: '' };
    const { out } = await covey('explain 10.77.0.100', { control: { explain: async () => depends } });
    expect(out).toContain("bucket  depends on the client's port\n  owner   depends on the client's port\n");
    expect(out).not.toContain('here');
  });

  it('prints what no rule takes', async () => {
    const none = { ...EXPLAINED, rule: null, bucket: null, plan: null, owner: null, planned: null };
    const { out } = await covey('explain 10.77.0.100', { control: { explain: async () => none } });
    expect(out).toContain('rule    none matches\n  bucket  none\n  owner   nobody known\n');
  });
});

describe('drain, stop, start', () => {
  it('ask for this node or another', async () => {
    const asked: CommandRequest[] = [];
    const command = async (request: CommandRequest) => {
      asked.push(request);
      return { version: 1 as const, command: request.command, node: request.node ?? 'n1', message: 'as you wish' };
    };
    const drained = await covey('drain n2 --deadline 90s', { control: { command } });
    await covey('stop', { control: { command } });
    await covey('stop n2 --now', { control: { command } });
    await covey('start n3', { control: { command } });
    expect(asked).toEqual([
      { command: 'drain', node: 'n2', deadlineMs: 90_000 },
      { command: 'stop', node: null, deadlineMs: null },
      { command: 'stop', node: 'n2', deadlineMs: null, now: true },
      { command: 'start', node: 'n3', deadlineMs: null },
    ]);
    expect(drained.out).toBe('as you wish\n');
  });
});

describe('set', () => {
  it('passes on the word of a script, with its reason', async () => {
    const asked: unknown[] = [];
    const set = async (request: SetRequest) => {
      asked.push(request);
      return { version: 1, node: 'n1', name: request.name, message: 'custom.half is down on n1' } as const;
    };
    const down = await covey(['set', 'custom.half', 'down', '--reason', 'backup runs'], { control: { set } });
    expect(down).toEqual({ exitCode: 0, out: 'custom.half is down on n1\n', err: '' });
    await covey('set custom.half up --json', { control: { set } });
    expect(asked).toEqual([
      { name: 'half', isUp: false, reason: 'backup runs' },
      { name: 'half', isUp: true, reason: '' },
    ]);
  });

  it.each([
    ['set half up', 'write custom.NAME'],
    ['set custom.half sideways', 'neither up nor down'],
  ])('%s: says what to write', async (line, text) => {
    const { exitCode, err } = await covey(line);
    expect([exitCode, err.includes(text)]).toEqual([2, true]);
  });
});

describe('reload', () => {
  it('says what is in force now, and warns on standard error', async () => {
    const warnings = ['rule web: its connections may break'];
    const reload = async () => ({
      version: 1 as const,
      node: 'n1',
      changed: ['weight 1 -> 3', 'rule a is new'],
      warnings,
    });
    const { exitCode, out, err } = await covey('reload', { control: { reload } });
    expect({ exitCode, out }).toEqual({ exitCode: 0, out: 'n1: in force: weight 1 -> 3; rule a is new\n' });
    expect(err).toBe('warning: rule web: its connections may break\n');
  });

  it('ends with 3 for a bad config, with 1 for what needs a restart', async () => {
    const refuse = (code: 'bad-config' | 'refused') => ({
      reload: async () => {
        throw new ControlError(code, 'covey.yaml:3:5: no', 'the old one stays');
      },
    });
    expect(await covey('reload', { control: refuse('bad-config') })).toEqual({
      exitCode: 3,
      out: '',
      err: 'covey: covey.yaml:3:5: no\n  the old one stays\n',
    });
    expect((await covey('reload', { control: refuse('refused') })).exitCode).toBe(1);
  });
});

describe('events', () => {
  const events = async () => ({
    version: 1 as const,
    lastSeq: 1,
    events: [
      {
        seq: 1,
        at: '2026-11-22T18:00:00.000Z',
        node: 'n1',
        event: 'state',
        fields: { to: 'up', reason: 'lease open', n: 3 },
      },
    ],
  });

  it('are a line each', async () => {
    expect((await covey('events', { control: { events } })).out).toBe(
      '2026-11-22T18:00:00.000Z  n1  state  to=up reason="lease open" n=3\n',
    );
  });

  it('are JSON a line, with version', async () => {
    const { out } = await covey('events --json', { control: { events } });
    expect(JSON.parse(out)).toMatchObject({ version: 1, event: 'state', fields: { to: 'up' } });
  });
});

describe('check-config', () => {
  const files = {
    'good.yaml': MINIMAL,
    'bad.yaml': `${MINIMAL}\treach: flood\n`,
    'worse.yaml': `${MINIMAL}reach: floood\nquorum: x\n`,
  };

  it('shows each fault with its line and a caret, and ends with 3', async () => {
    const { exitCode, err } = await covey('check-config worse.yaml', { files });
    expect(exitCode).toBe(3);
    expect(err).toBe(`worse.yaml:7:8: reach: "floood" is not one of auto, flood, multicast, relay; did you mean flood?
    7 | reach: floood
      |        ^
worse.yaml:8:9: quorum: "x" is not one of none, majority
    8 | quorum: x
      |         ^
2 faults in worse.yaml
`);
  });

  const lacking = {
    keyFile: (path: string) => ({ state: 'missing' as const, message: `key file ${path}: does not exist` }),
    interface: async (name: string, vips: readonly { address: string; prefixLength: number }[]) => ({
      refusals: [`interface ${name} is down`],
      advice: [`${name} lacks ${vips[0]!.address}/${vips[0]!.prefixLength}`],
    }),
  };

  it('warns about the host without failing', async () => {
    const environment = {
      keyFile: () => ({ state: 'good' as const }),
      interface: async () => ({ refusals: [], advice: ['eth0 is odd'] }),
    };
    const { exitCode, out, err } = await covey('check-config good.yaml', { files, parts: { environment } });
    expect(exitCode).toBe(0);
    expect(out).toBe('good.yaml: good: farm web, 1 VIP, 1 rule, room for 262144 keys (36 MiB)\n');
    expect(err).toBe('warning: eth0 is odd\n');
  });

  it('ends with why run would refuse on this host, and fails no more than for advice', async () => {
    const { exitCode, out, err } = await covey('check-config good.yaml', { files, parts: { environment: lacking } });
    expect([exitCode, err]).toEqual([0, 'warning: eth0 lacks 10.77.0.50/24\n']);
    const [summary, ...why] = out.trimEnd().split('\n');
    expect(summary).toBe('good.yaml: valid: farm web, 1 VIP, 1 rule, room for 262144 keys (36 MiB)');
    expect(why).toEqual([
      expect.stringMatching(
        /^good\.yaml: covey run would refuse on this host: key file \/.*\/farm\.key: does not exist$/,
      ),
      'good.yaml: covey run would refuse on this host: interface eth0 is down',
    ]);
  });

  it('tells programs of all warnings, and which of them run would refuse for', async () => {
    const { exitCode, out } = await covey('check-config good.yaml --json', { files, parts: { environment: lacking } });
    expect(exitCode).toBe(0);
    const refusals = [expect.stringContaining('farm.key: does not exist'), 'interface eth0 is down'];
    const warnings = [...refusals, 'eth0 lacks 10.77.0.50/24'];
    expect(JSON.parse(out)).toMatchObject({ version: 1, good: true, faults: [], warnings, refusals });
  });

  const keyIs = (state: 'missing' | 'unusable') => ({
    environment: {
      keyFile: (path: string) => ({ state, message: `key file ${path}: is ${state}` }),
      interface: async () => ({ refusals: [], advice: [] }),
    },
  });

  it('calls no config good whose key file cannot be used', async () => {
    const { exitCode, out, err } = await covey('check-config good.yaml', { files, parts: keyIs('unusable') });
    expect([exitCode, out]).toEqual([3, '']);
    expect(err).toMatch(/^good\.yaml:2:6: key: key file \/.*\/farm\.key: is unusable\n/);
    expect(err).toMatch(/1 fault in good\.yaml\n$/);
  });

  it('tells of the key file beside other faults', async () => {
    const unusable = await covey('check-config worse.yaml', { files, parts: keyIs('unusable') });
    expect(unusable.err).toMatch(/worse\.yaml:2:6: key: .* is unusable[\s\S]*7:8: reach[\s\S]*3 faults in worse\.yaml/);
    const missing = await covey('check-config worse.yaml', { files, parts: keyIs('missing') });
    expect(missing.err).toMatch(/^warning: key file .* is missing\n[\s\S]*7:8: reach[\s\S]*2 faults in worse\.yaml/);
    expect((await covey('check-config bad.yaml', { files, parts: keyIs('missing') })).exitCode).toBe(3);
  });

  it('looks at the interface of the named node', async () => {
    const looked: string[] = [];
    const environment = {
      keyFile: () => ({ state: 'good' as const }),
      interface: async (name: string) => {
        looked.push(name);
        return { refusals: [], advice: [] };
      },
    };
    const overridden = { 'c.yaml': `${MINIMAL}nodes: { n1: { interface: eth7 }, n2: { interface: eth8 } }\n` };
    await covey('check-config c.yaml', { files: overridden, parts: { environment } });
    await covey('check-config c.yaml --node n2', { files: overridden, parts: { environment } });
    expect(looked).toEqual(['eth7', 'eth8']);
  });

  it.each(['check-config d', 'run --config d', 'apply d', 'keys list --config d'])(
    'names a file that cannot be read, says why, and ends with 3: %s',
    async (line) => {
      const readConfigFile = () => Promise.reject(new Error('it is a directory; name a file in it'));
      const { exitCode, err } = await covey(line, { parts: { readConfigFile } });
      expect([exitCode, err]).toEqual([3, 'covey: cannot read the config d: it is a directory; name a file in it\n']);
    },
  );

  it('ends with 3 for a file that is not there', async () => {
    const { exitCode, err } = await covey('check-config none.yaml');
    expect([exitCode, err]).toEqual([3, 'covey: cannot read the config none.yaml: there is no such file\n']);
  });
});

describe('run', () => {
  const files = { 'c.yaml': `${MINIMAL}quorum: majority\n`, 'bad.yaml': 'farm: 1\n' };

  it('starts a good config as the host, and ends as the node does', async () => {
    const started: unknown[] = [];
    const run = async (options: unknown) => {
      started.push(options);
      return 1;
    };
    const { exitCode, err } = await covey('run --config c.yaml', { files, parts: { run } });
    expect(exitCode).toBe(1);
    expect(started).toEqual([{ configFile: 'c.yaml', node: 'n1', runDir: '/run/covey', version: '9.8.7' }]);
    expect(err).toContain('warning: quorum: majority is counted of the nodes that the config names');
  });

  it.each(['missing', 'unusable'] as const)(
    'does not start with a key file that is %s, and says so once',
    async (state) => {
      const run = async () => Promise.reject(new Error('started'));
      const keyFile = () => ({ state, message: 'key file k: no' });
      const environment = { keyFile, interface: async () => ({ refusals: [], advice: [] }) };
      const { exitCode, err } = await covey('run --config c.yaml', { files, parts: { run, environment } });
      expect(exitCode).toBe(3);
      expect(err.match(/key file k: no/g)).toHaveLength(1);
    },
  );

  it('does not start a bad one, nor a node without a usable name', async () => {
    const run = async () => Promise.reject(new Error('started'));
    expect((await covey('run --config bad.yaml', { files, parts: { run } })).exitCode).toBe(3);
    expect((await covey('run --config c.yaml --node n/1', { files, parts: { run } })).exitCode).toBe(2);
  });
});

describe('cleanup', () => {
  it('says what it undid', async () => {
    expect((await covey('cleanup')).out).toBe('nothing was left to clean up\n');
    const cleanup = async () => ({ undone: ['device covey0 removed'], found: true });
    expect((await covey('cleanup', { parts: { cleanup } })).out).toBe('device covey0 removed\n');
  });

  it('says that it looked at nothing, which is a failure where the directory was named', async () => {
    const cleanup = async () => ({ undone: [], found: false });
    const usual = await covey('cleanup', { parts: { cleanup } });
    expect([usual.exitCode, usual.out]).toEqual([
      0,
      'there is no directory /run/covey: nothing is there under that name\n',
    ]);
    const named = await covey('cleanup --run-dir /run/cvoey', { parts: { cleanup } });
    expect([named.exitCode, named.out]).toEqual([1, '']);
    expect(named.err).toContain('no directory /run/cvoey');
  });
});

describe('keys', () => {
  const keysReport = {
    version: 1 as const,
    keyFile: '/etc/farm.key',
    inUse: [{ node: 'n2', keyId: 10 }],
    known: [{ node: 'n2', keyIds: [10, 11] }],
  };
  const running = { keys: async () => keysReport, reloadKeys: async () => keysReport };

  it('are made', async () => {
    expect((await covey('keygen')).out).toBe('covey-key-1:AAAA\n');
    expect((await covey('keygen farm.key')).out).toContain('key 0000000a');
    expect((await covey(['keygen', ''])).exitCode).toBe(2);
  });

  it('are listed with their users', async () => {
    const { out } = await covey('keys list', { control: running });
    expect(out).toBe('KEY       ROLE              IN USE BY\n0000000a  active, identity  n2\n');
  });

  it('need a file when no agent runs', async () => {
    expect((await covey('keys list')).exitCode).toBe(2);
    expect((await covey('keys list --key-file f')).out).toContain('0000000a  active, identity  ?');
    expect((await covey('keys list --config c.yaml', { files: { 'c.yaml': MINIMAL } })).exitCode).toBe(0);
  });

  it('are read again by the agent after a change', async () => {
    let reloads = 0;
    const reloadKeys = async () => {
      reloads += 1;
      return keysReport;
    };
    expect((await covey('keys add', { control: { ...running, reloadKeys } })).out).toContain(
      'key 0000000b added to /etc/farm.key',
    );
    await covey('keys use 0000', { control: { ...running, reloadKeys } });
    expect(reloads).toBe(2);
  });

  it('are not used before every living member can open them', async () => {
    const known = [
      { node: 'n1', keyIds: [10] },
      { node: 'n2', keyIds: [11] },
    ];
    const control = { ...running, keys: async () => ({ ...keysReport, known }) };
    const refused = await covey('keys use 0000', { control });
    expect(refused.exitCode).toBe(2);
    expect(refused.err).toContain('n2 cannot open key 0000000a yet, and would no longer hear this node');
    expect((await covey('keys use 0000 --force', { control })).exitCode).toBe(0);
  });

  it('are taken from another file without its marks', async () => {
    const files = { 'other.key': '# ours\n\ncovey-key-1:BBBB active identity\n' };
    const added: (string | null)[] = [];
    const store = memoryKeys();
    const keys = {
      ...store,
      add: (path: string, text: string | null) => {
        added.push(text);
        return store.add(path, text);
      },
    };
    await covey('keys add other.key', { control: running, files, parts: { keys } });
    expect(added).toEqual(['covey-key-1:BBBB']);
  });

  it('are not removed while in use, nor when nobody can say so', async () => {
    const inUse = await covey('keys remove 0000000a', { control: running });
    expect([inUse.exitCode, inUse.err]).toEqual([1, 'covey: key 0000000a is in use by n2\n']);
    expect((await covey('keys remove 0000000a --key-file f')).exitCode).toBe(2);
    expect((await covey('keys remove 0000000a --key-file f --force')).exitCode).toBe(0);
  });
});
