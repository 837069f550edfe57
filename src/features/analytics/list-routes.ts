import type { FastifyReply, FastifySchema } from 'fastify';
import { type Static, Type } from 'typebox';
import { as, type EventId, type SessionId } from '../../kernel/ids.ts';
import { principalOf } from '../../platform/http/authentication.ts';
import { bodyOfParts, READER_LIMITS } from '../../platform/http/body-of-parts.ts';
import { plainText } from '../../platform/http/schemas.ts';
import type { HttpServer } from '../../platform/http/server.ts';
import type { Permission } from '../access/index.ts';
import { TicketsSchema } from '../tickets/index.ts';
import type { ExportEvent, ExportFormat } from './export-event.ts';
import type { AnalyticsJson } from './json.ts';
import type { ListOrders } from './list-orders.ts';
import type { ListTickets } from './list-tickets.ts';
import type { Parts } from './long-answers.ts';
import type { OrderList } from './orders-list.ts';
import { analyticsRoute, BASE } from './routes.ts';
import {
  EventParamsSchema,
  ExportQuerySchema,
  ListedOrderSchema,
  OrdersQuerySchema,
  SessionParamsSchema,
} from './schemas.ts';

/** The use cases that the list routes call. */
export interface ListCases {
  readonly listOrders: ListOrders;
  readonly listTickets: ListTickets;
  readonly exportEvent: ExportEvent;
}

/** The organisers' lists and exports over HTTP. */
export function listRoutes(scope: HttpServer, json: AnalyticsJson, cases: ListCases): void {
  const { listOrders, listTickets, exportEvent } = cases;

  scope.get(
    `${BASE}/events/:eventId/orders`,
    analyticsRoute(
      'analytics.event',
      'Orders of an event, newest first unless sorted; for its organiser and administrators',
      { params: EventParamsSchema, querystring: OrdersQuerySchema },
      Type.Array(ListedOrderSchema),
    ),
    async (request, reply) => {
      const { orders, total, nextCursor } = await listOrders.list(
        toList(request.params.eventId, request.query),
        request.query,
        principalOf(request),
      );
      reply.header('x-total-count', total);
      if (nextCursor !== undefined) reply.header('x-next-cursor', nextCursor);
      return orders.map((order) => json.listedOrder(order, total));
    },
  );

  scope.get(
    `${BASE}/sessions/:sessionId/tickets`,
    longAnswer(
      'analytics.session',
      'Good tickets of a session’s completed orders, newest first; for its organiser and administrators',
      { params: SessionParamsSchema },
      TicketsSchema,
    ),
    async (request, reply) => {
      const sessionId = as<SessionId>(request.params.sessionId.toLowerCase());
      const answer = await listTickets.list(sessionId, principalOf(request));
      if (answer.size === 'few') return answer.tickets;
      return streamed(reply.type('application/json; charset=utf-8'), answer.parts);
    },
  );

  scope.get(
    `${BASE}/events/:eventId/export`,
    longAnswer(
      'analytics.event',
      'All orders, tickets, check-ins or discounts of an event as a file; for its organiser and administrators',
      { params: EventParamsSchema, querystring: ExportQuerySchema },
      FILE,
    ),
    async (request, reply) => {
      const { what, format } = request.query;
      const eventId = as<EventId>(request.params.eventId.toLowerCase());
      const parts = await exportEvent.export(eventId, what, format, principalOf(request));
      reply
        .type(MEDIA_TYPES[format])
        .header('content-disposition', `attachment; filename="${what}-${eventId}.${format}"`)
        .header('cache-control', 'no-store');
      return streamed(reply, parts);
    },
  );
}

const MEDIA_TYPES = {
  csv: 'text/csv; charset=utf-8; header=present',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
} as const satisfies Record<ExportFormat, string>;

/** The options of a route whose answer is streamed, which a HEAD request would start in vain. */
function longAnswer<Parts extends FastifySchema, Answer>(
  permission: Permission,
  summary: string,
  parts: Parts,
  answer: Answer,
) {
  const { config, schema } = analyticsRoute(permission, summary, parts, answer);
  return {
    config: { ...config, refuses: ['exports_busy' as const, 'export_under_way' as const] },
    exposeHeadRoute: false,
    schema,
  };
}

/** The response in OpenAPI. Streamed files are not validated against it. */
const FILE = {
  description: 'A file with a header line',
  content: {
    'text/csv': plainText('CSV', 'order_id,status').content['text/plain'],
    [MEDIA_TYPES.xlsx]: { schema: Type.String({ format: 'binary', examples: ['An Office Open XML workbook'] }) },
  },
};

/** Streams parts as fast as the client reads them and stops if it disconnects or is too slow. The schema does not apply. */
function streamed(reply: unknown, parts: Parts<string | Uint8Array>): never {
  return (reply as FastifyReply).send(bodyOfParts(parts, READER_LIMITS)) as never;
}

function toList(eventId: string, query: Static<typeof OrdersQuerySchema>): OrderList {
  const { sessionId, status, sort, order } = query;
  return {
    eventId: as<EventId>(eventId.toLowerCase()),
    sessionId: sessionId === undefined ? undefined : as<SessionId>(sessionId.toLowerCase()),
    status,
    sort: sort === 'price' ? 'price' : 'created_at',
    order: order ?? 'desc',
  };
}
