/** Ctrl-C and its kin while a lab is built or shown: the first ends the work, none ends the clean-up after it. */
import type { EventEmitter } from 'node:events';
import { LabError } from './names.js';

export interface Interruption {
  /** Aborted by the first signal, with a {@link LabError} that says what has become of the lab. */
  readonly signal: AbortSignal;
  /** From now on signals do what they always do. */
  readonly done: () => void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** `say` is told, at each signal, that the clean-up is under way. `source` is a parameter for tests alone. */
export function interruption(say: (line: string) => void, source: EventEmitter = process): Interruption {
  const controller = new AbortController();
  const onSignal = (): void => {
    say('cleaning up, one moment');
    controller.abort(new LabError('interrupted; the lab is removed'));
  };
  for (const name of SIGNALS) source.on(name, onSignal);
  const done = (): void => {
    for (const name of SIGNALS) source.off(name, onSignal);
  };
  return { signal: controller.signal, done };
}
