/**
 * What a service manager is told, by the protocol of sd_notify(3): datagrams of `NAME=value` lines to the socket in NOTIFY_SOCKET.
 * Without one every word is for nobody, and that is no error.
 */
export interface ServiceManager {
  /** Never throws: a manager that does not listen has its own way to find out, the watchdog. */
  tell(state: Readonly<Record<string, string | number>>): void;
  /** It wants to hear `WATCHDOG=1` more often than this; null: it has no watchdog. */
  readonly watchdogMs: number | null;
  /** Somebody is told at all. */
  readonly isThere: boolean;
}

export interface ServiceManagerParts {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** Throws when it cannot be sent. */
  readonly send: (path: string, text: string) => void;
  /** Hears of the first failure only: what is wrong with the socket stays wrong. */
  readonly failed: (why: string) => void;
}

export function serviceManager({ environment, pid, send, failed }: ServiceManagerParts): ServiceManager {
  const path = environment.NOTIFY_SOCKET ?? '';
  let hasFailed = false;
  return {
    isThere: path !== '',
    watchdogMs: path === '' ? null : watchdogOf(environment, pid),
    tell(state) {
      if (path === '') return;
      try {
        send(path, notification(state));
      } catch (error) {
        if (!hasFailed) failed(error instanceof Error ? error.message : String(error));
        hasFailed = true;
      }
    },
  };
}

/** One line each; a line end in a value would begin another assignment. */
function notification(state: Readonly<Record<string, string | number>>): string {
  return Object.entries(state)
    .map(([name, value]) => `${name}=${String(value).replaceAll(/\s+/g, ' ')}`)
    .join('\n');
}

/** sd_watchdog_enabled(3): meant for the process that WATCHDOG_PID names, or for any. */
function watchdogOf(
  { WATCHDOG_USEC, WATCHDOG_PID }: Readonly<Record<string, string | undefined>>,
  pid: number,
): number | null {
  const microseconds = Number(WATCHDOG_USEC);
  const isOurs = (WATCHDOG_PID ?? '') === '' || Number(WATCHDOG_PID) === pid;
  return isOurs && Number.isFinite(microseconds) && microseconds > 0 ? microseconds / 1000 : null;
}
