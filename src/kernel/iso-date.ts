import { type Instant, instant } from './clock.ts';

/** A date as other systems write it. */
export interface IsoDate {
  readonly at: Instant;
  /** The text named a day and no time; `at` is its first moment. */
  readonly isDay: boolean;
}

/** ISO 8601: a day, or a moment. Matched whole, because `Date.parse` takes other texts, in the machine's own zone. */
const ISO_DATE =
  /^(\d{4}-\d{2}-(\d{2}))(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:?\d{2})?)?$/;

/** The date in the text; undefined when it is none. Without a zone it is UTC, which is how Java writes such dates. */
export function parseIsoDate(text: string): IsoDate | undefined {
  const [, date = '', day = '', time, zone = 'Z'] = ISO_DATE.exec(text) ?? [];
  const at = Date.parse(`${date}T${time ?? '00:00'}${zone}`);
  // `Date` takes the 30th of February for the 2nd of March.
  const isInMonth = new Date(`${date}T00:00Z`).getUTCDate() === Number(day);
  return Number.isNaN(at) || !isInMonth ? undefined : { at: instant(at), isDay: time === undefined };
}
