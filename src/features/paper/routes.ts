import { Type } from 'typebox';
import { as, type OrderId, type TicketId } from '../../kernel/ids.ts';
import { principalOf } from '../../platform/http/authentication.ts';
import { problems, Uuid } from '../../platform/http/schemas.ts';
import type { HttpServer } from '../../platform/http/server.ts';
import type { PrintTickets } from './print-tickets.ts';
import { CALENDAR, calendarAnswer, PDF, pdfAnswer } from './schemas.ts';
import type { WriteCalendar } from './write-calendar.ts';

const TAGS = ['Tickets'];
const OrderParams = Type.Object({ orderId: Uuid('The order') });

/** PDF tickets and calendar files over HTTP. */
export function paperRoutes(scope: HttpServer, print: PrintTickets, writeCalendar: WriteCalendar): void {
  scope.get(
    '/api/order/:orderId/tickets.pdf',
    {
      config: {
        permission: 'order.read',
        refuses: ['order_not_found', 'printing_busy', 'ticket_cancelled', 'ticket_not_paid'],
      },
      schema: {
        tags: TAGS,
        summary: 'PDF of the good tickets of an order; for users who may read the order',
        params: OrderParams,
        response: { 200: pdfAnswer, ...problems },
      },
    },
    async (request, reply) => {
      const orderId = as<OrderId>(request.params.orderId.toLowerCase());
      const pdf = await print.ofOrder(orderId, principalOf(request));
      return reply.headers(fileHeaders(`tickets-${orderId}.pdf`, PDF)).send(pdf);
    },
  );

  scope.get(
    '/api/order/ticket/:ticketId.pdf',
    {
      config: {
        permission: 'ticket.print',
        refuses: ['ticket_not_found', 'printing_busy', 'ticket_cancelled', 'ticket_not_paid'],
      },
      schema: {
        tags: TAGS,
        summary: 'PDF of a ticket; for its holder, the organiser and administrators',
        params: Type.Object({ ticketId: Uuid('The ticket') }),
        response: { 200: pdfAnswer, ...problems },
      },
    },
    async (request, reply) => {
      const ticketId = as<TicketId>(request.params.ticketId.toLowerCase());
      const pdf = await print.ofTicket(ticketId, principalOf(request));
      return reply.headers(fileHeaders(`ticket-${ticketId}.pdf`, PDF)).send(pdf);
    },
  );

  scope.get(
    '/api/order/:orderId/tickets.ics',
    {
      config: {
        permission: 'order.read',
        refuses: ['order_not_found', 'not_found', 'ticket_cancelled', 'ticket_not_paid'],
      },
      schema: {
        tags: TAGS,
        summary: 'Calendar file of an order’s session; for users who may read the order',
        params: OrderParams,
        response: { 200: calendarAnswer, ...problems },
      },
    },
    async (request, reply) => {
      const orderId = as<OrderId>(request.params.orderId.toLowerCase());
      const text = await writeCalendar(orderId, principalOf(request));
      return reply.headers(fileHeaders(`tickets-${orderId}.ics`, CALENDAR)).send(Buffer.from(text));
    },
  );
}

/** Tickets are worth money, so shared caches must not store them. */
function fileHeaders(name: string, type: string): Record<string, string> {
  return {
    'content-type': type,
    'content-disposition': `inline; filename="${name}"`,
    'cache-control': 'private, no-store',
  };
}
