import type { FastifyInstance } from 'fastify';
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
import type { Session, VenueEvent } from './venue.model.ts';

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

const schema = { hide: true };

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

/** A path that names nothing. */
class NotFound extends Error {
  readonly statusCode = NOT_FOUND;

  constructor(what: string) {
    super(`There is no such ${what}.`);
  }
}

function eventOf(index: VenueIndex, { eventId }: EventParams): VenueEvent {
  const event = index.event(eventId);
  if (event) return event;
  throw new NotFound('event');
}

function sessionOf(index: VenueIndex, { sessionId }: SessionParams): Session {
  const session = index.session(sessionId);
  if (session) return session;
  throw new NotFound('session');
}

function eventRoutes(scope: FastifyInstance, index: VenueIndex): void {
  const { catalogue } = index;

  scope.get<{ Querystring: Static<typeof TrendingSchema> }>(
    `${BASE}/events/trending`,
    { schema: { ...schema, querystring: TrendingSchema } },
    async ({ query }) => catalogue.events.slice(0, query.limit).map((event) => eventCard(event, catalogue)),
  );

  scope.get<{ Querystring: Static<typeof SearchSchema> }>(
    `${BASE}/events/search`,
    { schema: { ...schema, querystring: SearchSchema } },
    async ({ query }) => {
      const search = readSearch(query);
      const found = catalogue.events.filter((event) => isFound(event, search));
      const cards = sortedBy(found, query.sort, EVENT_SORT_KEYS).map((event) => eventCard(event, catalogue));
      return pageOf(cards, query.page, query.size);
    },
  );

  scope.get<{ Params: EventParams }>(`${BASE}/events/:eventId/basic-info`, { schema }, async ({ params }) =>
    eventInfo(eventOf(index, params), catalogue),
  );

  scope.get<{ Params: EventParams; Querystring: Static<typeof PageSchema> }>(
    `${BASE}/events/:eventId/sessions`,
    { schema: { ...schema, querystring: PageSchema } },
    async ({ params, query }) => {
      const event = eventOf(index, params);
      const sessions = sortedBy(event.sessions, query.sort, SESSION_SORT_KEYS);
      return pageOf(
        sessions.map((session) => sessionInfo(session, event)),
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
    { schema: { ...schema, querystring: RangeSchema } },
    async ({ params, query }) => {
      const event = eventOf(index, params);
      const range = readDates(query, 'fromDate', 'toDate');
      const found = event.sessions.filter((session) => isWithin(session, range));
      return sortedBy(found, 'startTime', SESSION_SORT_KEYS).map((session) => sessionInfo(session, event));
    },
  );

  scope.get(`${BASE}/events/sessions/count`, { schema }, async () => ({
    totalSessions: events.reduce((total, { sessions }) => total + sessions.length, 0),
  }));

  scope.get(`${BASE}/categories`, { schema }, async () => categories.map(categoryInfo));

  scope.get(`${BASE}/categories/parents`, { schema }, async () =>
    categories.filter(({ parent }) => parent === undefined).map(categoryInfo),
  );
}

function sessionRoutes(scope: FastifyInstance, index: VenueIndex, states: SeatStates, streams: SeatStreams): void {
  scope.get<{ Params: SessionParams }>(`${BASE}/sessions/:sessionId/basic-info`, { schema }, async ({ params }) => {
    const session = sessionOf(index, params);
    return sessionInfo(session, eventOf(index, session));
  });

  scope.get<{ Params: SessionParams }>(`${BASE}/sessions/:sessionId/seating-map`, { schema }, async ({ params }) =>
    seatingMap(sessionOf(index, params), states),
  );

  scope.get<{ Params: SessionParams }>(
    `${BASE}/sse/sessions/:sessionId/seat-status`,
    // A HEAD route would open a stream without a reader.
    { schema, exposeHeadRoute: false },
    (request, reply) => {
      const { id } = sessionOf(index, request.params);
      if (streams.open(id, reply.raw)) return void reply.hijack();
      reply.code(UNAVAILABLE).header('retry-after', '5').send({ message: 'Too many open streams.' });
    },
  );
}

function discountRoutes(scope: FastifyInstance, index: VenueIndex): void {
  const base = `${BASE}/events/:eventId/sessions/:sessionId/discounts`;
  const placeOf = ({ eventId, sessionId }: EventParams & SessionParams) => {
    const event = index.event(eventId);
    const session = index.session(sessionId);
    if (!event || session?.eventId !== event.id) throw new NotFound('session');
    return { event, session };
  };

  scope.get<{ Params: EventParams & SessionParams }>(`${base}/public`, { schema }, async ({ params }) => {
    const { event, session } = placeOf(params);
    return publicDiscounts(event, session);
  });

  scope.get<{ Params: EventParams & SessionParams & { readonly code: string } }>(
    `${base}/code/:code`,
    { schema },
    async ({ params }) => {
      const { event, session } = placeOf(params);
      const discount = event.discounts.find(({ code }) => code === params.code.toUpperCase());
      const sessions = discount?.applicableSessionIds ?? [];
      const isFor = sessions.length === 0 || sessions.includes(session.id);
      if (discount && isFor) return discount;
      throw new NotFound('discount');
    },
  );
}
