import { randomUUID } from 'node:crypto';
import { CALLERS, type Caller, orderOf, type Sale, type Stage, seatOf, type World } from './world.ts';

/** What a request concerns. */
export interface About {
  readonly world: World;
  readonly sale: Sale;
}

/** One route: the callers with access, and a request that is valid for them. */
export interface Row {
  readonly passes: readonly Caller[];
  /** What it is about, if callers who may not read that get the answer of an unknown id; the others get the refusal. */
  readonly of?: 'order' | 'ticket';
  /** The stage of the order it concerns; absent where the completed one of the world serves. */
  readonly stage?: Stage;
  /** Whether a caller with access uses the order up. */
  readonly isChanging?: true;
  /** Ids in the path that are not those of the order or its event. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: (about: About) => Readonly<Record<string, string>>;
  readonly body?: (about: About) => unknown;
  /** The answer to callers with access: a status, and the code of a refusal that does not concern access. */
  readonly answer: string;
  /** The answer to signed-in callers without access. */
  readonly refusal?: string;
  /** Whether its answer has no end. */
  readonly isStream?: true;
}

/** Without a token, or with one that is no access token of a user for this service. */
const UNKNOWN: readonly Caller[] = [
  'anonymous',
  'forged',
  'expired',
  'idToken',
  'otherClient',
  'otherAudience',
  'logoutToken',
  'refreshToken',
];
const SIGNED_IN = CALLERS.filter((caller) => caller !== 'service' && !UNKNOWN.includes(caller));
const ORGANISERS: readonly Caller[] = ['organiser', 'admin'];
const READERS: readonly Caller[] = ['owner', ...ORGANISERS];
const BUYER: readonly Caller[] = ['owner'];
const SCANNERS: readonly Caller[] = ['scanner'];
const ADMINS: readonly Caller[] = ['admin'];

const PUBLIC: Row = { passes: CALLERS, answer: '200' };
/** Signed by Stripe; the caller who sends it does not matter. */
const WEBHOOK: Row = { passes: CALLERS, answer: '400 webhook_signature_invalid' };
const FIGURES: Row = { passes: ORGANISERS, answer: '200' };
const OF_ORDER: Row = { passes: READERS, answer: '200', of: 'order' };
const STREAM: Row = { passes: ORGANISERS, answer: '200', isStream: true };
const BATCH: Row = { passes: ORGANISERS, body: ({ sale }) => ({ eventIds: [sale.side.eventId] }), answer: '200' };

const ANALYTICS = '/api/order/analytics';

/** The access rules over HTTP (contract section 1), by method and path as the OpenAPI document has them. */
export const ROUTES: Readonly<Record<string, Row>> = {
  'POST /api/order': {
    passes: SIGNED_IN,
    body: ({ world, sale }) => ({ ...orderOf(sale.side, seatOf(world.platform, sale.side)), discount_id: null }),
    answer: '201',
  },
  'GET /api/order/{orderId}': OF_ORDER,
  'PUT /api/order/{orderId}': {
    passes: BUYER,
    of: 'order',
    stage: 'pending',
    isChanging: true,
    body: ({ world, sale }) => ({ seat_ids: [seatOf(world.platform, sale.side)], discount_id: null }),
    answer: '200',
  },
  'DELETE /api/order/{orderId}': {
    passes: ['owner', 'admin'],
    of: 'order',
    stage: 'pending',
    isChanging: true,
    answer: '204',
  },
  'POST /api/order/{orderId}/checkout': { passes: BUYER, of: 'order', stage: 'free', isChanging: true, answer: '200' },
  'POST /api/order/{orderId}/create-payment-intent': {
    passes: BUYER,
    of: 'order',
    stage: 'pending',
    isChanging: true,
    answer: '200',
  },
  'POST /api/order/{orderId}/refund': {
    passes: ORGANISERS,
    of: 'order',
    stage: 'completed',
    isChanging: true,
    body: () => ({ amount: 1, reason: 'asked for' }),
    answer: '200',
  },
  'GET /api/order/user/orders': { passes: SIGNED_IN, answer: '200' },
  'GET /api/order/user/{userId}': { passes: ['owner', 'admin'], answer: '200' },
  'GET /api/order/{orderId}/tickets': OF_ORDER,
  'GET /api/order/ticket': { ...OF_ORDER, query: ({ sale }) => ({ orderId: sale.orderId }) },
  'GET /api/order/{orderId}/tickets.pdf': OF_ORDER,
  'GET /api/order/{orderId}/tickets.ics': OF_ORDER,
  'GET /api/order/ticket/{ticketId}': { passes: [...READERS, ...SCANNERS], answer: '200', of: 'ticket' },
  'GET /api/order/ticket/{ticketId}.pdf': { ...OF_ORDER, of: 'ticket' },
  'GET /api/order/tickets/count': PUBLIC,
  'GET /api/order/config': PUBLIC,

  'POST /api/order/ticket': {
    passes: ORGANISERS,
    body: ({ world, sale: { side } }) => ({
      event_id: side.eventId,
      session_id: side.sessionId,
      seat_id: seatOf(world.platform, side),
      tier_id: side.tierId,
      price: 0,
    }),
    answer: '201',
  },
  'PUT /api/order/ticket/{ticketId}': {
    passes: ORGANISERS,
    of: 'ticket',
    stage: 'completed',
    isChanging: true,
    body: () => ({ note: 'by the door' }),
    answer: '200',
  },
  'DELETE /api/order/ticket/{ticketId}': {
    passes: ORGANISERS,
    of: 'ticket',
    stage: 'completed',
    isChanging: true,
    query: () => ({ refund: 'true' }),
    answer: '204',
  },

  'POST /api/order/ticket/checkin': {
    passes: SCANNERS,
    stage: 'at the door',
    isChanging: true,
    body: ({ sale }) => ({ encrypted_qr: sale.qrText, session_id: sale.side.sessionId }),
    answer: '200',
    refusal: '403 ticket_wrong_session',
  },
  'POST /api/order/scan/batch': {
    passes: SCANNERS,
    stage: 'at the door',
    isChanging: true,
    // Each scan has an answer of its own.
    body: ({ sale }) => ({
      scans: [
        {
          encrypted_qr: sale.qrText,
          session_id: sale.side.sessionId,
          nonce: randomUUID(),
          scanned_at: new Date().toISOString(),
        },
      ],
    }),
    answer: '200 admitted',
    refusal: '200 ticket_wrong_session',
  },
  'DELETE /api/order/ticket/{ticketId}/checkin': {
    passes: ORGANISERS,
    of: 'ticket',
    stage: 'inside',
    isChanging: true,
    answer: '200',
  },
  'GET /api/order/scan/sessions/{sessionId}/bundle': { passes: SCANNERS, answer: '200' },
  'GET /api/order/scan/sessions/{sessionId}/conflicts': { passes: ORGANISERS, answer: '200' },
  'PUT /api/order/scan/sessions/{sessionId}/door': {
    passes: ORGANISERS,
    body: () => ({ allows_reentry: true }),
    answer: '200',
  },

  'GET /api/order/admin/payments': { passes: ADMINS, query: () => ({ state: 'stuck' }), answer: '200' },
  'POST /api/order/admin/payments/{id}/retry': {
    passes: ADMINS,
    params: { id: 'pi_none' },
    answer: '404 payment_not_stuck',
  },
  'POST /api/order/admin/payments/{id}/settled': {
    passes: ADMINS,
    params: { id: randomUUID() },
    body: () => ({ reference: 'bank transfer' }),
    answer: '404 payment_not_stuck',
  },

  [`GET ${ANALYTICS}/events/{eventId}`]: FIGURES,
  [`GET ${ANALYTICS}/events/{eventId}/discounts`]: FIGURES,
  [`GET ${ANALYTICS}/events/{eventId}/sessions`]: FIGURES,
  [`GET ${ANALYTICS}/events/{eventId}/sessions/{sessionId}`]: FIGURES,
  [`GET ${ANALYTICS}/events/{eventId}/orders`]: {
    ...FIGURES,
    query: ({ sale }) => ({ sessionId: sale.side.sessionId }),
  },
  [`GET ${ANALYTICS}/events/{eventId}/export`]: {
    ...FIGURES,
    query: () => ({ format: 'csv', what: 'orders' }),
  },
  [`GET ${ANALYTICS}/sessions/{sessionId}/tickets`]: FIGURES,
  [`GET ${ANALYTICS}/organizations/{organizationId}`]: FIGURES,
  [`POST ${ANALYTICS}/events/batch`]: BATCH,
  [`POST ${ANALYTICS}/events/batch/individual`]: BATCH,
  'GET /api/order/audit/events/{eventId}': FIGURES,
  'GET /api/order/sse/checkouts/event/{eventID}': STREAM,
  'GET /api/order/sse/checkouts/organization/{organizationID}': STREAM,

  'GET /api/secure': { passes: SIGNED_IN, answer: '200' },
  'GET /metrics': PUBLIC,
  'GET /healthz': PUBLIC,
  'GET /api/order/health': PUBLIC,
  'POST /api/webhook/stripe': WEBHOOK,
  'POST /api/order/webhook/stripe': WEBHOOK,
};

/** The callers who may read an order or a ticket, and so may know that it exists. */
export const KNOWING: Readonly<Record<'order' | 'ticket', readonly Caller[]>> = {
  order: READERS,
  ticket: [...READERS, ...SCANNERS],
};

/** A role that a request's caller has in the event it concerns; their requests are also sent with an id of another event. */
export const INVOLVED: readonly Caller[] = ['owner', 'organiser', 'scanner', 'admin'];

export const isUnknown = (caller: Caller): boolean => UNKNOWN.includes(caller);
