import { type Instant, later, MS_PER_DAY } from '../../kernel/clock.ts';
import { parseIsoDate } from '../../kernel/iso-date.ts';
import { type GeoPoint, type Session, timeOf, type VenueEvent } from './venue.model.ts';

const EARTH_RADIUS_KM = 6_371;
/** Half of the Earth's circumference: the maximum distance of two places. */
const MAX_RADIUS_KM = 20_038;
/** Default radius around a position. */
const DEFAULT_RADIUS_KM = 50;
const MAX_PRICE = 1_000_000_000_000;

/** Query parameters as text; an empty text means that the parameter is not set. */
export type Asked<Name extends string> = Readonly<Partial<Record<Name, string>>>;

/** A range of times that includes both ends. */
export interface DateRange {
  readonly from: Instant | undefined;
  readonly to: Instant | undefined;
}

/** The conditions of a search; undefined means no condition. */
export interface EventSearch {
  readonly term: string;
  readonly categoryId: string | undefined;
  readonly near: { readonly longitude: number; readonly latitude: number; readonly radiusKm: number } | undefined;
  readonly dates: DateRange;
  readonly priceMin: number | undefined;
  readonly priceMax: number | undefined;
}

/** An invalid parameter; the message is for the caller. */
export class BadParameter extends Error {
  readonly statusCode = 400;
}

type Place = 'longitude' | 'latitude' | 'radiusKm';
type Span = 'dateFrom' | 'dateTo' | 'priceMin' | 'priceMax';

/** Converts the parameters to a search. Throws `BadParameter`. */
export function readSearch(asked: Asked<'searchTerm' | 'categoryId' | Place | Span>): EventSearch {
  const longitude = readNumber('longitude', asked.longitude, -180, 180);
  const latitude = readNumber('latitude', asked.latitude, -90, 90);
  const radiusKm = readNumber('radiusKm', asked.radiusKm, 0, MAX_RADIUS_KM) ?? DEFAULT_RADIUS_KM;
  if ((longitude === undefined) !== (latitude === undefined)) {
    throw new BadParameter('longitude and latitude belong together: send both or neither.');
  }
  return {
    term: (asked.searchTerm ?? '').trim().toLowerCase(),
    categoryId: asked.categoryId || undefined,
    near: longitude === undefined || latitude === undefined ? undefined : { longitude, latitude, radiusKm },
    dates: readDates(asked, 'dateFrom', 'dateTo'),
    priceMin: readNumber('priceMin', asked.priceMin, 0, MAX_PRICE),
    priceMax: readNumber('priceMax', asked.priceMax, 0, MAX_PRICE),
  };
}

/** The range between two dates. A day at its end is included completely. Throws `BadParameter`. */
export function readDates<From extends string, To extends string>(
  asked: Asked<From | To>,
  fromName: From,
  toName: To,
): DateRange {
  const from = readDate(fromName, asked[fromName]);
  const to = readDate(toName, asked[toName]);
  return { from: from?.at, to: to?.isDay ? later(to.at, MS_PER_DAY - 1) : to?.at };
}

function readDate(name: string, text: string | undefined) {
  if (!text) return undefined;
  const date = parseIsoDate(text);
  if (date) return date;
  throw new BadParameter(`${name} is not a date: write 2026-12-15 or 2026-12-15T19:30:00Z.`);
}

/** Numbers as JavaScript writes them; small ones have an exponent. */
const DECIMAL = /^-?\d{1,15}(?:\.\d{1,20})?(?:e-?\d{1,2})?$/;

function readNumber(name: string, text: string | undefined, least: number, most: number): number | undefined {
  if (!text) return undefined;
  const number = DECIMAL.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new BadParameter(`${name} is not a number from ${least} to ${most}.`);
}

/** Whether a session starts in the range. */
export function isWithin({ startTime }: Session, { from, to }: DateRange): boolean {
  const start = timeOf(startTime);
  return (from === undefined || start >= from) && (to === undefined || start <= to);
}

/** Whether an event matches; date and place must match for the same session. */
export function isFound(event: VenueEvent, search: EventSearch): boolean {
  const { term, categoryId, near, dates, priceMin = 0, priceMax = MAX_PRICE } = search;
  const { category } = event;
  const asksOfSessions = near !== undefined || dates.from !== undefined || dates.to !== undefined;
  return (
    `${event.title} ${event.overview}`.toLowerCase().includes(term) &&
    (categoryId === undefined || category.id === categoryId || category.parent?.id === categoryId) &&
    event.tiers.some(({ price }) => price >= priceMin && price <= priceMax) &&
    (!asksOfSessions ||
      event.sessions.some(
        (session) => isWithin(session, dates) && (near === undefined || isNear(session.venueDetails.location, near)),
      ))
  );
}

function isNear(location: GeoPoint | undefined, near: NonNullable<EventSearch['near']>): boolean {
  return location !== undefined && distanceKm(location.coordinates, near) <= near.radiusKm;
}

/** The great-circle distance, by the haversine formula. */
export function distanceKm(
  [longitude, latitude]: GeoPoint['coordinates'],
  to: { readonly longitude: number; readonly latitude: number },
): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const halfSine = (degrees: number) => Math.sin(radians(degrees) / 2) ** 2;
  const chord =
    halfSine(to.latitude - latitude) +
    Math.cos(radians(latitude)) * Math.cos(radians(to.latitude)) * halfSine(to.longitude - longitude);
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(chord)));
}

type SortKey<Item> = (item: Item, isDescending: boolean) => string | number;

const startsOf = ({ sessions }: VenueEvent) => sessions.map(({ startTime }) => timeOf(startTime));

/** Sort keys of events. With several sessions the first one counts, in descending order the last one, as in MongoDB. */
export const EVENT_SORT_KEYS: Readonly<Record<string, SortKey<VenueEvent>>> = {
  'sessions.startTime': (event, isDescending) =>
    isDescending ? Math.max(...startsOf(event)) : Math.min(...startsOf(event)),
  title: ({ title }) => title,
  startingPrice: ({ tiers }) => Math.min(...tiers.map(({ price }) => price)),
};

export const SESSION_SORT_KEYS: Readonly<Record<string, SortKey<Session>>> = {
  startTime: ({ startTime }) => startTime,
  endTime: ({ endTime }) => endTime,
  salesStartTime: ({ salesStartTime }) => salesStartTime,
  status: ({ status }) => status,
};

/**
 * Sorts by `field,asc` or `field,desc`. An unknown field leaves the order unchanged: the platform's service accepts any name,
 * and pages send names that do not exist.
 */
export function sortedBy<Item>(
  items: readonly Item[],
  sort: string | undefined,
  keys: Readonly<Record<string, SortKey<Item>>>,
): readonly Item[] {
  const [field = '', direction = 'asc'] = (sort ?? '').split(',');
  const key = Object.hasOwn(keys, field) ? keys[field] : undefined;
  if (!key) return items;
  const isDescending = direction.toLowerCase() === 'desc';
  const sign = isDescending ? -1 : 1;
  return items.toSorted((one, other) => {
    const [a, b] = [key(one, isDescending), key(other, isDescending)];
    return a === b ? 0 : sign * (a < b ? -1 : 1);
  });
}
