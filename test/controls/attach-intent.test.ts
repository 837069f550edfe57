import { expect, test } from 'vitest';
import type { Arena } from '../support/arena.ts';
import { ledgerOf } from '../support/ledger.ts';
import { inStretches } from '../support/schedules.ts';
import { guarded, unguarded } from './open-arena.ts';

/** An order is cancelled while its page asks for a PaymentIntent; what the page is told, and what its order can be paid by. */
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
  return { told: answers.page.status, status, isPayable, cancelled: answers.buyer.status };
}

test('with the comparison in the update a page is given nothing to pay for an order that is cancelled', async () => {
  expect(await cancelInTheMiddleOfOffer(await guarded())).toEqual({
    told: 409,
    status: 'cancelled',
    isPayable: false,
    cancelled: 204,
  });
});

test('without the comparison in the update an order that is cancelled has a PaymentIntent that can be paid (I2)', async () => {
  const comparison = {
    statement: 'order-attach-intent',
    text: /AND status[\s\S]*RETURNING/,
    becomes: 'AND $4::numeric IS NOT NULL RETURNING',
  };
  expect(await cancelInTheMiddleOfOffer(await unguarded([comparison]))).toEqual({
    told: 409,
    status: 'cancelled',
    isPayable: true,
    cancelled: 204,
  });
});
