/** How fast places become free, measured on the requests that left one. All times are monotonic milliseconds. */
export interface Pace {
  /** Smoothed time from taking a place to leaving it; 0 before the first measurement. */
  readonly serviceMs: number;
  /** When a place last became free, or when all places were taken. */
  readonly movedAtMs: number;
}

/** Weight of the newest measurement. It is small, so that quick refusals and slow orders both show in their proportion. */
const WEIGHT = 1 / 64;

export const UNKNOWN_PACE: Pace = { serviceMs: 0, movedAtMs: 0 };

/** All places are taken from `nowMs` on; the time before says nothing about how fast the queue moves. */
export function fullSince(pace: Pace, nowMs: number): Pace {
  return { ...pace, movedAtMs: nowMs };
}

/** A request left its place after `tookMs`. */
export function served(pace: Pace, tookMs: number, nowMs: number): Pace {
  const serviceMs = pace.serviceMs === 0 ? tookMs : pace.serviceMs + (tookMs - pace.serviceMs) * WEIGHT;
  return { serviceMs, movedAtMs: nowMs };
}

/**
 * Expected wait in milliseconds of a request with `ahead` requests before it while all `places` are taken: one service time
 * for each `places` of them, plus the time by which the next free place is overdue, because a queue that is stuck gives no
 * other sign of when it will move.
 */
export function expectedWaitMs(pace: Pace, places: number, ahead: number, nowMs: number): number {
  const stuckMs = Math.max(0, nowMs - pace.movedAtMs - pace.serviceMs);
  return ((ahead + 1) * pace.serviceMs) / places + stuckMs;
}
