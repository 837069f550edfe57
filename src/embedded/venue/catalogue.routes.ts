import type { FastifyInstance, FastifyReply } from 'fastify';
import { type Static, Type } from 'typebox';
import {
  eventCard,
  eventInfo,
  pageOf,
  publicDiscounts,
  seatingMap,
  sessionInfo,
} from './catalogue.answers.ts';
import type { SeatStates } from './seat-states.ts';
import type { SeatStreams } from './seat-streams.ts';
import type { VenueIndex } from './venue.index.ts';

export interface CatalogueRoutesOptions {
  readonly index: VenueIndex;
  readonly states: SeatStates;
  readonly streams: SeatStreams;
}

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
const SearchSchema = Type.Object({ ...PAGE, searchTerm: Type.Optional(Type.String({ maxLength: 200 })) });
const TrendingSchema = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: MAX_PAGE_SIZE, default: DEFAULT_PAGE_SIZE }),
});
interface EventParams {
  readonly eventId: string;
}
interface SessionParams {
  readonly sessionId: string;
}

/** What pages read (contract section 9), for everybody. */
export function catalogueRoutes(scope: FastifyInstance, options: CatalogueRoutesOptions): void {
  eventRoutes(scope, options);
  sessionRoutes(scope, options);
  discountRoutes(scope, options);
}

function missing(reply: FastifyReply, what: string) {
  return reply.code(NOT_FOUND).send({ message: `There is no such ${what}.` });
}

function eventRoutes(scope: FastifyInstance, { index }: CatalogueRoutesOptions): void {
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
      const term = (query.searchTerm ?? '').toLowerCase();
      const found = catalogue.events.filter((event) =>
        `${event.title} ${event.overview}`.toLowerCase().includes(term),
      );
      return pageOf(
        found.map((event) => eventCard(event, catalogue)),
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
        event.sessions.map((session) => sessionInfo(session, event)),
        query.page,
        query.size,
      );
    },
  );
}

function sessionRoutes(scope: FastifyInstance, { index, states, streams }: CatalogueRoutesOptions): void {
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
    { schema: { hide: true } },
    (request, reply) => {
      if (!index.session(request.params.sessionId)) return void missing(reply, 'session');
      if (streams.open(request.params.sessionId, reply.raw)) return void reply.hijack();
      reply.code(UNAVAILABLE).header('retry-after', '5').send({ message: 'Too many open streams.' });
    },
  );
}

function discountRoutes(scope: FastifyInstance, { index }: CatalogueRoutesOptions): void {
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
      const discount = event?.discounts.find(({ code }) => code === params.code.toUpperCase());
      const sessions = discount?.applicableSessionIds ?? [];
      const isFor = sessions.length === 0 || sessions.some((id) => id === params.sessionId);
      return discount && isFor ? discount : missing(reply, 'discount');
    },
  );
}
