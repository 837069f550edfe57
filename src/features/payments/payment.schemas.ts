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

export const WebhookResponseSchema = Type.Object(
  { received: Type.Boolean() },
  { examples: [{ received: true }] },
);
