import { type Static, Type } from 'typebox';
import { AppError } from '../../kernel/errors.ts';
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
import {
  TicketAmendSchema,
  TicketIssueSchema,
  TicketParamsSchema,
  TicketVoidQuerySchema,
} from './box-office.schemas.ts';
import type { AmendWish, BoxOffice, TicketWish } from './box-office.service.ts';

export interface BoxOfficeRoutesOptions {
  readonly boxOffice: BoxOffice;
  readonly once: Once;
  readonly currency: Currency;
}

const TAGS = ['Box office'];
const OK = 200;
const CREATED = 201;
const NO_CONTENT = 204;
const headers = onceHeaders;

/** What organisers and administrators do to tickets (contract section 1). */
export function boxOfficeRoutes(
  scope: HttpServer,
  { boxOffice, once, currency }: BoxOfficeRoutesOptions,
): void {
  const body = (ticket: Ticket) => withNote(toWireTicket(ticket, currency), ticket);

  scope.post(
    '/api/order/ticket',
    {
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
        boxOffice.issue(toTicketWish(request.body, currency), principalOf(request)),
      ),
  );

  scope.put(
    '/api/order/ticket/:ticketId',
    {
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
        boxOffice.amend(toTicketId(request.params), toAmendWish(request.body), principalOf(request)),
      ),
  );

  scope.delete(
    '/api/order/ticket/:ticketId',
    {
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
        boxOffice.void(toTicketId(request.params), request.query.refund, principalOf(request)),
      ),
  );
}

function toTicketId({ ticketId }: Static<typeof TicketParamsSchema>): TicketId {
  return as<TicketId>(ticketId.toLowerCase());
}

function toTicketWish(body: Static<typeof TicketIssueSchema>, currency: Currency): TicketWish {
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

function toAmendWish({
  seat_id: seatId,
  seat_label: seatLabel,
  note,
  ...rest
}: Static<typeof TicketAmendSchema>): AmendWish {
  return { seatId: seatId === undefined ? undefined : as<SeatId>(seatId), seatLabel, note, rest };
}
