import { AppError } from '../../kernel/errors.ts';
import type { EventId, OrganizationId, SessionId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import type { Access } from '../access/index.ts';
import { discountDaysOf, type Scope, sessionsOf, sumsIn } from './figures.store.ts';
import { type DiscountDay, type Figures, figuresOfEach, type SessionFigures, toFigures } from './figures.ts';
import { readTimeZone, type TimeZone } from './time-zones.ts';

/**
 * Reads figures for the organiser they belong to and for administrators. Each method throws `forbidden` for others before
 * it reads anything, and `seating_unavailable`. `zone` decides where days start; an unknown zone is `invalid_request`.
 */
export class ReadFigures {
  readonly #database: Executor;
  readonly #access: Access;

  constructor(database: Executor, access: Access) {
    this.#database = database;
    this.#access = access;
  }

  async event(eventId: EventId, zone: string, who: Principal): Promise<Figures> {
    await this.#access.require('analytics.event', who, { event: eventId });
    return toFigures(await this.#sums({ of: 'together', eventIds: [eventId] }, zone));
  }

  async session(eventId: EventId, sessionId: SessionId, zone: string, who: Principal): Promise<Figures> {
    await this.#access.require('analytics.session', who, { event: eventId, session: sessionId });
    return toFigures(await this.#sums({ of: 'session', eventIds: [eventId], sessionId }, zone));
  }

  async sessions(eventId: EventId, who: Principal): Promise<SessionFigures[]> {
    await this.#access.require('analytics.event', who, { event: eventId });
    return sessionsOf(this.#database, eventId);
  }

  async discounts(eventId: EventId, zone: string, who: Principal): Promise<DiscountDay[]> {
    await this.#access.require('analytics.event', who, { event: eventId });
    return discountDaysOf(this.#database, eventId, requireZone(zone));
  }

  /** The figures of all the events added up. */
  async together(eventIds: readonly EventId[], zone: string, who: Principal): Promise<Figures> {
    await this.#access.require('analytics.event', who, { events: eventIds });
    return toFigures(await this.#sums({ of: 'together', eventIds }, zone));
  }

  /** The figures of each event separately. */
  async each(eventIds: readonly EventId[], zone: string, who: Principal): Promise<ReadonlyMap<EventId, Figures>> {
    await this.#access.require('analytics.event', who, { events: eventIds });
    return figuresOfEach(eventIds, await this.#sums({ of: 'each', eventIds }, zone));
  }

  async organization(organizationId: OrganizationId, zone: string, who: Principal): Promise<Figures> {
    await this.#access.require('analytics.organization', who, { organization: organizationId });
    return toFigures(await this.#sums({ of: 'organization', organizationId }, zone));
  }

  #sums(scope: Scope, zone: string) {
    return sumsIn(this.#database, scope, requireZone(zone));
  }
}

function requireZone(name: string): TimeZone {
  const zone = readTimeZone(name);
  if (zone) return zone;
  const reason = `there is no time zone ${name}; use UTC or the name of a place such as Asia/Colombo`;
  throw new AppError('invalid_request', `querystring/tz: ${reason}`, {
    fields: [{ field: 'querystring/tz', reason }],
  });
}
