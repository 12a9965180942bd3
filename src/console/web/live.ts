/** What the page knows, kept fresh by server-sent events, and how old it is. */
import { useEffect, useReducer, useRef } from 'preact/hooks';
import {
  type BucketsReport,
  type EventReport,
  type Frame,
  type Role,
  STALE_AFTER_MS,
  type TrafficReport,
  type TrafficSecond,
} from '../contract.js';
import { ask } from './api.js';
import { appended } from './series.js';

export interface Farm {
  readonly frame: Frame | null;
  readonly buckets: BucketsReport | null;
  readonly events: readonly EventReport[];
  readonly traffic: TrafficReport;
  /** The server is connected. */
  readonly connected: boolean;
  /** ms since the newest frame came; null: none came. */
  readonly silentMs: number | null;
  /** Of who looks, by the stream; null: it has not said it yet. */
  readonly role: Role | null;
  /** The session is over. */
  readonly over: boolean;
}

const NOTHING: Farm = {
  frame: null,
  buckets: null,
  events: [],
  traffic: { times: [], nodes: {} },
  connected: false,
  silentMs: null,
  role: null,
  over: false,
};
const MOST_EVENTS = 500;
/** As many of the stream's seconds as may come while the server's report of the hour is on its way. */
const MOST_UNDER_WAY = 30;
const LOOK_EVERY_MS = 250;

/** Null: there is none. `partMs`: its age when the newest frame was sent. */
export function ageOfPart({ silentMs }: Farm, partMs: number | null | undefined): number | null {
  return silentMs === null || partMs === null || partMs === undefined ? null : partMs + silentMs;
}

/** How old what is shown is, in ms: the way from the agent to the server, and from the server to here. */
export function ageOf(farm: Farm): number | null {
  return ageOfPart(farm, farm.frame?.statusAgeMs);
}

export const isStale = (farm: Farm) => {
  const age = ageOf(farm);
  return age === null || age > STALE_AFTER_MS;
};

export function useFarm(loggedIn: boolean): Farm {
  const farm = useRef(NOTHING);
  const heardMs = useRef<number | null>(null);
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    if (!loggedIn) return;
    farm.current = NOTHING;
    const set = (change: Partial<Farm>) => {
      farm.current = { ...farm.current, ...change };
      redraw(undefined);
    };
    // Also after a pause: the server has the seconds that were missed here.
    const loadTraffic = () =>
      ask<TrafficReport>('GET', '/traffic')
        .then((traffic) => set({ traffic: underWay.reduce(appended, traffic) }))
        .catch(() => undefined);
    let underWay: readonly TrafficSecond[] = [];
    let source = open();
    function open(): EventSource {
      const events = new EventSource('/api/v1/live');
      events.addEventListener('open', () => {
        set({ connected: true });
        void loadTraffic();
      });
      events.addEventListener('error', () => {
        set({ connected: false });
        // A browser gives up after an answer that is no stream; a console that comes back must be found again.
        if (events.readyState === EventSource.CLOSED) void retry();
      });
      events.addEventListener('frame', ({ data }) => {
        const frame = JSON.parse(data as string) as Frame;
        heardMs.current = performance.now();
        set({ frame, connected: true, silentMs: 0 });
      });
      events.addEventListener('traffic', ({ data }) => {
        const seconds = JSON.parse(data as string) as TrafficSecond[];
        underWay = [...underWay, ...seconds].slice(-MOST_UNDER_WAY);
        set({ traffic: seconds.reduce(appended, farm.current.traffic) });
      });
      events.addEventListener('buckets', ({ data }) => set({ buckets: JSON.parse(data as string) as BucketsReport }));
      events.addEventListener('events', ({ data }) => {
        const fresh = JSON.parse(data as string) as EventReport[];
        const newest = farm.current.events.at(-1)?.seq ?? 0;
        // A lower number than known, and nothing above: the node's run directory was emptied, and its events begin anew.
        const begunAnew = (fresh.at(-1)?.seq ?? newest) < newest;
        const added = begunAnew ? fresh : fresh.filter(({ seq }) => seq > newest);
        set({ events: [...(begunAnew ? [] : farm.current.events), ...added].slice(-MOST_EVENTS) });
      });
      events.addEventListener('role', ({ data }) => set({ role: (JSON.parse(data as string) as { role: Role }).role }));
      events.addEventListener('over', () => set({ over: true }));
      return events;
    }
    let retrying: ReturnType<typeof setTimeout> | undefined;
    async function retry(): Promise<void> {
      const isOver = await ask('GET', '/session')
        .then(() => false)
        .catch((error: { status: number }) => error.status === 401);
      if (isOver) return set({ over: true });
      retrying = setTimeout(() => {
        source = open();
      }, 1000);
    }
    const timer = setInterval(() => {
      if (heardMs.current !== null) set({ silentMs: performance.now() - heardMs.current });
    }, LOOK_EVERY_MS);
    return () => {
      clearInterval(timer);
      clearTimeout(retrying);
      source.close();
    };
  }, [loggedIn]);
  return farm.current;
}
