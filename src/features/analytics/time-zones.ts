import { type Instant, MS_PER_DAY, MS_PER_MINUTE } from '../../kernel/clock.ts';

/** The offset of every time zone since 1972 is a multiple of this, so that days of any are made of it. */
const QUARTER_HOUR_MS = 15 * MS_PER_MINUTE;
export const QUARTER_HOURS_PER_DAY = 96;

/** In which quarter of an hour a moment is, counted from 1970 in UTC. */
export function quarterHourOf(at: Instant): number {
  return Math.floor(at / QUARTER_HOUR_MS);
}

/**
 * A time zone as its offsets, in quarters of an hour: from `starts[i]` on it is `offsets[i]` ahead of UTC, before the first
 * it is `offsets[0]`, too.
 */
export interface TimeZone {
  readonly starts: readonly number[];
  readonly offsets: readonly number[];
}

/** `UTC`, or the name of a place in the IANA database: offsets and abbreviations mean other things elsewhere. */
const ZONE = /^(UTC|[A-Za-z_]+(\/[A-Za-z0-9_+-]+){1,2})$/;
const FIRST = '1972-01-01T00:00Z';
/** Changes of the clock after it are not foreseen. */
const LAST_YEAR = 2100;

/** The offsets of a zone by its IANA name; undefined when there is none of this name. */
export function readTimeZone(name: string): TimeZone | undefined {
  if (!ZONE.test(name)) return undefined;
  try {
    return offsetsFrom(Temporal.Instant.from(FIRST).toZonedDateTimeISO(name));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function offsetsFrom(first: Temporal.ZonedDateTime): TimeZone {
  const starts: number[] = [];
  const offsets: number[] = [];
  let at: Temporal.ZonedDateTime | null = first;
  while (at !== null && at.year <= LAST_YEAR) {
    starts.push(Math.floor(at.epochMilliseconds / QUARTER_HOUR_MS));
    offsets.push(Math.round(at.offsetNanoseconds / (QUARTER_HOUR_MS * NANOSECONDS_PER_MS)));
    at = at.getTimeZoneTransition('next');
  }
  return { starts, offsets };
}

const NANOSECONDS_PER_MS = 1_000_000;

/** A day counted from 1970 as `YYYY-MM-DD`. */
export function dateOfDay(day: number): string {
  const iso = new Date(day * MS_PER_DAY).toISOString();
  return iso.slice(0, iso.indexOf('T'));
}
