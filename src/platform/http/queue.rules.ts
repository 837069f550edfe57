/** How fast those who wait are served, learnt from those who were. Monotonic milliseconds. */
export interface Pace {
  /** From taking a place to leaving it, smoothed; 0 until somebody left one. */
  readonly serviceMs: number;
  /** When a place was left last, or all were taken first. */
  readonly movedAtMs: number;
}

/** How much the newest counts: little enough for refusals, which are quick, and orders to be seen in their proportion. */
const WEIGHT = 1 / 64;

export const UNKNOWN_PACE: Pace = { serviceMs: 0, movedAtMs: 0 };

/** All places are taken from now on: that none was left before says nothing. */
export function fullSince(pace: Pace, nowMs: number): Pace {
  return { ...pace, movedAtMs: nowMs };
}

/** Somebody left his place after `tookMs`. */
export function served(pace: Pace, tookMs: number, nowMs: number): Pace {
  const serviceMs = pace.serviceMs === 0 ? tookMs : pace.serviceMs + (tookMs - pace.serviceMs) * WEIGHT;
  return { serviceMs, movedAtMs: nowMs };
}

/**
 * How long somebody waits who has so many before him while all `places` are taken, in milliseconds: their turns and his
 * own, and however long nobody has moved beyond what one takes, because then it is not known when the next will.
 */
export function expectedWaitMs(pace: Pace, places: number, ahead: number, nowMs: number): number {
  const stuckMs = Math.max(0, nowMs - pace.movedAtMs - pace.serviceMs);
  return ((ahead + 1) * pace.serviceMs) / places + stuckMs;
}
