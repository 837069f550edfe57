import { expect, test } from 'vitest';
import { type Arena, payElsewhere } from '../support/arena.ts';
import { inStretches } from '../support/schedules.ts';
import { findings, guarded, unguarded } from './open-arena.ts';

/** The money of an order arrives when its cancel has read the order and not yet written it. */
async function payInTheMiddleOfCancel(arena: Arena) {
  const orderId = await arena.platform.place(arena.buyer);
  const intentId = await payElsewhere(arena, orderId);
  await arena.interleaving.race(inStretches({ who: 'buyer', before: 'database order-save-state' }, { who: 'stripe' }), {
    buyer: () => arena.call('buyer', 'DELETE', `/api/order/${orderId}`, { token: arena.buyer }),
    stripe: () => arena.reportPayment('stripe', orderId, intentId),
  });
  await arena.rest();
  const [order] = await arena.rows('SELECT status FROM orders WHERE order_id = $1', [orderId]);
  const [payment] = await arena.rows('SELECT state FROM payments WHERE order_id = $1', [orderId]);
  return { order, payment, findings: await findings(arena) };
}

test('with the order’s lock, the payment waits and is refunded', async () => {
  expect(await payInTheMiddleOfCancel(await guarded())).toEqual({
    order: { status: 'cancelled' },
    payment: { state: 'refunded' },
    findings: [],
  });
});

test('without the order’s lock, money is kept for a cancelled order (I2)', async () => {
  const arena = await unguarded([{ statement: 'order-lock', text: 'FOR UPDATE', becomes: '' }]);
  expect(await payInTheMiddleOfCancel(arena)).toEqual({
    order: { status: 'cancelled' },
    payment: { state: 'applied' },
    // The totals of sales count both, too.
    findings: expect.arrayContaining(['I2 money pays for an order that is not completed']),
  });
});
