import { Type } from 'typebox';
import { NO_CONTENT, OK } from '../../kernel/http-status.ts';
import { principalOf } from '../../platform/http/authentication.ts';
import type { Once } from '../../platform/http/once.ts';
import { onceHeaders, problems, Uuid } from '../../platform/http/schemas.ts';
import type { HttpServer } from '../../platform/http/server.ts';
import { type Order, OrderParamsSchema, OrderSchema, toOrderId } from '../orders/index.ts';
import type { CheckOut } from './check-out.ts';
import { type PaymentJson, toWireStuck } from './json.ts';
import type { OfferPayment, PaymentOffer } from './offer-payment.ts';
import type { RefundIssued, RefundOrder } from './refund-order.ts';
import {
  PaymentIntentResponseSchema,
  RefundRequestSchema,
  RefundSchema,
  SettledSchema,
  StuckParamsSchema,
  StuckPaymentSchema,
  WebhookResponseSchema,
} from './schemas.ts';
import type { StuckPayments } from './stuck-payments.ts';

const TAGS = ['Payments'];
const REFUSED_TO_BUYERS = [
  'order_not_found',
  'seating_unavailable',
  'order_not_pending',
  'order_changed',
  'order_already_paid',
  'hold_ended',
  'payment_refused',
  'payments_unavailable',
] as const;
const WEBHOOK_PATHS = ['/api/webhook/stripe', '/api/order/webhook/stripe'];
/** Most bytes of a webhook; Stripe's events are far smaller. */
const MAX_WEBHOOK_BYTES = 262_144;

/** For buyers: the PaymentIntent of their order (contract section 1). */
export function offerRoute(api: HttpServer, once: Once, json: PaymentJson, offerPayment: OfferPayment): void {
  api.post(
    '/api/order/:orderId/create-payment-intent',
    {
      config: { permission: 'order.pay', refuses: [...REFUSED_TO_BUYERS, 'nothing_to_pay', 'price_not_chargeable'] },
      schema: {
        tags: TAGS,
        summary: 'Create or return the order’s PaymentIntent',
        params: OrderParamsSchema,
        headers: onceHeaders,
        response: { 200: PaymentIntentResponseSchema, ...problems },
      },
    },
    (request, reply) =>
      once.answer(
        request,
        reply,
        {
          status: OK,
          body: (offer: PaymentOffer) => json.offer(offer),
          secret: {
            hide: (body) => ({ ...body, clientSecret: '' }),
            restore: async (body) => ({ ...body, clientSecret: await offerPayment.secretOf(body.paymentIntentId) }),
          },
        },
        () => offerPayment.offer(toOrderId(request.params), principalOf(request)),
      ),
  );
}

/** For buyers: completing their order. */
export function checkOutRoute(api: HttpServer, once: Once, json: PaymentJson, checkOut: CheckOut): void {
  api.post(
    '/api/order/:orderId/checkout',
    {
      config: { permission: 'order.pay', refuses: [...REFUSED_TO_BUYERS, 'payment_missing', 'payment_mismatch'] },
      schema: {
        tags: TAGS,
        summary: 'Complete a free order, or an order whose payment succeeded',
        params: OrderParamsSchema,
        headers: onceHeaders,
        response: { 200: OrderSchema, ...problems },
      },
    },
    (request, reply) =>
      once.answer(request, reply, { status: OK, body: (order: Order) => json.order(order) }, () =>
        checkOut.checkOut(toOrderId(request.params), principalOf(request)),
      ),
  );
}

/** For the organiser of the event and administrators: refunding an order. */
export function refundRoute(api: HttpServer, once: Once, json: PaymentJson, refundOrder: RefundOrder): void {
  api.post(
    '/api/order/:orderId/refund',
    {
      config: {
        permission: 'order.refund',
        refuses: [
          'order_not_found',
          'payment_refused',
          'payments_unavailable',
          'refund_not_possible',
          'price_not_chargeable',
        ],
      },
      schema: {
        tags: TAGS,
        summary: 'Refund a completed order in whole or in part; for the organiser of its event and administrators',
        params: OrderParamsSchema,
        body: RefundRequestSchema,
        headers: onceHeaders,
        response: { 200: RefundSchema, ...problems },
      },
      // A request without a body refunds all that is left.
      async preValidation(request) {
        request.body ??= {};
      },
    },
    (request, reply) =>
      once.answer(request, reply, { status: OK, body: (issued: RefundIssued) => json.refund(issued) }, () =>
        refundOrder.refund(toOrderId(request.params), json.refundRequest(request.body), principalOf(request)),
      ),
  );
}

/** For administrators: refunds and webhooks that wait for a person. */
export function repairRoutes(api: HttpServer, once: Once, stuckPayments: StuckPayments): void {
  const none = { status: NO_CONTENT, body: () => null };
  const permission = 'payment.repair';

  api.get(
    '/api/order/admin/payments',
    {
      config: { permission },
      schema: {
        tags: TAGS,
        summary: 'List refunds and webhooks that wait for a person, oldest first, with the reason; for administrators',
        querystring: Type.Object({ state: Type.Literal('stuck', { examples: ['stuck'] }) }),
        response: { 200: Type.Array(StuckPaymentSchema), ...problems },
      },
    },
    async (request) => (await stuckPayments.list(principalOf(request))).map(toWireStuck),
  );

  api.post(
    '/api/order/admin/payments/:id/retry',
    {
      config: { permission, refuses: ['payment_not_stuck'] },
      schema: {
        tags: TAGS,
        summary: 'Try a stuck refund or webhook again; for administrators',
        params: StuckParamsSchema,
        headers: onceHeaders,
        response: { 204: Type.Null({ description: 'The next try follows at once' }), ...problems },
      },
    },
    (request, reply) =>
      once.answer(request, reply, none, () => stuckPayments.retry(request.params.id, principalOf(request))),
  );

  api.post(
    '/api/order/admin/payments/:id/settled',
    {
      config: { permission, refuses: ['payment_not_stuck'] },
      schema: {
        tags: TAGS,
        summary: 'Mark a stuck refund as paid in another way, or as one that voids no ticket; for administrators',
        params: Type.Object({ id: Uuid('The refund') }),
        headers: onceHeaders,
        body: SettledSchema,
        response: { 204: Type.Null({ description: 'The refund is done' }), ...problems },
      },
    },
    (request, reply) => {
      const { id } = request.params;
      const { reference } = request.body;
      return once.answer(request, reply, none, () =>
        stuckPayments.markRefunded(id.toLowerCase(), reference, principalOf(request)),
      );
    },
  );
}

type Receive = (body: Buffer, signature: string | undefined) => Promise<void>;

/** For Stripe: webhooks. */
export function webhookRoutes(api: HttpServer, receive: Receive): void {
  api.register(async (raw) => {
    // The signature covers the exact bytes, so the body must not be parsed before it is verified.
    raw.removeAllContentTypeParsers();
    raw.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    for (const path of WEBHOOK_PATHS) webhookRoute(raw as unknown as HttpServer, path, receive);
  });
}

function webhookRoute(scope: HttpServer, path: string, receive: Receive): void {
  scope.post(
    path,
    {
      config: {
        access: 'public',
        refuses: ['webhook_signature_invalid', 'invalid_request', 'body_too_large', 'database_unavailable'],
      },
      bodyLimit: MAX_WEBHOOK_BYTES,
      schema: {
        tags: TAGS,
        summary: 'Receive a signed event of Stripe; each event takes effect once',
        response: { 200: WebhookResponseSchema, ...problems },
      },
    },
    async (request) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const signature = request.headers['stripe-signature'];
      await receive(body, Array.isArray(signature) ? signature[0] : signature);
      return { received: true };
    },
  );
}
