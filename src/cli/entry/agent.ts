/**
 * Entry of the agent process, forked by the supervisor: puts the real parts together and runs the agent.
 *
 * Signals are the supervisor's business: a terminal's Ctrl-C and a service manager's TERM reach both processes, and only the
 * supervisor's order counts. Without its supervisor the agent leaves: nobody would announce its death.
 */
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { Agent } from '../../agent/agent.js';
import { type AgentBegin, type AgentNotice, EXIT, type SupervisorOrder } from '../../agent/contract.js';
import { holdLifeline } from '../../agent/lifeline.js';
import { sender } from '../../agent/notify/send.js';
import { faultText } from '../../config/fault-text.js';
import { parseConfig } from '../../config/load.js';
import { listen } from '../../control/server.js';
import { bootTimeClock } from '../../platform/clock.js';
import { countConnections, resetConnections } from '../../platform/host/connections.js';
import { giveToConsole, hasConsolePlace, makeConsolePlace } from '../../platform/host/console-directory.js';
import { claimHost } from '../../platform/host/host.js';
import { tunName } from '../../platform/host/names.js';
import { lockRunDir } from '../../platform/incarnation-lock.js';
import { socketAccess } from './access.js';
import { liveParts } from './live.js';
import { openOperations } from './operations.js';
import { openPing } from './ping.js';
import { openReach } from './reach.js';
import { stateHomeOf } from './state-home.js';

const tellSupervisor = (notice: AgentNotice) => {
  if (notice.type === 'ready') holdLifeline(process.ppid);
  if (process.connected) process.send!(notice);
};

process.on('SIGTERM', () => undefined);
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);

process.once('message', (begin: AgentBegin) => {
  void runAgent(begin).then((code) => process.exit(code));
});

async function runAgent(begin: AgentBegin): Promise<number> {
  const clock = bootTimeClock();
  const { node } = begin.options;
  const log = pino(
    {
      base: { part: 'agent', node },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    pino.destination({ dest: 2, sync: true }),
  );
  const parsed = parseConfig(begin.configText);
  if (!parsed.ok) {
    const file = begin.options.configFile;
    for (const fault of parsed.faults) process.stderr.write(`${file}:${faultText(fault)}\n`);
    return EXIT.badConfig;
  }
  const agent = new Agent(begin, parsed.config, {
    log,
    membershipEntry: fileURLToPath(new URL('./membership.js', import.meta.url)),
    claimHost,
    tunName,
    lockRunDir,
    listen: (runDir, handler) => listen(runDir, handler, socketAccess()),
    listenToConsole: (directory, handler) =>
      listen(directory, handler, { ...socketAccess(), groupId: null, isConsole: true }),
    nowMs: () => clock.nowMs(),
    openPing,
    openReach,
    openOperations,
    countConnections,
    resetConnections,
    makeConsolePlace: (runDir) => makeConsolePlace(runDir, stateHomeOf(runDir, process.env.STATE_DIRECTORY)),
    hasConsolePlace,
    giveToConsole,
    live: liveParts(begin),
    sender,
    tellSupervisor,
  });
  process.on('message', (order: SupervisorOrder) => {
    if (order.type === 'shutdown') agent.shutdown(order.how);
    else agent.reload().catch((error: Error) => log.error({ error: error.message }, 'config not reloaded'));
  });
  process.on('disconnect', () => {
    log.error({}, 'the supervisor is gone: leaving');
    agent.shutdown('drain');
  });
  try {
    return await agent.run();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    log.fatal({ error: message, kind: error instanceof Error ? error.name : 'unknown' }, 'the node cannot run');
    tellSupervisor({ type: 'failed', message, exitCode: EXIT.error });
    return EXIT.error;
  }
}
