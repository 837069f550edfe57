import type { ErrorCode } from '../kernel/errors.ts';
import type { Refusals } from '../platform/http/refusals.ts';

const DATABASE = ['database_unavailable'] as const;
/** What belongs to somebody: whose it is, the seating service says of organisers and scanners. */
const OWNED = ['forbidden', 'seating_unavailable', ...DATABASE] as const;
const ORDER = ['order_not_found', ...OWNED] as const;
const TICKET = ['ticket_not_found', ...OWNED] as const;
const SEATS = ['seats_taken', 'seats_refused', 'discount_refused', 'price_not_chargeable'] as const;
const STRIPE = ['payment_refused', 'payments_unavailable'] as const;
const CHANGE = ['order_not_pending', 'order_changed', 'order_already_paid', 'hold_ended'] as const;
const BOX_OFFICE = ['ticket_change_refused', 'order_changed', ...SEATS, ...STRIPE] as const;
const DOOR = [
  'ticket_forged',
  'ticket_superseded',
  'ticket_wrong_session',
  'ticket_cancelled',
  'ticket_not_paid',
  'ticket_too_early',
  'ticket_too_late',
  'already_checked_in',
  'not_checked_in',
  'reentry_not_allowed',
] as const satisfies readonly ErrorCode[];
const WEBHOOK = ['webhook_signature_invalid', 'invalid_request', 'body_too_large', ...DATABASE] as const;
const EXPORT = ['exports_busy', ...OWNED] as const;
const PRINT = ['printing_busy', 'ticket_cancelled', 'ticket_not_paid', ...OWNED] as const;
const STREAM = ['too_many_streams', 'streams_full', ...OWNED] as const;
const STUCK = ['payment_not_stuck', 'forbidden', ...DATABASE] as const;
const ANALYTICS = '/api/order/analytics';

/** What each route of the API can refuse beside what its description implies; a test sees that nothing else is answered. */
export const REFUSALS: Refusals = {
  'POST /api/order': ['overloaded', 'forbidden', 'seating_unavailable', ...SEATS, ...DATABASE],
  'GET /api/order/user/orders': DATABASE,
  'GET /api/order/user/{userId}': ['forbidden', ...DATABASE],
  'GET /api/order/{orderId}': ORDER,
  'PUT /api/order/{orderId}': [...ORDER, ...SEATS, ...CHANGE, ...STRIPE],
  'DELETE /api/order/{orderId}': [...ORDER, ...CHANGE, ...STRIPE, 'refund_not_possible'],
  'POST /api/order/{orderId}/checkout': [
    ...ORDER,
    ...CHANGE,
    ...STRIPE,
    'payment_missing',
    'payment_mismatch',
  ],
  'POST /api/order/{orderId}/create-payment-intent': [
    ...ORDER,
    ...CHANGE,
    ...STRIPE,
    'nothing_to_pay',
    'price_not_chargeable',
  ],
  'POST /api/order/{orderId}/refund': [...ORDER, ...STRIPE, 'refund_not_possible', 'price_not_chargeable'],
  'GET /api/order/{orderId}/tickets': ORDER,
  'GET /api/order/{orderId}/tickets.pdf': [...ORDER, ...PRINT],
  'GET /api/order/{orderId}/tickets.ics': [...ORDER, 'not_found', 'ticket_cancelled', 'ticket_not_paid'],
  'GET /api/order/ticket': ORDER,
  'POST /api/order/ticket': [...OWNED, ...BOX_OFFICE],
  'GET /api/order/ticket/{ticketId}': TICKET,
  'PUT /api/order/ticket/{ticketId}': [...TICKET, ...BOX_OFFICE],
  'DELETE /api/order/ticket/{ticketId}': [...TICKET, ...BOX_OFFICE],
  'GET /api/order/ticket/{ticketId}.pdf': [...TICKET, ...PRINT],
  'POST /api/order/ticket/checkin': [...OWNED, ...DOOR, 'idempotency_key_reused', 'request_in_flight'],
  'DELETE /api/order/ticket/{ticketId}/checkin': [...TICKET, 'not_checked_in'],
  'POST /api/order/scan/batch': [...OWNED, 'scan_time_refused'],
  'GET /api/order/scan/sessions/{sessionId}/bundle': [...OWNED, 'ticket_wrong_session', 'exports_busy'],
  'PUT /api/order/scan/sessions/{sessionId}/door': [...OWNED, 'not_found'],
  'GET /api/order/scan/sessions/{sessionId}/conflicts': OWNED,
  'GET /api/order/tickets/count': DATABASE,
  'GET /api/order/admin/payments': ['forbidden', ...DATABASE],
  'POST /api/order/admin/payments/{id}/retry': STUCK,
  'POST /api/order/admin/payments/{id}/settled': STUCK,
  'POST /api/webhook/stripe': WEBHOOK,
  'POST /api/order/webhook/stripe': WEBHOOK,
  'GET /api/order/audit/events/{eventId}': OWNED,
  [`GET ${ANALYTICS}/events/{eventId}`]: OWNED,
  [`GET ${ANALYTICS}/events/{eventId}/discounts`]: OWNED,
  [`GET ${ANALYTICS}/events/{eventId}/sessions`]: OWNED,
  [`GET ${ANALYTICS}/events/{eventId}/sessions/{sessionId}`]: OWNED,
  [`POST ${ANALYTICS}/events/batch`]: OWNED,
  [`POST ${ANALYTICS}/events/batch/individual`]: OWNED,
  [`GET ${ANALYTICS}/organizations/{organizationId}`]: OWNED,
  [`GET ${ANALYTICS}/events/{eventId}/orders`]: EXPORT,
  [`GET ${ANALYTICS}/sessions/{sessionId}/tickets`]: EXPORT,
  [`GET ${ANALYTICS}/events/{eventId}/export`]: EXPORT,
  'GET /api/order/sse/checkouts/event/{eventID}': STREAM,
  'GET /api/order/sse/checkouts/organization/{organizationID}': STREAM,
};
