import { expect, test } from 'vitest';
import { type Arena, payElsewhere } from '../support/arena.ts';
import { inStretches } from '../support/schedules.ts';
import { guarded, unguarded } from './open-arena.ts';

/** Two webhooks report the same money, and both are stored before a decision is made. */
async function reportedTwice(arena: Arena) {
  const orderId = await arena.platform.place(arena.buyer);
  const intentId = await payElsewhere(arena, orderId);
  await arena.interleaving.race(
    inStretches({ who: 'first', before: 'database order-lock' }, { who: 'again', before: 'database order-lock' }),
    {
      first: () => arena.reportPayment('first', orderId, intentId),
      again: () => arena.reportPayment('again', orderId, intentId, { ofReplica: true }),
    },
  );
  const [order] = await arena.rows('SELECT status FROM orders WHERE order_id = $1', [orderId]);
  const payments = await arena.rows('SELECT FROM payments WHERE payment_intent_id = $1', [intentId]);
  return { ...order, payments: payments.length };
}

test('with the payment’s key, money that is reported twice counts once', async () => {
  expect(await reportedTwice(await guarded())).toEqual({ status: 'completed', payments: 1 });
});

test('without the payment’s key, it is stored twice and completes nothing (I2, I7)', async () => {
  const key = { statement: 'payment-record', text: 'ON CONFLICT (payment_intent_id) DO NOTHING', becomes: '' };
  const arena = await unguarded([key], 'ALTER TABLE payments DROP CONSTRAINT payments_pkey CASCADE');
  expect(await reportedTwice(arena)).toEqual({ status: 'pending', payments: 2 });
});
