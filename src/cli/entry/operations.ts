/** Puts services and checkers together with the programs, sockets and files that they use. */
import type { RunOptions } from '../../agent/contract.js';
import type { OperationsDoors, OperationsHooks } from '../../agent/operations.js';
import { RestartFile } from '../../agent/restart-file.js';
import { SaidFile } from '../../agent/said.js';
import { Checkers } from '../../checkers/checkers.js';
import { probeFor } from '../../checkers/probes/probe.js';
import type { Config } from '../../config/contract.js';
import { replaceFile } from '../../platform/private-file.js';
import { runProgram } from '../../platform/program.js';
import { random } from '../../platform/random.js';
import { run } from '../../platform/run.js';
import { realTimers as timers } from '../../platform/timers.js';
import { realCommands } from '../../services/commands.js';
import { Services } from '../../services/services.js';
import { openPing } from './ping.js';

/** The witness has the process's own number. */
const OTHER_IDENTIFIER = 0x8000;
const SHOW_TIMEOUT_MS = 5000;

export function openOperations(config: Config, options: RunOptions, hooks: OperationsHooks): OperationsDoors {
  const environment = { COVEY_NODE: options.node, COVEY_FARM: config.farm, COVEY_RUN_DIR: options.runDir };
  const { ping, close } = openPing(null, process.pid ^ OTHER_IDENTIFIER);
  const showInterface = async (name: string) => {
    const { stdout } = await run('ip', ['-j', 'address', 'show', 'dev', name], { timeoutMs: SHOW_TIMEOUT_MS });
    return stdout;
  };
  return {
    services: new Services(config.services, {
      commands: realCommands(runProgram, environment),
      timers,
      restarts: new RestartFile(options.runDir, replaceFile),
      wallMs: Date.now,
      output: hooks.serviceOutput,
      changed: hooks.serviceChanged,
      answers: hooks.answers,
      shareGiven: hooks.shareGiven,
    }),
    checkers: new Checkers(config.checkers, {
      timers,
      random,
      probeFor: (checker) => probeFor(checker, { run: runProgram, showInterface, ping, environment }),
      changed: hooks.checkerChanged,
    }),
    said: new SaidFile(options.runDir),
    close,
  };
}
