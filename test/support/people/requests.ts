import { randomUUID } from 'node:crypto';
import type { Static } from 'typebox';
import type { EventFiguresSchema, ListedOrderSchema } from '../../../src/features/analytics/index.ts';
import type { AuditEntriesSchema } from '../../../src/features/audit/index.ts';
import type { CheckInResponseSchema } from '../../../src/features/door/index.ts';
import type { OrderResponseSchema, OrderSchema } from '../../../src/features/orders/index.ts';
import type {
  PaymentIntentResponseSchema,
  RefundSchema,
  StuckPaymentSchema,
} from '../../../src/features/payments/index.ts';
import type { TicketSchema } from '../../../src/features/tickets/index.ts';

/** An order as a caller reads it: with its tickets. */
export type Order = Required<Static<typeof OrderSchema>>;
export type Ticket = Static<typeof TicketSchema>;

/** A reference to an order: its id, or any answer that has it. */
export type OrderRef =
  | string
  | { readonly orderId: string }
  | { readonly order_id: string }
  | { readonly OrderID: string };
/** A reference to a ticket: its id, or any answer that has it. */
export type TicketRef = string | { readonly ticket_id: string };

/** The event that tests sell for: its ids are those in the body of an order. */
export interface OnSale {
  /** The body of an order for seats; new ones when none are named. */
  request(seatIds?: readonly string[], discountId?: string): Record<string, unknown>;
}

/** Seats of a session, by the ids that an order names. */
export const onSaleAt = (ids: {
  readonly event_id: string;
  readonly session_id: string;
  readonly organization_id: string;
}): OnSale => ({
  request: (seatIds = [randomUUID()], discountId) => ({
    ...ids,
    seat_ids: seatIds,
    ...(discountId === undefined ? {} : { discount_id: discountId }),
  }),
});

/** One request of the API, with its usual status and, as a type only, its usual answer. */
export interface ApiRequest<Body> {
  readonly method: string;
  readonly path: string;
  readonly usual: number;
  readonly body?: unknown;
  readonly answers?: Body;
}

function request<Body>(method: string, path: string, body?: unknown, usual = 200): ApiRequest<Body> {
  return { method, path, usual, ...(body === undefined ? {} : { body }) };
}

const get = <Body>(path: string) => request<Body>('GET', path);

export function orderIdOf(order: OrderRef): string {
  if (typeof order === 'string') return order;
  if ('orderId' in order) return order.orderId;
  return 'OrderID' in order ? order.OrderID : order.order_id;
}

export const ticketIdOf = (ticket: TicketRef): string => (typeof ticket === 'string' ? ticket : ticket.ticket_id);

const orderPath = (order: OrderRef) => `/api/order/${orderIdOf(order)}`;
const ticketPath = (ticket: TicketRef) => `/api/order/ticket/${ticketIdOf(ticket)}`;

/** The requests of buyers. */
const buying = (onSale: OnSale) => ({
  order: (seatIds?: readonly string[], discountId?: string) =>
    request<Static<typeof OrderResponseSchema>>('POST', '/api/order', onSale.request(seatIds, discountId), 201),
  /** Places an order with a body of the test's own. */
  orderAs: (body: unknown) => request<Static<typeof OrderResponseSchema>>('POST', '/api/order', body, 201),
  read: (order: OrderRef) => get<Order>(orderPath(order)),
  change: (order: OrderRef, body: unknown) => request<Order>('PUT', orderPath(order), body),
  cancel: (order: OrderRef) => request<undefined>('DELETE', orderPath(order), undefined, 204),
  intent: (order: OrderRef) =>
    request<Static<typeof PaymentIntentResponseSchema>>('POST', `${orderPath(order)}/create-payment-intent`),
  checkOut: (order: OrderRef) => request<Order>('POST', `${orderPath(order)}/checkout`),
  ownOrders: () => get<Order[]>('/api/order/user/orders'),
  tickets: (order: OrderRef) => get<Ticket[]>(`${orderPath(order)}/tickets`),
  ticket: (ticket: TicketRef) => get<Ticket>(ticketPath(ticket)),
});

/** The requests of organisers. */
const organising = (onSale: OnSale) => ({
  /** Issues a box office ticket: complimentary and for a new seat, except for `changes`. */
  issue(changes: Record<string, unknown> = {}) {
    const { event_id, session_id } = onSale.request([]);
    const body = { event_id, session_id, seat_id: randomUUID(), price: 0, ...changes };
    return request<Ticket>('POST', '/api/order/ticket', body, 201);
  },
  amend: (ticket: TicketRef, body: unknown) => request<Ticket>('PUT', ticketPath(ticket), body),
  void: (ticket: TicketRef, query = '') => request<undefined>('DELETE', ticketPath(ticket) + query, undefined, 204),
  figures: (eventId = String(onSale.request([]).event_id)) =>
    get<Static<typeof EventFiguresSchema>>(`/api/order/analytics/events/${eventId}`),
  listOrders: (query = '', eventId = String(onSale.request([]).event_id)) =>
    get<Required<Static<typeof ListedOrderSchema>>[]>(`/api/order/analytics/events/${eventId}/orders${query}`),
  audit: (query = '?limit=500') =>
    get<Static<typeof AuditEntriesSchema>>(`/api/order/audit/events/${onSale.request([]).event_id}${query}`),
});

/** The requests of administrators. */
const administering = () => ({
  /** Refunds the remainder without an amount, in major units; or sends a body of the test's own. */
  refund: (order: OrderRef, amountOrBody?: number | Record<string, unknown>) =>
    request<Static<typeof RefundSchema>>(
      'POST',
      `${orderPath(order)}/refund`,
      typeof amountOrBody === 'number' ? { amount: amountOrBody } : amountOrBody,
    ),
  stuckPayments: () => get<Static<typeof StuckPaymentSchema>[]>('/api/order/admin/payments?state=stuck'),
  retryPayment: (id: string) => request<undefined>('POST', `/api/order/admin/payments/${id}/retry`, undefined, 204),
  settlePayment: (id: string, reference = 'transfer') =>
    request<undefined>('POST', `/api/order/admin/payments/${id}/settled`, { reference }, 204),
});

/** The requests of scanners. */
const scanning = () => ({
  checkIn: (qrText: string, more: Record<string, unknown> = {}) =>
    request<Static<typeof CheckInResponseSchema>>('POST', '/api/order/ticket/checkin', {
      encrypted_qr: qrText,
      ...more,
    }),
  undoCheckIn: (ticket: TicketRef) => request<Ticket>('DELETE', `${ticketPath(ticket)}/checkin`),
});

/** The requests that tests make, each listed once. */
export const requestsAt = (onSale: OnSale) => ({
  ...buying(onSale),
  ...organising(onSale),
  ...administering(),
  ...scanning(),
});

export type Requests = ReturnType<typeof requestsAt>;
