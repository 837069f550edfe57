import type { FastifyInstance, FastifyReply } from 'fastify';
import { type Static, Type } from 'typebox';
import {
  categoryInfo,
  eventCard,
  eventInfo,
  pageOf,
  publicDiscounts,
  seatingMap,
  sessionInfo,
} from './catalogue.answers.ts';
import {
  EVENT_SORT_KEYS,
  isFound,
  isWithin,
  readDates,
  readSearch,
  SESSION_SORT_KEYS,
  sortedBy,
} from './search.rules.ts';
import type { SeatStates } from './seat-states.ts';
import type { SeatStreams } from './seat-streams.ts';
import type { VenueIndex } from './venue.index.ts';

const DEFAULT_PAGE_SIZE = 20;
const MAX_PAGE_SIZE = 100;
const NOT_FOUND = 404;
const UNAVAILABLE = 503;
const BASE = '/api/event-query/v1';

const PAGE = {
  page: Type.Integer({ minimum: 0, maximum: 100_000, default: 0 }),
  size: Type.Integer({ minimum: 1, maximum: MAX_PAGE_SIZE, default: DEFAULT_PAGE_SIZE }),
  sort: Type.Optional(Type.String({ maxLength: 100 })),
};
const PageSchema = Type.Object(PAGE);
const Asked = Type.Optional(Type.String({ maxLength: 64 }));
const SearchSchema = Type.Object({
  ...PAGE,
  searchTerm: Type.Optional(Type.String({ maxLength: 200 })),
  categoryId: Asked,
  longitude: Asked,
  latitude: Asked,
  radiusKm: Asked,
  dateFrom: Asked,
  dateTo: Asked,
  priceMin: Asked,
  priceMax: Asked,
});
const RangeSchema = Type.Object({ fromDate: Asked, toDate: Asked });
const TrendingSchema = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: MAX_PAGE_SIZE, default: DEFAULT_PAGE_SIZE }),
});
interface EventParams {
  readonly eventId: string;
}
interface SessionParams {
  readonly sessionId: string;
}

/** The public catalogue for pages (contract section 9). */
export function catalogueRoutes(
  scope: FastifyInstance,
  index: VenueIndex,
  states: SeatStates,
  streams: SeatStreams,
): void {
  eventRoutes(scope, index);
  listRoutes(scope, index);
  sessionRoutes(scope, index, states, streams);
  discountRoutes(scope, index);
}

function missing(reply: FastifyReply, what: string) {
  return reply.code(NOT_FOUND).send({ message: `There is no such ${what}.` });
}

function eventRoutes(scope: FastifyInstance, index: VenueIndex): void {
  const { catalogue } = index;

  scope.get<{ Querystring: Static<typeof TrendingSchema> }>(
    `${BASE}/events/trending`,
    { schema: { hide: true, querystring: TrendingSchema } },
    async ({ query }) => catalogue.events.slice(0, query.limit).map((event) => eventCard(event, catalogue)),
  );

  scope.get<{ Querystring: Static<typeof SearchSchema> }>(
    `${BASE}/events/search`,
    { schema: { hide: true, querystring: SearchSchema } },
    async ({ query }) => {
      const search = readSearch(query);
      const found = catalogue.events.filter((event) => isFound(event, search));
      return pageOf(
        sortedBy(found, query.sort, EVENT_SORT_KEYS).map((event) => eventCard(event, catalogue)),
        query.page,
        query.size,
      );
    },
  );

  scope.get<{ Params: EventParams }>(
    `${BASE}/events/:eventId/basic-info`,
    { schema: { hide: true } },
    async ({ params }, reply) => {
      const event = index.event(params.eventId);
      return event ? eventInfo(event, catalogue) : missing(reply, 'event');
    },
  );

  scope.get<{ Params: EventParams; Querystring: Static<typeof PageSchema> }>(
    `${BASE}/events/:eventId/sessions`,
    { schema: { hide: true, querystring: PageSchema } },
    async ({ params, query }, reply) => {
      const event = index.event(params.eventId);
      if (!event) return missing(reply, 'event');
      return pageOf(
        sortedBy(event.sessions, query.sort, SESSION_SORT_KEYS).map((session) => sessionInfo(session, event)),
        query.page,
        query.size,
      );
    },
  );
}

function listRoutes(scope: FastifyInstance, index: VenueIndex): void {
  const { categories, events } = index.catalogue;

  scope.get<{ Params: EventParams; Querystring: Static<typeof RangeSchema> }>(
    `${BASE}/events/:eventId/sessions/sessions-in-range`,
    { schema: { hide: true, querystring: RangeSchema } },
    async ({ params, query }, reply) => {
      const event = index.event(params.eventId);
      if (!event) return missing(reply, 'event');
      const range = readDates(query, 'fromDate', 'toDate');
      const found = event.sessions.filter((session) => isWithin(session, range));
      return sortedBy(found, 'startTime', SESSION_SORT_KEYS).map((session) => sessionInfo(session, event));
    },
  );

  scope.get(`${BASE}/events/sessions/count`, { schema: { hide: true } }, async () => ({
    totalSessions: events.reduce((total, { sessions }) => total + sessions.length, 0),
  }));

  scope.get(`${BASE}/categories`, { schema: { hide: true } }, async () => categories.map(categoryInfo));

  scope.get(`${BASE}/categories/parents`, { schema: { hide: true } }, async () =>
    categories.filter(({ parent }) => parent === undefined).map(categoryInfo),
  );
}

function sessionRoutes(scope: FastifyInstance, index: VenueIndex, states: SeatStates, streams: SeatStreams): void {
  scope.get<{ Params: SessionParams }>(
    `${BASE}/sessions/:sessionId/basic-info`,
    { schema: { hide: true } },
    async ({ params }, reply) => {
      const session = index.session(params.sessionId);
      const event = session && index.event(session.eventId);
      return session && event ? sessionInfo(session, event) : missing(reply, 'session');
    },
  );

  scope.get<{ Params: SessionParams }>(
    `${BASE}/sessions/:sessionId/seating-map`,
    { schema: { hide: true } },
    async ({ params }, reply) => {
      const session = index.session(params.sessionId);
      return session ? seatingMap(session, states) : missing(reply, 'session');
    },
  );

  scope.get<{ Params: SessionParams }>(
    `${BASE}/sse/sessions/:sessionId/seat-status`,
    // A HEAD route would open a stream without a reader.
    { schema: { hide: true }, exposeHeadRoute: false },
    (request, reply) => {
      if (!index.session(request.params.sessionId)) return void missing(reply, 'session');
      if (streams.open(request.params.sessionId, reply.raw)) return void reply.hijack();
      reply.code(UNAVAILABLE).header('retry-after', '5').send({ message: 'Too many open streams.' });
    },
  );
}

function discountRoutes(scope: FastifyInstance, index: VenueIndex): void {
  const base = `${BASE}/events/:eventId/sessions/:sessionId/discounts`;

  scope.get<{ Params: EventParams & SessionParams }>(
    `${base}/public`,
    { schema: { hide: true } },
    async ({ params }, reply) => {
      const event = index.event(params.eventId);
      const session = index.session(params.sessionId);
      if (!event || session?.eventId !== event.id) return missing(reply, 'session');
      return publicDiscounts(event, session);
    },
  );

  scope.get<{ Params: EventParams & SessionParams & { readonly code: string } }>(
    `${base}/code/:code`,
    { schema: { hide: true } },
    async ({ params }, reply) => {
      const event = index.event(params.eventId);
      const session = index.session(params.sessionId);
      if (!event || session?.eventId !== event.id) return missing(reply, 'session');
      const discount = event.discounts.find(({ code }) => code === params.code.toUpperCase());
      const sessions = discount?.applicableSessionIds ?? [];
      const isFor = sessions.length === 0 || sessions.includes(session.id);
      return discount && isFor ? discount : missing(reply, 'discount');
    },
  );
}
