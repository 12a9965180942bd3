/** From a checker's config to its check. */
import type { Checker } from '../../config/contract.js';
import type { Probe } from '../contract.js';
import {
  diskProbe,
  execProbe,
  interfaceProbe,
  loadProbe,
  processProbe,
  type RunProgram,
  type ShowInterface,
} from './host.js';
import { httpProbe } from './http.js';
import { type Ping, pingProbe, tcpProbe, udpProbe } from './network.js';

export interface ProbeParts {
  readonly run: RunProgram;
  readonly showInterface: ShowInterface;
  readonly ping: Ping;
  /** Of `exec` checks. */
  readonly environment: Readonly<Record<string, string>>;
}

export function probeFor(checker: Checker, parts: ProbeParts): Probe {
  switch (checker.type) {
    case 'http':
      return httpProbe(checker);
    case 'tcp':
      return tcpProbe(checker);
    case 'udp':
      return udpProbe(checker);
    case 'ping':
      return pingProbe(checker.address, checker.timeoutMs, parts.ping);
    case 'process':
      return processProbe(checker);
    case 'interface':
      return interfaceProbe(checker.interface, checker.address, parts.showInterface);
    case 'disk':
      return diskProbe(checker.path, checker.freePercent);
    case 'load':
      return loadProbe(checker.max);
    case 'exec':
      return execProbe(
        checker.command,
        checker.timeoutMs,
        { ...parts.environment, COVEY_CHECKER: checker.name },
        parts.run,
      );
    case 'custom':
      // A script says how it is; nobody looks.
      return async () => ({ ok: null, detail: 'only a script can say' });
  }
}
