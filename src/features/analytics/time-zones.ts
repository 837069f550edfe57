import { type Instant, MS_PER_DAY, MS_PER_MINUTE } from '../../kernel/clock.ts';

/** All zone offsets since 1972 are multiples of a quarter of an hour, so sums by quarter give days of any zone. */
const QUARTER_HOUR_MS = 15 * MS_PER_MINUTE;
export const QUARTER_HOURS_PER_DAY = 96;

/** The quarter of an hour that contains a moment, counted from 1970 in UTC. */
export function quarterHourOf(at: Instant): number {
  return Math.floor(at / QUARTER_HOUR_MS);
}

/**
 * A time zone's offsets in quarters of an hour: from `starts[i]` on it is `offsets[i]` ahead of UTC. Before `starts[0]` it
 * is `offsets[0]` ahead.
 */
export interface TimeZone {
  readonly starts: readonly number[];
  readonly offsets: readonly number[];
}

/** `UTC` or an IANA place name. Offsets and abbreviations are refused, because other software reads them differently. */
const ZONE = /^(UTC|[A-Za-z_]+(\/[A-Za-z0-9_+-]+){1,2})$/;
const FIRST = '1972-01-01T00:00Z';
/** Later clock changes are ignored. */
const LAST_YEAR = 2100;

/** The offsets of the zone with this IANA name, or undefined. */
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

/** The date `YYYY-MM-DD` of a day counted from 1970. */
export function dateOfDay(day: number): string {
  const iso = new Date(day * MS_PER_DAY).toISOString();
  return iso.slice(0, iso.indexOf('T'));
}
