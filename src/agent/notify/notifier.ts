/** Tells each event of the timeline to those whose `notify` asks for its kind. */
import type { Config, Notify } from '../../config/contract.js';
import { matchesKind } from '../../config/event-kinds.js';
import type { TimelineEvent } from '../timeline.js';
import type { Notification, NotifyReport } from './contract.js';
import { Outbox, type OutboxParts } from './outbox.js';

/** Its own troubles are in log and status: told by notifications they would feed themselves. */
export const OUTAGE_EVENT = 'notify-failed';
export const RECOVERY_EVENT = 'notify-restored';

export class Notifier {
  readonly #parts: OutboxParts;
  #outboxes: readonly Outbox[] = [];
  #farm = '';

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  /** What a target has waiting stays when the target stays as it is. */
  configure({ farm, notify }: Pick<Config, 'farm' | 'notify'>): void {
    this.#farm = farm;
    const before = new Map(this.#outboxes.map((outbox) => [JSON.stringify(outbox.target), outbox]));
    this.#outboxes = notify.map((target) => {
      const id = JSON.stringify(target);
      const known = before.get(id);
      before.delete(id);
      return known ?? new Outbox(target, this.#parts);
    });
    for (const gone of before.values()) gone.close();
  }

  offer(event: TimelineEvent): void {
    if (event.event === OUTAGE_EVENT || event.event === RECOVERY_EVENT) return;
    for (const outbox of this.#outboxes) {
      if (isWanted(outbox.target, event)) outbox.put(notification(this.#farm, event));
    }
  }

  reports(): readonly NotifyReport[] {
    return this.#outboxes.map((outbox) => outbox.report());
  }

  /** Lets what is under way arrive, for at most `waitMs`, and ends. */
  async close(waitMs: number): Promise<void> {
    const settled = Promise.all(this.#outboxes.map((outbox) => outbox.settled()));
    let cancel = () => {};
    const impatience = new Promise<void>((done) => {
      cancel = this.#parts.later(waitMs, done);
    });
    await Promise.race([settled, impatience]);
    cancel();
    for (const outbox of this.#outboxes) outbox.close();
  }
}

export function isWanted(
  { events }: Pick<Notify, 'events'>,
  { event, fields }: Pick<TimelineEvent, 'event' | 'fields'>,
): boolean {
  return events.some((pattern) => matchesKind(pattern, event, fields));
}

export function notification(farm: string, { node, event, at, seq, fields }: TimelineEvent): Notification {
  const words = Object.entries(fields).map(([name, value]) => `${name}=${wordOf(value)}`);
  const text = [`${farm}/${node}: ${event}`, ...words].join(' ');
  return { version: 1, farm, node, event, at, seq, fields, text };
}

function wordOf(value: unknown): string {
  const text = typeof value === 'string' && /^\S+$/.test(value) ? value : (JSON.stringify(value) ?? 'undefined');
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}

/** What status says of targets that do not take what they are sent. */
export function notifyWarnings(reports: readonly NotifyReport[]): readonly string[] {
  return reports
    .filter(({ error }) => error !== '')
    .map(({ target, error, waiting, lost }) => {
      const counts = `${waiting} waiting, ${lost} lost`;
      return `notifications by ${target} do not arrive (${counts}): ${error}`;
    });
}
