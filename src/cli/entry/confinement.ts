/**
 * What a console is started through: setpriv(1) of util-linux. The process has to begin as root where its files can be read by root alone,
 * and gives up the user itself; but it begins with the few powers that taking its place needs, and can never get another one.
 */
import { readFileSync } from 'node:fs';

const CAP_SETPCAP = 8n;
/** To own the place that it makes, wherever the run directory and the program lie, and to become another user. */
const TO_TAKE_ITS_PLACE = ['chown', 'dac_override', 'fowner', 'setgid', 'setuid'] as const;

export interface Launcher {
  readonly execPath: string;
  readonly execArgv: readonly string[];
}

/** For fork(): the module's interpreter, confined. */
export const confinedNode = (): Launcher => ({
  execPath: 'setpriv',
  execArgv: [...confinement(readFileSync('/proc/self/status', 'utf8')), process.execPath],
});

/**
 * `status`: of proc(5), of the process that starts it. A child of the unit's user would else keep CAP_NET_RAW and CAP_NET_ADMIN, which are
 * ambient there. Without CAP_SETPCAP the bounding set stays, and no_new_privs alone keeps what is in it out of reach.
 */
export function confinement(status: string): readonly string[] {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  const mayBound = ((effective >> CAP_SETPCAP) & 1n) === 1n;
  const bounding = ['-all', ...TO_TAKE_ITS_PLACE.map((name) => `+${name}`)].join(',');
  const common = ['--no-new-privs', '--inh-caps=-all', '--ambient-caps=-all'];
  return [...common, ...(mayBound ? [`--bounding-set=${bounding}`] : []), '--'];
}
