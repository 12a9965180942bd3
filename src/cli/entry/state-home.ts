/** Where this host keeps what must outlive a boot. */
import { resolve } from 'node:path';
import { DEFAULT_RUN_DIR } from '../../control/contract.js';

/** Of the installed node, whose run directory is the default one; the unit's StateDirectory= is the same. */
export const DEFAULT_STATE_HOME = '/var/lib/covey';

/**
 * Null: only the run directory, which labs and several nodes on one host have each to itself. A service manager names a place
 * (systemd.exec(5), StateDirectory=); of several the first.
 */
export function stateHomeOf(runDir: string, named: string | undefined): string | null {
  const first = named?.split(':')[0];
  if (first !== undefined && first !== '') return first;
  return resolve(runDir) === DEFAULT_RUN_DIR ? DEFAULT_STATE_HOME : null;
}
