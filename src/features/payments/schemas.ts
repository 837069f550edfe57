import { Type } from 'typebox';
import { PLAIN_TEXT, Uuid } from '../../platform/http/schemas.ts';
import { ORDER_EXAMPLE, OrderSchema } from '../orders/index.ts';

export const PaymentIntentResponseSchema = Type.Object(
  {
    clientSecret: Type.String({ description: 'Secret with which a page confirms the payment' }),
    paymentIntentId: Type.String(),
    seatLockDurationMins: Type.Integer({ description: 'Minutes left of the hold, rounded up; 0 when it has ended' }),
    publishableKey: Type.Optional(
      Type.String({ description: 'Stripe’s publishable key; absent when STRIPE_PUBLISHABLE_KEY is not set' }),
    ),
    order: OrderSchema,
  },
  {
    examples: [
      {
        clientSecret: 'pi_3Abc_secret_def',
        paymentIntentId: 'pi_3Abc',
        seatLockDurationMins: 5,
        publishableKey: 'pk_live_Abc',
        order: ORDER_EXAMPLE,
      },
    ],
  },
);

const MAX_REASON_CHARS = 300;

export const RefundRequestSchema = Type.Object(
  {
    amount: Type.Optional(
      Type.Union([Type.Number({ exclusiveMinimum: 0 }), Type.Null()], {
        description: 'Major units; when absent, all that is left is refunded and the order is cancelled',
      }),
    ),
    reason: Type.Optional(
      Type.String({ maxLength: MAX_REASON_CHARS, ...PLAIN_TEXT, description: 'Stored with the refund' }),
    ),
  },
  { examples: [{ amount: 50, reason: 'the view was blocked' }] },
);

export const SettledSchema = Type.Object(
  {
    reference: Type.String({
      minLength: 1,
      maxLength: MAX_REASON_CHARS,
      ...PLAIN_TEXT,
      description: 'How the refund was paid, such as the number of a bank transfer; stored with the refund',
    }),
  },
  { examples: [{ reference: 'bank transfer 2026-11-24/17' }] },
);

export const RefundSchema = Type.Object(
  {
    refund_id: Uuid('The refund'),
    amount: Type.Number({ description: 'Major units' }),
    reason: Type.String(),
    order: OrderSchema,
  },
  {
    examples: [
      {
        refund_id: '4c9a1f0e-6a1f-4b39-8d53-1d8f6c0a7e11',
        amount: 50,
        reason: 'the view was blocked',
        order: ORDER_EXAMPLE,
      },
    ],
  },
);

export const StuckPaymentSchema = Type.Object(
  {
    kind: Type.Union([Type.Literal('refund'), Type.Literal('webhook')]),
    id: Type.String({ description: 'Id of the refund, or of Stripe’s event for a webhook' }),
    order_id: Type.String({ description: 'Empty when unknown' }),
    payment_intent_id: Type.String({ description: 'Empty when unknown' }),
    amount_minor: Type.Union([Type.Integer(), Type.Null()]),
    currency: Type.String({ description: 'Empty when unknown' }),
    attempts: Type.Integer(),
    last_error: Type.String(),
    received_at: Type.String({ description: 'RFC 3339 in UTC' }),
  },
  {
    examples: [
      {
        kind: 'refund',
        id: '4c9a1f0e-6a1f-4b39-8d53-1d8f6c0a7e11',
        order_id: '8d564400-1273-4e3c-9b7d-cc3beccd2b27',
        payment_intent_id: 'pi_3Abc',
        amount_minor: 15_050,
        currency: 'lkr',
        attempts: 12,
        last_error: 'The payment provider cannot be reached right now.',
        received_at: '2026-11-24T03:17:15.905Z',
      },
    ],
  },
);

/** The characters of ids of refunds and of Stripe's events. */
export const StuckParamsSchema = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9_-]+$', examples: ['pi_3Abc'] }),
});

export const WebhookResponseSchema = Type.Object({ received: Type.Boolean() }, { examples: [{ received: true }] });
