import type { FastifySchema } from 'fastify';
import type { Static } from 'typebox';
import { as, type EventId, type OrganizationId, type SessionId } from '../../kernel/ids.ts';
import { principalOf } from '../../platform/http/authentication.ts';
import { problems } from '../../platform/http/schemas.ts';
import type { HttpServer } from '../../platform/http/server.ts';
import type { Permission } from '../access/index.ts';
import type { AnalyticsJson } from './json.ts';
import type { ReadFigures } from './read-figures.ts';
import {
  BatchSchema,
  DiscountsSchema,
  EachFiguresSchema,
  EventFiguresSchema,
  EventParamsSchema,
  EventSessionParamsSchema,
  EventsFiguresSchema,
  OrganizationFiguresSchema,
  OrganizationParamsSchema,
  SessionFiguresSchema,
  SessionsSchema,
  ZoneSchema,
} from './schemas.ts';

export const BASE = '/api/order/analytics';

/** The options of a route that answers with `answer`. */
export function analyticsRoute<Parts extends FastifySchema, Answer>(
  permission: Permission,
  summary: string,
  parts: Parts,
  answer: Answer,
) {
  const schema = { tags: ['Analytics'], summary, ...parts, response: { 200: answer, ...problems } };
  return { config: { permission }, schema };
}

/** The organisers' figures over HTTP (contract section 1). */
export function analyticsRoutes(scope: HttpServer, figures: ReadFigures, json: AnalyticsJson): void {
  eventRoutes(scope, figures, json);
  sessionRoutes(scope, figures, json);
  batchRoutes(scope, figures, json);
}

function eventRoutes(scope: HttpServer, analytics: ReadFigures, json: AnalyticsJson): void {
  scope.get(
    `${BASE}/events/:eventId`,
    analyticsRoute(
      'analytics.event',
      'Sales of an event by day and tier; for its organiser and administrators',
      { params: EventParamsSchema, querystring: ZoneSchema },
      EventFiguresSchema,
    ),
    async (request) => {
      const eventId = toEventId(request.params.eventId);
      const figures = await analytics.event(eventId, request.query.tz, principalOf(request));
      return { event_id: eventId, ...json.figures(figures) };
    },
  );

  scope.get(
    `${BASE}/events/:eventId/discounts`,
    analyticsRoute(
      'analytics.event',
      'Uses of each discount of an event by day; for its organiser and administrators',
      { params: EventParamsSchema, querystring: ZoneSchema },
      DiscountsSchema,
    ),
    async (request) => {
      const eventId = toEventId(request.params.eventId);
      const days = await analytics.discounts(eventId, request.query.tz, principalOf(request));
      return { event_id: eventId, discount_usage: days.map((day) => json.discount(day)) };
    },
  );
}

function sessionRoutes(scope: HttpServer, analytics: ReadFigures, json: AnalyticsJson): void {
  scope.get(
    `${BASE}/events/:eventId/sessions`,
    analyticsRoute(
      'analytics.event',
      'Sales of each session of an event; for its organiser and administrators',
      { params: EventParamsSchema },
      SessionsSchema,
    ),
    async (request) => {
      const eventId = toEventId(request.params.eventId);
      const sessions = await analytics.sessions(eventId, principalOf(request));
      return { event_id: eventId, sessions: sessions.map((each) => json.session(each)) };
    },
  );

  scope.get(
    `${BASE}/events/:eventId/sessions/:sessionId`,
    analyticsRoute(
      'analytics.session',
      'Sales of a session by day and tier; for the organiser of both and administrators',
      { params: EventSessionParamsSchema, querystring: ZoneSchema },
      SessionFiguresSchema,
    ),
    async (request) => {
      const eventId = toEventId(request.params.eventId);
      const sessionId = as<SessionId>(request.params.sessionId.toLowerCase());
      const figures = await analytics.session(eventId, sessionId, request.query.tz, principalOf(request));
      return { event_id: eventId, session_id: sessionId, ...json.figures(figures) };
    },
  );
}

function batchRoutes(scope: HttpServer, analytics: ReadFigures, json: AnalyticsJson): void {
  scope.post(
    `${BASE}/events/batch`,
    analyticsRoute(
      'analytics.event',
      'Sales of several events added up; for the organiser of all of them and administrators',
      { body: BatchSchema, querystring: ZoneSchema },
      EventsFiguresSchema,
    ),
    async (request) => {
      const eventIds = toEventIds(request.body);
      const figures = await analytics.together(eventIds, request.query.tz, principalOf(request));
      return { event_ids: eventIds, ...json.figures(figures) };
    },
  );

  scope.post(
    `${BASE}/events/batch/individual`,
    analyticsRoute(
      'analytics.event',
      'Sales of several events, listed separately; for the organiser of all of them and administrators',
      { body: BatchSchema, querystring: ZoneSchema },
      EachFiguresSchema,
    ),
    async (request) => {
      const each = await analytics.each(toEventIds(request.body), request.query.tz, principalOf(request));
      const wire = [...each].map(([eventId, figures]) => [eventId, { event_id: eventId, ...json.figures(figures) }]);
      return { eventAnalytics: Object.fromEntries(wire) };
    },
  );

  scope.get(
    `${BASE}/organizations/:organizationId`,
    analyticsRoute(
      'analytics.organization',
      'Sales of all events of an organisation; for its organiser and administrators',
      { params: OrganizationParamsSchema, querystring: ZoneSchema },
      OrganizationFiguresSchema,
    ),
    async (request) => {
      const organizationId = as<OrganizationId>(request.params.organizationId.toLowerCase());
      const figures = await analytics.organization(organizationId, request.query.tz, principalOf(request));
      return { organization_id: organizationId, ...json.figures(figures) };
    },
  );
}

function toEventId(eventId: string): EventId {
  return as<EventId>(eventId.toLowerCase());
}

/** The events without repetitions. */
function toEventIds({ eventIds }: Static<typeof BatchSchema>): EventId[] {
  return [...new Set(eventIds.map(toEventId))];
}
