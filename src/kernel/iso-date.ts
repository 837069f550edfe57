import { type Instant, instant } from './clock.ts';

/** A date or a point in time in an ISO 8601 text of another system. */
export interface IsoDate {
  readonly at: Instant;
  /** True when the text has a day and no time; `at` is then the start of the day. */
  readonly isDay: boolean;
}

/** The whole text must match, because `Date.parse` also accepts other formats and reads them in the machine's time zone. */
const ISO_DATE = /^(\d{4}-\d{2}-(\d{2}))(?:[Tt ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)([Zz]|([+-]\d{2}):?(\d{2})?)?)?$/;

/** Parses a date; undefined when the text is not one. A text without a zone is UTC, as Java writes dates. */
export function parseIsoDate(text: string): IsoDate | undefined {
  const [, date = '', day = '', time, , zoneHours, zoneMinutes = '00'] = ISO_DATE.exec(text) ?? [];
  const zone = zoneHours === undefined ? 'Z' : `${zoneHours}:${zoneMinutes}`;
  const at = Date.parse(`${date}T${time ?? '00:00'}${zone}`);
  // `Date` reads the 30th of February as the 2nd of March.
  const isInMonth = new Date(`${date}T00:00Z`).getUTCDate() === Number(day);
  return Number.isNaN(at) || !isInMonth ? undefined : { at: instant(at), isDay: time === undefined };
}

/** The point in time of a text of another system, the start of the day for a date; undefined when it is neither. */
export function readInstant(text: string): Instant | undefined {
  return parseIsoDate(text)?.at;
}
