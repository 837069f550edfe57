import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Arena, openArena } from '../support/arena.ts';
import { ledgerOf } from '../support/ledger.ts';
import { inStretches } from '../support/schedules.ts';
import { guarded } from './open-arena.ts';
import { comparingNothing } from './stale-read.ts';

const withoutComparison = () => openArena({ watch: comparingNothing(), verified: false });

describe('the sweeper, when an order gets another PaymentIntent after the sweeper closed the previous one', () => {
  /** The page’s status, the order after one sweep, and whether its PaymentIntent can still be paid at Stripe. */
  async function offerInTheMiddleOfSweep(arena: Arena) {
    const token = arena.buyer;
    const orderId = await arena.platform.place(token);
    await arena.offer(orderId);
    const { answers } = await arena.interleaving.race(
      inStretches(
        { who: 'page', before: 'stripe findIntent' },
        { who: 'sweeper', before: 'database orders-lock' },
        { who: 'page' },
      ),
      {
        page: () => arena.call('page', 'POST', `/api/order/${orderId}/create-payment-intent`, { token }),
        async sweeper() {
          await arena.endHold(orderId);
          await arena.sweep();
        },
      },
    );
    const { status, intentId, open } = await ledgerOf(arena, orderId);
    return { page: answers.page.status, status, isPayable: intentId !== null && open.has(intentId) };
  }

  test('with the comparison, it leaves the order pending so that the new PaymentIntent is closed first', async () => {
    expect(await offerInTheMiddleOfSweep(await guarded())).toEqual({ page: 409, status: 'pending', isPayable: true });
  });

  test('without the comparison, it ends the order while its PaymentIntent can still be paid (I2)', async () => {
    expect(await offerInTheMiddleOfSweep(await withoutComparison())).toEqual({
      page: 409,
      status: 'cancelled',
      isPayable: true,
    });
  });
});

describe('a change, when a page gets a PaymentIntent after the order was read', () => {
  /** The price of the order, and the amount that the page can pay for it. */
  async function offerInTheMiddleOfChange(arena: Arena) {
    const token = arena.buyer;
    const seatIds = [randomUUID(), randomUUID()];
    const orderId = await arena.platform.place(token, seatIds.slice(0, 1));
    const { answers } = await arena.interleaving.race(
      inStretches({ who: 'buyer', before: 'database order-lock' }, { who: 'page' }),
      {
        buyer: () => arena.call('buyer', 'PUT', `/api/order/${orderId}`, { token, body: { seat_ids: seatIds } }),
        page: () => arena.call('page', 'POST', `/api/order/${orderId}/create-payment-intent`, { token }),
      },
    );
    const { price, open } = await ledgerOf(arena, orderId);
    return { price, payable: open.get(answers.page.body.paymentIntentId) };
  }

  test('with the comparison, the old PaymentIntent can no longer be paid', async () => {
    expect(await offerInTheMiddleOfChange(await guarded())).toEqual({ price: 20_000, payable: undefined });
  });

  test('without the comparison, an amount other than the price can be paid (I8)', async () => {
    expect(await offerInTheMiddleOfChange(await withoutComparison())).toEqual({ price: 20_000, payable: 10_000 });
  });
});
