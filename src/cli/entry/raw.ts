/** Entry of the process that holds `cap`, forked by the agent. */
import { RawChild } from '../../platform/raw/child.js';
import type { RawOrder } from '../../platform/raw/contract.js';

const child = new RawChild({
  report: (report) => {
    if (process.connected) process.send!(report);
  },
});

// Signals of a terminal or a service manager reach the whole process group; what ends this process is the agent's end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('message', (order: RawOrder) => child.obey(order));
process.on('disconnect', () => process.exit(0));
