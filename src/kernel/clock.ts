declare const instantBrand: unique symbol;

/** A point in time: whole milliseconds since the Unix epoch. */
export type Instant = number & { readonly [instantBrand]: true };

/** Source of the current time; passed in, so that tests and the simulator control it. */
export interface Clock {
  now(): Instant;
}

export function instant(epochMilliseconds: number): Instant {
  return epochMilliseconds as Instant;
}

/** The time `milliseconds` after `from` (before it when negative). */
export function later(from: Instant, milliseconds: number): Instant {
  return (from + milliseconds) as Instant;
}

/** Whether periodic work is due. A `next` further ahead than `everyMs` dates from before the clock was set back. */
export function isDue(now: Instant, next: Instant, everyMs: number): boolean {
  return now >= next || next - now > everyMs;
}

/** RFC 3339 in UTC, with milliseconds. */
export function toRfc3339(at: Instant): string {
  return new Date(at).toISOString();
}

export const MS_PER_SECOND = 1_000;
export const MS_PER_MINUTE = 60_000;
export const MS_PER_HOUR = 3_600_000;
export const MS_PER_DAY = 86_400_000;
