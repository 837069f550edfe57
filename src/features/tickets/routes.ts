import { Type } from 'typebox';
import { as, type OrderId, type TicketId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import { principalOf } from '../../platform/http/authentication.ts';
import { problems, Uuid } from '../../platform/http/schemas.ts';
import type { HttpServer } from '../../platform/http/server.ts';
import { toWireTicket, type WireTicket, withNote } from './json.ts';
import type { DrawQr } from './qr/qr-image.ts';
import { CountSchema, TicketSchema, TicketsSchema } from './schemas.ts';
import type { TicketService, TicketView } from './view-tickets.ts';

export interface TicketRoutesOptions {
  readonly tickets: TicketService;
  readonly drawQr: DrawQr;
  readonly currency: Currency;
}

const TAGS = ['Tickets'];

/** Tickets over HTTP (contract section 1). */
export function ticketRoutes(scope: HttpServer, { tickets, drawQr, currency }: TicketRoutesOptions): void {
  const listOf = async (orderId: string, who: Parameters<TicketService['viewOrder']>[1]) => {
    const views = await tickets.viewOrder(as<OrderId>(orderId.toLowerCase()), who);
    return views.map((view) => toWireView(view, currency, drawQr));
  };

  scope.get(
    '/api/order/ticket',
    {
      schema: {
        tags: TAGS,
        summary: 'The tickets of an order, for who may read the order',
        querystring: Type.Object({ orderId: Uuid('The order') }),
        response: { 200: TicketsSchema, ...problems },
      },
    },
    (request) => listOf(request.query.orderId, principalOf(request)),
  );

  scope.get(
    '/api/order/:orderId/tickets',
    {
      schema: {
        tags: TAGS,
        summary: 'The tickets of an order, for who may read the order',
        params: Type.Object({ orderId: Uuid('The order') }),
        response: { 200: TicketsSchema, ...problems },
      },
    },
    (request) => listOf(request.params.orderId, principalOf(request)),
  );

  scope.get(
    '/api/order/ticket/:ticketId',
    {
      schema: {
        tags: TAGS,
        summary: 'A ticket; for its holder, the organiser, a scanner of the session and administrators',
        params: Type.Object({ ticketId: Uuid('The ticket') }),
        response: { 200: TicketSchema, ...problems },
      },
    },
    async (request) => {
      const ticketId = as<TicketId>(request.params.ticketId.toLowerCase());
      return toWireView(await tickets.view(ticketId, principalOf(request)), currency, drawQr);
    },
  );

  scope.get(
    '/api/order/tickets/count',
    {
      config: { access: 'public' },
      schema: {
        tags: TAGS,
        summary: 'How many tickets are held or sold',
        response: { 200: CountSchema, ...problems },
      },
    },
    async () => ({ total_count: await tickets.count() }),
  );
}

/** A ticket with its QR code drawn, where it may have one. */
export function toWireView({ ticket, qrText }: TicketView, currency: Currency, drawQr: DrawQr): WireTicket {
  const wire = withNote(toWireTicket(ticket, currency), ticket);
  return qrText === undefined ? wire : { ...wire, qr_code: drawQr(qrText) };
}
