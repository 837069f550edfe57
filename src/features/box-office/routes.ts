import { type Static, Type } from 'typebox';
import { AppError } from '../../kernel/errors.ts';
import { CREATED, NO_CONTENT, OK } from '../../kernel/http-status.ts';
import {
  as,
  type EventId,
  type SeatId,
  type SessionId,
  type TicketId,
  type TierId,
} from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import { principalOf } from '../../platform/http/authentication.ts';
import type { Once } from '../../platform/http/once.ts';
import { onceHeaders, problems } from '../../platform/http/schemas.ts';
import type { HttpServer } from '../../platform/http/server.ts';
import { type Ticket, TicketSchema, toWireTicket, withNote } from '../tickets/index.ts';
import type { AmendTicket } from './amend-ticket.ts';
import type { IssueTicket, TicketRequest } from './issue-ticket.ts';
import {
  TicketAmendSchema,
  TicketIssueSchema,
  TicketParamsSchema,
  TicketVoidQuerySchema,
} from './schemas.ts';
import type { AmendRequest } from './ticket-change.ts';
import type { VoidTicket } from './void-ticket.ts';

export interface BoxOfficeRoutes {
  readonly issue: IssueTicket;
  readonly amend: AmendTicket;
  readonly void: VoidTicket;
  readonly once: Once;
  readonly currency: Currency;
}

const TAGS = ['Box office'];
const headers = onceHeaders;

/** What organisers and administrators do to tickets (contract section 1). */
export function boxOfficeRoutes(api: HttpServer, routes: BoxOfficeRoutes): void {
  issueRoute(api, routes);
  amendRoute(api, routes);
  voidRoute(api, routes);
}

function issueRoute(api: HttpServer, { issue, once, currency }: BoxOfficeRoutes): void {
  const body = (ticket: Ticket) => withNote(toWireTicket(ticket, currency), ticket);
  api.post(
    '/api/order/ticket',
    {
      config: {
        permission: 'ticket.issue',
        refuses: [
          'ticket_change_refused',
          'order_changed',
          'seats_taken',
          'seats_refused',
          'discount_refused',
          'price_not_chargeable',
          'payment_refused',
          'payments_unavailable',
        ],
      },
      schema: {
        tags: TAGS,
        summary:
          'A complimentary ticket, or one sold for cash; for the organiser of the event and administrators',
        body: TicketIssueSchema,
        headers,
        response: { 201: TicketSchema, ...problems },
      },
    },
    async (request, reply) =>
      once.answer(request, reply, { status: CREATED, body }, () =>
        issue.issue(toTicketRequest(request.body, currency), principalOf(request)),
      ),
  );
}

function amendRoute(api: HttpServer, { amend, once, currency }: BoxOfficeRoutes): void {
  const body = (ticket: Ticket) => withNote(toWireTicket(ticket, currency), ticket);
  api.put(
    '/api/order/ticket/:ticketId',
    {
      config: {
        permission: 'ticket.amend',
        refuses: [
          'ticket_not_found',
          'ticket_change_refused',
          'order_changed',
          'seats_taken',
          'seats_refused',
          'discount_refused',
          'price_not_chargeable',
          'payment_refused',
          'payments_unavailable',
        ],
      },
      schema: {
        tags: TAGS,
        summary: 'Another seat of the same tier, another label or note; for the organiser and administrators',
        params: TicketParamsSchema,
        body: TicketAmendSchema,
        headers,
        response: { 200: TicketSchema, ...problems },
      },
    },
    async (request, reply) =>
      once.answer(request, reply, { status: OK, body }, () =>
        amend.amend(toTicketId(request.params), toAmendRequest(request.body), principalOf(request)),
      ),
  );
}

function voidRoute(api: HttpServer, { void: voiding, once }: BoxOfficeRoutes): void {
  api.delete(
    '/api/order/ticket/:ticketId',
    {
      config: {
        permission: 'ticket.void',
        refuses: [
          'ticket_not_found',
          'ticket_change_refused',
          'order_changed',
          'seats_taken',
          'seats_refused',
          'discount_refused',
          'price_not_chargeable',
          'payment_refused',
          'payments_unavailable',
          'refund_not_possible',
        ],
      },
      schema: {
        tags: TAGS,
        summary: 'Void a ticket, and give its money back when asked to; for the organiser and administrators',
        params: TicketParamsSchema,
        querystring: TicketVoidQuerySchema,
        headers,
        response: { 204: Type.Null({ description: 'It is void; its seat is free' }), ...problems },
      },
    },
    async (request, reply) =>
      once.answer(request, reply, { status: NO_CONTENT, body: () => null }, () =>
        voiding.void(toTicketId(request.params), request.query.refund, principalOf(request)),
      ),
  );
}

function toTicketId({ ticketId }: Static<typeof TicketParamsSchema>): TicketId {
  return as<TicketId>(ticketId.toLowerCase());
}

function toTicketRequest(body: Static<typeof TicketIssueSchema>, currency: Currency): TicketRequest {
  const price = currency.fromMajor(body.price);
  if (price === undefined) {
    const reason = `has more decimals than ${currency.code.toUpperCase()}, or is too large`;
    throw new AppError('invalid_request', `body/price: ${reason}`, {
      fields: [{ field: 'body/price', reason }],
    });
  }
  return {
    eventId: as<EventId>(body.event_id.toLowerCase()),
    sessionId: as<SessionId>(body.session_id.toLowerCase()),
    seatId: as<SeatId>(body.seat_id),
    tierId: body.tier_id === undefined ? undefined : as<TierId>(body.tier_id.toLowerCase()),
    price,
    note: body.note || undefined,
  };
}

function toAmendRequest({
  seat_id: seatId,
  seat_label: seatLabel,
  note,
  ...rest
}: Static<typeof TicketAmendSchema>): AmendRequest {
  return { seatId: seatId === undefined ? undefined : as<SeatId>(seatId), seatLabel, note, rest };
}
