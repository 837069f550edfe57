import { AppError } from '../../kernel/errors.ts';
import type { EventId, OrganizationId, SessionId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { SeatingServices } from '../seats/index.ts';
import { discountDaysOf, type Scope, sessionsOf, sumsIn } from './figures.store.ts';
import { type DiscountDay, type Figures, figuresOfEach, type SessionFigures, toFigures } from './figures.ts';
import { readTimeZone, type TimeZone } from './time-zones.ts';

/**
 * What organisers see of their sales, for nobody else: each throws `forbidden` unless the seating service says that all
 * of it is the caller's, before anything is read. `zone` decides where days begin; an unknown one is `invalid_request`.
 */
export interface AnalyticsService {
  event(eventId: EventId, zone: string, who: Principal): Promise<Figures>;
  session(eventId: EventId, sessionId: SessionId, zone: string, who: Principal): Promise<Figures>;
  sessions(eventId: EventId, who: Principal): Promise<SessionFigures[]>;
  discounts(eventId: EventId, zone: string, who: Principal): Promise<DiscountDay[]>;
  /** All the events added up. */
  together(eventIds: readonly EventId[], zone: string, who: Principal): Promise<Figures>;
  /** Each of the events by itself. */
  each(eventIds: readonly EventId[], zone: string, who: Principal): Promise<ReadonlyMap<EventId, Figures>>;
  organization(organizationId: OrganizationId, zone: string, who: Principal): Promise<Figures>;
}

export interface AnalyticsServiceOptions {
  readonly database: Database;
  readonly seating: Ownership;
  readonly currency: Currency;
}

/** The part of the seating services that says what is whose. */
export type Ownership = Pick<
  SeatingServices,
  'ownsEvent' | 'ownsSession' | 'ownsAllEvents' | 'ownsOrganization'
>;

export function createAnalyticsService(options: AnalyticsServiceOptions): AnalyticsService {
  const { database, seating } = options;

  async function sums(scope: Scope, zone: string) {
    return sumsIn(database, scope, zoneOrFail(zone));
  }

  return {
    async event(eventId, zone, who) {
      await refuseUnless(seating.ownsEvent(eventId, who.userId));
      return toFigures(await sums({ of: 'together', eventIds: [eventId] }, zone));
    },
    async session(eventId, sessionId, zone, who) {
      const owned = [seating.ownsEvent(eventId, who.userId), seating.ownsSession(sessionId, who.userId)];
      await refuseUnless(Promise.all(owned).then((all) => all.every(Boolean)));
      return toFigures(await sums({ of: 'session', eventIds: [eventId], sessionId }, zone));
    },
    async sessions(eventId, who) {
      await refuseUnless(seating.ownsEvent(eventId, who.userId));
      return sessionsOf(database, eventId);
    },
    async discounts(eventId, zone, who) {
      await refuseUnless(seating.ownsEvent(eventId, who.userId));
      return discountDaysOf(database, eventId, zoneOrFail(zone));
    },
    async together(eventIds, zone, who) {
      await refuseUnless(seating.ownsAllEvents(eventIds, who.userId));
      return toFigures(await sums({ of: 'together', eventIds }, zone));
    },
    async each(eventIds, zone, who) {
      await refuseUnless(seating.ownsAllEvents(eventIds, who.userId));
      return figuresOfEach(eventIds, await sums({ of: 'each', eventIds }, zone));
    },
    async organization(organizationId, zone, who) {
      await refuseUnless(seating.ownsOrganization(organizationId, who.userId));
      return toFigures(await sums({ of: 'organization', organizationId }, zone));
    },
  };
}

/** Throws `forbidden` unless it is the caller's. */
export async function refuseUnless(isOwner: Promise<boolean>): Promise<void> {
  if (!(await isOwner)) throw new AppError('forbidden', 'This is for the organiser it belongs to.');
}

function zoneOrFail(name: string): TimeZone {
  const zone = readTimeZone(name);
  if (!zone) throw noSuchZone(name);
  return zone;
}

function noSuchZone(zone: string): AppError {
  const reason = `there is no time zone of a place named ${zone}; name one such as Asia/Colombo, or UTC`;
  return new AppError('invalid_request', `querystring/tz: ${reason}`, {
    fields: [{ field: 'querystring/tz', reason }],
  });
}
