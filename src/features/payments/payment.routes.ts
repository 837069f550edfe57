import { type Static, Type } from 'typebox';
import { toRfc3339 } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Currency } from '../../kernel/money.ts';
import { principalOf } from '../../platform/http/authentication.ts';
import type { Once } from '../../platform/http/once.ts';
import { onceHeaders, problems, Uuid } from '../../platform/http/schemas.ts';
import type { HttpServer } from '../../platform/http/server.ts';
import { type Order, OrderParamsSchema, OrderSchema, toOrderId, toWireOrder } from '../orders/index.ts';
import {
  PaymentIntentResponseSchema,
  RefundRequestSchema,
  RefundSchema,
  SettledSchema,
  StuckParamsSchema,
  StuckPaymentSchema,
  WebhookResponseSchema,
} from './payment.schemas.ts';
import type { PaymentOffer, PaymentService } from './payment.service.ts';
import type { RefundIssued, RefundRequest, RefundService } from './refund.service.ts';
import type { StuckPayments } from './stuck.service.ts';
import type { StuckRow } from './stuck.store.ts';
import type { WebhookService } from './webhook.service.ts';

export interface PaymentRoutesOptions {
  readonly payments: PaymentService;
  readonly webhooks: WebhookService;
  readonly refunds: RefundService;
  readonly stuck: StuckPayments;
  readonly once: Once;
  readonly currency: Currency;
  /** The key that pages confirm payments with. */
  readonly publishableKey: string | undefined;
}

const TAGS = ['Payments'];
const OK = 200;
const NO_CONTENT = 204;
const WEBHOOK_PATHS = ['/api/webhook/stripe', '/api/order/webhook/stripe'];
/** Stripe's own events stay far below it. */
const MAX_WEBHOOK_BYTES = 262_144;

/** Payments over HTTP (contract section 1). */
export function paymentRoutes(scope: HttpServer, options: PaymentRoutesOptions): void {
  const { payments, webhooks, once, currency, publishableKey } = options;

  scope.post(
    '/api/order/:orderId/create-payment-intent',
    {
      schema: {
        tags: TAGS,
        summary: 'What the buyer’s page needs to take the payment; the same again while it can be paid',
        params: OrderParamsSchema,
        headers: onceHeaders,
        response: { 200: PaymentIntentResponseSchema, ...problems },
      },
    },
    async (request, reply) => {
      const body = (offer: PaymentOffer) => ({
        clientSecret: offer.intent.clientSecret,
        paymentIntentId: offer.intent.intentId,
        seatLockDurationMins: offer.minutesLeft,
        order: toWireOrder(offer.order, currency),
        ...(publishableKey === undefined ? {} : { publishableKey }),
      });
      return once.answer(request, reply, { status: OK, body }, () =>
        payments.offer(toOrderId(request.params), principalOf(request)),
      );
    },
  );

  scope.post(
    '/api/order/:orderId/checkout',
    {
      schema: {
        tags: TAGS,
        summary: 'Complete a free order, or a paid one whose money is there',
        params: OrderParamsSchema,
        headers: onceHeaders,
        response: { 200: OrderSchema, ...problems },
      },
    },
    async (request, reply) => {
      const body = (order: Order) => toWireOrder(order, currency);
      return once.answer(request, reply, { status: OK, body }, () =>
        payments.checkOut(toOrderId(request.params), principalOf(request)),
      );
    },
  );

  refundRoute(scope, options);
  stuckRoutes(scope, options);
  settledRoute(scope, options);
  scope.register(async (raw) => {
    // The signature is over the exact bytes: nothing may parse them first.
    raw.removeAllContentTypeParsers();
    raw.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    for (const path of WEBHOOK_PATHS) webhookRoute(raw as unknown as HttpServer, path, webhooks);
  });
}

function refundRoute(scope: HttpServer, { refunds, once, currency }: PaymentRoutesOptions): void {
  scope.post(
    '/api/order/:orderId/refund',
    {
      schema: {
        tags: TAGS,
        summary: 'Give money of a completed order back, all of it or a part; for administrators',
        params: OrderParamsSchema,
        body: RefundRequestSchema,
        headers: onceHeaders,
        response: { 200: RefundSchema, ...problems },
      },
      // Without a body everything is asked back.
      async preValidation(request) {
        request.body ??= {};
      },
    },
    async (request, reply) => {
      const body = (issued: RefundIssued) => ({
        refund_id: issued.refundId,
        amount: currency.toMajor(issued.amount),
        reason: issued.reason,
        order: toWireOrder(issued.order, currency),
      });
      return once.answer(request, reply, { status: OK, body }, () =>
        refunds.issue(
          toOrderId(request.params),
          toRefundRequest(request.body, currency),
          principalOf(request),
        ),
      );
    },
  );
}

function toRefundRequest(
  { amount, reason }: Static<typeof RefundRequestSchema>,
  currency: Currency,
): RefundRequest {
  const words = reason || 'given back by an administrator';
  if (amount === undefined || amount === null) return { amount: undefined, reason: words };
  const minor = currency.fromMajor(amount);
  if (minor !== undefined) return { amount: minor, reason: words };
  const problem = `has more decimals than ${currency.code.toUpperCase()}, or is too large`;
  throw new AppError('invalid_request', `body/amount: ${problem}`, {
    fields: [{ field: 'body/amount', reason: problem }],
  });
}

/** For administrators: money that was tried as often as it may be. */
function stuckRoutes(scope: HttpServer, { stuck, once }: PaymentRoutesOptions): void {
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
        headers: onceHeaders,
        response: { 204: Type.Null({ description: 'It is tried again at once' }), ...problems },
      },
    },
    async (request, reply) => {
      const none = { status: NO_CONTENT, body: () => null };
      return once.answer(request, reply, none, () => stuck.tryAgain(request.params.id, principalOf(request)));
    },
  );
}

/** For administrators: a refund that was paid out in another way. */
function settledRoute(scope: HttpServer, { refunds, once }: PaymentRoutesOptions): void {
  scope.post(
    '/api/order/admin/payments/:id/settled',
    {
      schema: {
        tags: TAGS,
        summary: 'A stuck refund was paid out in another way: it is done; for administrators',
        params: Type.Object({ id: Uuid('The refund') }),
        headers: onceHeaders,
        body: SettledSchema,
        response: { 204: Type.Null({ description: 'It is written down as done' }), ...problems },
      },
    },
    async (request, reply) => {
      const none = { status: NO_CONTENT, body: () => null };
      const { reference } = request.body;
      return once.answer(request, reply, none, () =>
        refunds.settleByHand(request.params.id.toLowerCase(), reference, principalOf(request)),
      );
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
