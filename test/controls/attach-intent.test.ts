import { expect, test } from 'vitest';
import type { Arena } from '../support/arena.ts';
import { ledgerOf } from '../support/ledger.ts';
import { inStretches } from '../support/schedules.ts';
import { guarded, unguarded } from './open-arena.ts';

/**
 * Cancels an order while its page asks for a PaymentIntent; returns the page’s answer and what the order can
 * be paid with.
 */
async function cancelInTheMiddleOfOffer(arena: Arena) {
  const orderId = await arena.platform.place(arena.buyer);
  const token = arena.buyer;
  const { answers } = await arena.interleaving.race(
    inStretches({ who: 'page', before: 'database order-attach-intent' }, { who: 'buyer' }),
    {
      page: () => arena.call('page', 'POST', `/api/order/${orderId}/create-payment-intent`, { token }),
      buyer: () => arena.call('buyer', 'DELETE', `/api/order/${orderId}`, { token }),
    },
  );
  const { status, intentId, open } = await ledgerOf(arena, orderId);
  const isPayable = intentId !== null && open.has(intentId);
  return { page: answers.page.status, status, isPayable, cancelled: answers.buyer.status };
}

test('with the comparison in the update, the page of a cancelled order gets no PaymentIntent', async () => {
  expect(await cancelInTheMiddleOfOffer(await guarded())).toEqual({
    page: 409,
    status: 'cancelled',
    isPayable: false,
    cancelled: 204,
  });
});

test('without the comparison in the update, a cancelled order has a payable PaymentIntent (I2)', async () => {
  const comparison = {
    statement: 'order-attach-intent',
    text: /AND status[\s\S]*RETURNING/,
    becomes: 'AND $4::numeric IS NOT NULL RETURNING',
  };
  expect(await cancelInTheMiddleOfOffer(await unguarded([comparison]))).toEqual({
    page: 409,
    status: 'cancelled',
    isPayable: true,
    cancelled: 204,
  });
});
