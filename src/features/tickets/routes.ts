import { Type } from 'typebox';
import { as, type OrderId, type TicketId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { principalOf } from '../../platform/http/authentication.ts';
import { problems, Uuid } from '../../platform/http/schemas.ts';
import type { HttpServer } from '../../platform/http/server.ts';
import type { TicketJson } from './json.ts';
import { CountSchema, TicketSchema, TicketsSchema } from './schemas.ts';
import type { ViewTickets } from './view-tickets.ts';

const TAGS = ['Tickets'];

/** Tickets over HTTP (contract section 1). */
export function ticketRoutes(scope: HttpServer, tickets: ViewTickets, json: TicketJson): void {
  const listed = {
    tags: TAGS,
    summary: 'Tickets of an order; for users who may read the order',
    response: { 200: TicketsSchema, ...problems },
  };
  const listOf = async (orderId: string, who: Principal) =>
    json.views(await tickets.viewOrder(as<OrderId>(orderId.toLowerCase()), who), who.userId);

  scope.get(
    '/api/order/ticket',
    {
      config: { permission: 'order.read', refuses: ['order_not_found'] },
      schema: { ...listed, querystring: Type.Object({ orderId: Uuid('The order') }) },
    },
    (request) => listOf(request.query.orderId, principalOf(request)),
  );

  scope.get(
    '/api/order/:orderId/tickets',
    {
      config: { permission: 'order.read', refuses: ['order_not_found'] },
      schema: { ...listed, params: Type.Object({ orderId: Uuid('The order') }) },
    },
    (request) => listOf(request.params.orderId, principalOf(request)),
  );

  scope.get(
    '/api/order/ticket/:ticketId',
    {
      config: { permission: 'ticket.read', refuses: ['ticket_not_found'] },
      schema: {
        tags: TAGS,
        summary: 'A ticket; for its holder, the organiser, a scanner of the session and administrators',
        params: Type.Object({ ticketId: Uuid('The ticket') }),
        response: { 200: TicketSchema, ...problems },
      },
    },
    async (request) => {
      const ticketId = as<TicketId>(request.params.ticketId.toLowerCase());
      const who = principalOf(request);
      return json.view(await tickets.view(ticketId, who), who.userId);
    },
  );

  scope.get(
    '/api/order/tickets/count',
    {
      config: { access: 'public', refuses: ['database_unavailable'] },
      schema: {
        tags: TAGS,
        summary: 'Number of tickets held or sold, as of some seconds ago',
        response: { 200: CountSchema, ...problems },
      },
    },
    async () => ({ total_count: await tickets.count() }),
  );
}
