import { type Static, Type } from 'typebox';
import { CREATED, NO_CONTENT, OK } from '../../kernel/http-status.ts';
import { as, type SeatId, type TicketId } from '../../kernel/ids.ts';
import { principalOf } from '../../platform/http/authentication.ts';
import type { Once } from '../../platform/http/once.ts';
import { onceHeaders, problems } from '../../platform/http/schemas.ts';
import type { HttpServer } from '../../platform/http/server.ts';
import { type Ticket, TicketSchema } from '../tickets/index.ts';
import type { AmendTicket } from './amend-ticket.ts';
import type { IssueTicket } from './issue-ticket.ts';
import type { BoxOfficeJson } from './json.ts';
import { TicketAmendSchema, TicketIssueSchema, TicketParamsSchema, TicketVoidQuerySchema } from './schemas.ts';
import type { AmendRequest } from './ticket-change.ts';
import type { VoidTicket } from './void-ticket.ts';

export interface BoxOfficeRoutes {
  readonly issue: IssueTicket;
  readonly amend: AmendTicket;
  readonly void: VoidTicket;
  readonly once: Once;
  readonly json: BoxOfficeJson;
}

const TAGS = ['Box office'];
const headers = onceHeaders;
/** Refusals of each of the routes. */
const REFUSALS = [
  'ticket_change_refused',
  'order_changed',
  'seats_taken',
  'seats_refused',
  'session_mismatch',
  'discount_refused',
  'price_not_chargeable',
  'payment_refused',
  'payments_unavailable',
] as const;

/** Issuing, amending and voiding tickets over HTTP (contract section 1). */
export function boxOfficeRoutes(api: HttpServer, { issue, amend, void: voiding, once, json }: BoxOfficeRoutes): void {
  issueRoute(api, once, json, issue);
  amendRoute(api, once, json, amend);
  voidRoute(api, once, voiding);
}

function issueRoute(api: HttpServer, once: Once, json: BoxOfficeJson, issue: IssueTicket): void {
  const body = (ticket: Ticket) => json.ticket(ticket);
  api.post(
    '/api/order/ticket',
    {
      config: { permission: 'ticket.issue', refuses: ['overloaded', 'price_too_high', ...REFUSALS] },
      schema: {
        tags: TAGS,
        summary:
          'Issue a complimentary ticket, or one sold for cash; for the organiser of the event and administrators',
        body: TicketIssueSchema,
        headers,
        response: { 201: TicketSchema, ...problems },
      },
    },
    async (request, reply) =>
      once.answer(request, reply, { status: CREATED, body }, () =>
        issue.issue(json.issueRequest(request.body), principalOf(request)),
      ),
  );
}

function amendRoute(api: HttpServer, once: Once, json: BoxOfficeJson, amend: AmendTicket): void {
  const body = (ticket: Ticket) => json.ticket(ticket);
  api.put(
    '/api/order/ticket/:ticketId',
    {
      config: { permission: 'ticket.amend', refuses: ['overloaded', 'ticket_not_found', ...REFUSALS] },
      schema: {
        tags: TAGS,
        summary: 'Change the seat, label or note of a ticket; for the organiser and administrators',
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

function voidRoute(api: HttpServer, once: Once, voiding: VoidTicket): void {
  api.delete(
    '/api/order/ticket/:ticketId',
    {
      config: { permission: 'ticket.void', refuses: ['ticket_not_found', ...REFUSALS, 'refund_not_possible'] },
      schema: {
        tags: TAGS,
        summary: 'Void a ticket, and refund it when asked to; for the organiser and administrators',
        params: TicketParamsSchema,
        querystring: TicketVoidQuerySchema,
        headers,
        response: { 204: Type.Null({ description: 'The ticket is void and its seat is free' }), ...problems },
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

function toAmendRequest({
  seat_id: seatId,
  seat_label: seatLabel,
  note,
  ...rest
}: Static<typeof TicketAmendSchema>): AmendRequest {
  return { seatId: seatId === undefined ? undefined : as<SeatId>(seatId), seatLabel, note, rest };
}
