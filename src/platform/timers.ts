/** Time as services and checkers use it: the real one, or in tests one that is turned by hand. */
export interface Timers {
  /** ms, monotonic; its origin means nothing. */
  nowMs(): number;
  /** Calls `then` once, after `ms`, unless the returned function is called before. */
  after(ms: number, then: () => void): () => void;
}

export const realTimers: Timers = {
  nowMs: () => performance.now(),
  after(ms, then) {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
};
