#!/usr/bin/env node
/** `covey`: the composition root of the command line. Only here are real parts put together, and the process's exit code set. */
import { readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { addBenchCommand } from '../bench/commands.js';
import { ControlClient } from '../control/client.js';
import { addLabCommands } from '../lab/commands.js';
import { checkFile, openFile, openLive } from '../platform/pcap.js';
import { run } from '../platform/run.js';
import { readTextFile } from '../platform/text-file.js';
import { hostEnvironment } from './entry/environment.js';
import { exposedFile } from './entry/exposed.js';
import { fileKeyStore } from './entry/key-store.js';
import { openOutput, orClosed } from './entry/output.js';
import { hostSetup } from './entry/setup.js';
import { explainedWrite } from './entry/writing.js';
import { EXIT } from './exit.js';
import type { CliParts, Interruption } from './parts.js';
import { runCli } from './program.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const output = openOutput(process.stdout);
const errors = openOutput(process.stderr);

/** A live capture cannot be closed so that the process ends by itself. */
let mustExit = false;

const parts: CliParts = {
  version,
  hostName: hostname(),
  terminal: {
    line: (line) => output.write(`${line}\n`),
    errorLine: (line) => errors.write(`${line}\n`),
    raw: (words) => output.write(words),
    isInteractive: process.stdout.isTTY === true,
    // Terminals that know nothing of their size say 0.
    size: () => ({ columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 }),
    onResize,
    // https://no-color.org: present and not empty.
    hasColours: process.stdout.isTTY === true && (process.env.NO_COLOR ?? '') === '' && process.env.TERM !== 'dumb',
  },
  control: (runDir) => new ControlClient(runDir, undefined, process.env.SUDO_USER ?? null),
  exposedOutput: () => exposedFile(1),
  isRoot: process.getuid?.() === 0,
  readFile: (path) => readFile(path, 'utf8'),
  readConfigFile: readTextFile,
  readInput: () => text(process.stdin),
  environment: hostEnvironment,
  keys: fileKeyStore,
  setup: hostSetup,
  // Loaded when they are needed: the addon must not be what `covey status` waits for, or fails by.
  run: async (options) => (await import('./entry/run.js')).runNode(options),
  cleanup: async (options) => (await import('../platform/host/cleanup.js')).cleanup(options),
  console: async (options) => (await import('./entry/run.js')).runConsole(options),
  addLabCommands,
  addBenchCommand,
  pause,
  nowMs: () => performance.now(),
  interruption: () => orClosed(interruption(), output),
  wallTime: () => new Date().toISOString(),
  capture: {
    openLive: (...words) => {
      mustExit = true;
      return openLive(...words);
    },
    openFile,
    checkFile,
  },
  imagineFarm: async (configFile, nodes) => (await import('./entry/imagine.js')).imagineFarm(configFile, nodes, parts),
  runTool: async (command, words) => (await run(command, words, { timeoutMs: 10_000 })).stdout,
  writePrivateFile: (path, bytes) =>
    writeFile(path, bytes, { mode: 0o600, flag: 'wx' }).catch(async (error: unknown) => {
      // Half a file would be in the way of the next try. One that was there before is left alone.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') await rm(path, { force: true });
      throw explainedWrite(path, error);
    }),
};

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function interruption(): Interruption {
  let isInterrupted = false;
  let happen: () => void = () => undefined;
  const happened = new Promise<void>((done) => {
    happen = done;
  });
  const onSignal = () => {
    isInterrupted = true;
    happen();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    get isInterrupted() {
      return isInterrupted;
    },
    happened,
    release: () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}

async function pause(ms: number): Promise<boolean> {
  const signals = interruption();
  const timer = new AbortController();
  try {
    const waited = delay(ms, true, { signal: timer.signal }).catch(() => false);
    return await Promise.race([waited, signals.happened.then(() => false)]);
  } finally {
    timer.abort();
    signals.release();
  }
}

function onResize(then: () => void): () => void {
  process.stdout.on('resize', then);
  return () => process.stdout.off('resize', then);
}

const exitCode = await runCli(parts, process.argv.slice(2));
// `lab exec` has set the code of its command by now; 0 of ours does not replace it.
if (exitCode !== 0) process.exitCode = exitCode;
// Once all is written, or cannot be; what a stream says of a failed write comes after the write's own answer.
process.stdout.write('', () => setImmediate(finish));

function finish(): void {
  if (output.failure !== null) {
    errors.write(`covey: cannot write to standard output: ${output.failure.message}\n`);
    process.exitCode ||= EXIT.error;
  }
  if (mustExit) process.exit();
}
