import { Type } from 'typebox';
import { ORDER_EXAMPLE, OrderSchema } from '../orders/order.schemas.ts';

export const PaymentIntentResponseSchema = Type.Object(
  {
    clientSecret: Type.String({ description: 'What a page confirms the payment with' }),
    paymentIntentId: Type.String(),
    seatLockDurationMins: Type.Integer({ description: 'Whole minutes left of the hold' }),
    order: OrderSchema,
  },
  {
    examples: [
      {
        clientSecret: 'pi_3Abc_secret_def',
        paymentIntentId: 'pi_3Abc',
        seatLockDurationMins: 4,
        order: ORDER_EXAMPLE,
      },
    ],
  },
);

export const StuckPaymentSchema = Type.Object(
  {
    kind: Type.Union([Type.Literal('refund'), Type.Literal('webhook')]),
    id: Type.String({
      description: 'What to try again: the PaymentIntent of a refund, the event of a webhook',
    }),
    order_id: Type.String({ description: 'Empty: unknown' }),
    payment_intent_id: Type.String({ description: 'Empty: unknown' }),
    amount_minor: Type.Union([Type.Integer(), Type.Null()]),
    currency: Type.String({ description: 'Empty: unknown' }),
    attempts: Type.Integer(),
    last_error: Type.String(),
    received_at: Type.String({ description: 'RFC 3339 in UTC' }),
  },
  {
    examples: [
      {
        kind: 'refund',
        id: 'pi_3Abc',
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

/** What a provider's ids are made of. */
export const StuckParamsSchema = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9_-]+$', examples: ['pi_3Abc'] }),
});

export const WebhookResponseSchema = Type.Object(
  { received: Type.Boolean() },
  { examples: [{ received: true }] },
);
