/** The console's way into the agent: a socket of its own, made when someone wants it, once for the agent's whole life. */
import type { DoorReport } from '../control/console-contract.js';
import type { ControlHandler } from '../control/contract.js';
import { ControlError } from '../control/errors.js';

/** A directory that belongs to the console's user. */
export type ConsolePlace = Omit<DoorReport, 'version'>;

export interface ConsoleDoorParts {
  /** Makes the console's directory below the run directory. */
  readonly makeConsolePlace: (runDir: string) => ConsolePlace;
  readonly hasConsolePlace: (runDir: string) => boolean;
  readonly giveToConsole: (place: ConsolePlace, path: string) => void;
  /** Listens for a console, which does what its own users may: the socket is its user's alone. */
  readonly listenToConsole: (
    runDir: string,
    handler: ControlHandler,
  ) => Promise<{ readonly socketPath: string; close(): Promise<void> }>;
}

export class ConsoleDoor {
  readonly #runDir: string;
  readonly #parts: ConsoleDoorParts;
  #opened: Promise<DoorReport> | null = null;
  #close: () => Promise<void> = async () => undefined;

  constructor(runDir: string, parts: ConsoleDoorParts) {
    this.#runDir = runDir;
    this.#parts = parts;
  }

  /** True when a console used it before: one that runs still finds its way again by it. */
  get wasUsed(): boolean {
    return this.#parts.hasConsolePlace(this.#runDir);
  }

  /** @throws {@link ControlError} `refused` when its directory cannot be made; the next call tries again. */
  open(control: ControlHandler): Promise<DoorReport> {
    this.#opened ??= this.#make(control).catch((cause: Error) => {
      this.#opened = null;
      throw new ControlError('refused', `the console's directory cannot be made: ${cause.message}`, '', { cause });
    });
    return this.#opened;
  }

  async #make(control: ControlHandler): Promise<DoorReport> {
    const place = this.#parts.makeConsolePlace(this.#runDir);
    const server = await this.#parts.listenToConsole(place.directory, control);
    this.#close = () => server.close();
    this.#parts.giveToConsole(place, server.socketPath);
    return { version: 1, ...place };
  }

  close(): Promise<void> {
    return this.#close();
  }
}
