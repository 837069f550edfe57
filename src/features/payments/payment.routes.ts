import { type Static, Type } from 'typebox';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { Currency } from '../../kernel/money.ts';
import { principalOf } from '../../platform/http/authentication.ts';
import { problems } from '../../platform/http/schemas.ts';
import type { HttpServer } from '../../platform/http/server.ts';
import { toOrderId } from '../orders/order.routes.ts';
import { OrderParamsSchema, OrderSchema } from '../orders/order.schemas.ts';
import { toWireOrder } from '../orders/order.wire.ts';
import {
  PaymentIntentResponseSchema,
  StuckParamsSchema,
  StuckPaymentSchema,
  WebhookResponseSchema,
} from './payment.schemas.ts';
import type { PaymentService } from './payment.service.ts';
import type { StuckPayments } from './stuck.service.ts';
import type { StuckRow } from './stuck.store.ts';
import type { WebhookService } from './webhook.service.ts';

export interface PaymentRoutesOptions {
  readonly payments: PaymentService;
  readonly webhooks: WebhookService;
  readonly stuck: StuckPayments;
  readonly currency: Currency;
}

const TAGS = ['Payments'];
const NO_CONTENT = 204;
const WEBHOOK_PATHS = ['/api/webhook/stripe', '/api/order/webhook/stripe'];
/** Stripe's own events stay far below it. */
const MAX_WEBHOOK_BYTES = 262_144;

/** Payments over HTTP (contract section 1). */
export function paymentRoutes(
  scope: HttpServer,
  { payments, webhooks, stuck, currency }: PaymentRoutesOptions,
): void {
  scope.post(
    '/api/order/:orderId/create-payment-intent',
    {
      schema: {
        tags: TAGS,
        summary: 'What the buyer’s page needs to take the payment; the same again while it can be paid',
        params: OrderParamsSchema,
        response: { 200: PaymentIntentResponseSchema, ...problems },
      },
    },
    async (request) => {
      const offer = await payments.offer(toOrderId(request.params), principalOf(request));
      return {
        clientSecret: offer.intent.clientSecret,
        paymentIntentId: offer.intent.intentId,
        seatLockDurationMins: offer.minutesLeft,
        order: toWireOrder(offer.order, currency),
      };
    },
  );

  scope.post(
    '/api/order/:orderId/checkout',
    {
      schema: {
        tags: TAGS,
        summary: 'Complete a free order, or a paid one whose money is there',
        params: OrderParamsSchema,
        response: { 200: OrderSchema, ...problems },
      },
    },
    async (request) => {
      const order = await payments.checkOut(toOrderId(request.params), principalOf(request));
      return toWireOrder(order, currency);
    },
  );

  stuckRoutes(scope, stuck);
  scope.register(async (raw) => {
    // The signature is over the exact bytes: nothing may parse them first.
    raw.removeAllContentTypeParsers();
    raw.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    for (const path of WEBHOOK_PATHS) webhookRoute(raw as unknown as HttpServer, path, webhooks);
  });
}

/** For administrators: money that was tried as often as it may be. */
function stuckRoutes(scope: HttpServer, stuck: StuckPayments): void {
  scope.get(
    '/api/order/admin/payments',
    {
      schema: {
        tags: TAGS,
        summary: 'Refunds and webhooks that used up their tries, oldest first; for administrators',
        querystring: Type.Object({ state: Type.Literal('stuck', { examples: ['stuck'] }) }),
        response: { 200: Type.Array(StuckPaymentSchema), ...problems },
      },
    },
    async (request) => (await stuck.list(principalOf(request))).map(toWireStuck),
  );

  scope.post(
    '/api/order/admin/payments/:id/retry',
    {
      schema: {
        tags: TAGS,
        summary: 'Try a stuck refund or webhook again; for administrators',
        params: StuckParamsSchema,
        response: { 204: Type.Null({ description: 'It is tried again at once' }), ...problems },
      },
    },
    async (request, reply) => {
      await stuck.tryAgain(request.params.id, principalOf(request));
      return reply.code(NO_CONTENT).send(null);
    },
  );
}

function toWireStuck(row: StuckRow): Static<typeof StuckPaymentSchema> {
  return {
    kind: row.kind,
    id: row.id,
    order_id: row.order_id ?? '',
    payment_intent_id: row.payment_intent_id ?? '',
    amount_minor: row.amount_minor,
    currency: row.currency ?? '',
    attempts: row.attempts,
    last_error: row.last_error ?? '',
    received_at: toRfc3339(row.received_at),
  };
}

function webhookRoute(scope: HttpServer, path: string, webhooks: WebhookService): void {
  scope.post(
    path,
    {
      config: { access: 'public' },
      bodyLimit: MAX_WEBHOOK_BYTES,
      schema: {
        tags: TAGS,
        summary: 'Events of Stripe, signed; taken once however often they come',
        response: { 200: WebhookResponseSchema, ...problems },
      },
    },
    async (request) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const signature = request.headers['stripe-signature'];
      await webhooks.receive(body, Array.isArray(signature) ? signature[0] : signature);
      return { received: true };
    },
  );
}
