import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  amend,
  cancel,
  complete,
  type Order,
  place,
  rebook,
  ticketFor,
  withdraw,
} from '../../../src/features/orders/order.ts';
import { saleChanges, totalOf } from '../../../src/features/sales/index.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { as } from '../../../src/kernel/ids.ts';
import { bigSum, money, sum } from '../../../src/kernel/money.ts';

const AT = instant(1_000_000);

/** A pending order of some tickets in some tiers, with or without a discount. */
const pending = fc
  .record({
    prices: fc.array(fc.integer({ min: 0, max: 50_000 }), { minLength: 1, maxLength: 5 }),
    tiers: fc.integer({ min: 1, max: 3 }),
    discount: fc.option(fc.integer({ min: 0, max: 500 }), { nil: undefined }),
    placedAt: fc.integer({ min: 0, max: 10_000_000_000 }),
  })
  .map(({ prices, tiers, discount, placedAt }): Order => {
    const tickets = prices.map((price, at) =>
      ticketFor(
        {
          seatId: as(`seat ${at}`),
          label: `A${at}`,
          tier: { id: as(`tier ${at % tiers}`), name: `Tier ${at % tiers}`, color: '#fff' },
          price: money(price),
        },
        { ticketId: as(`ticket ${at}`), orderId: as('order'), sessionId: as('session'), issuedAt: AT },
      ),
    );
    const subtotal = sum(tickets.map(({ price }) => price));
    const discountAmount = money(Math.min(subtotal, discount ?? 0));
    return place(
      {
        orderId: as('order'),
        userId: as('user'),
        eventId: as('event'),
        organizationId: as('organization'),
        sessionId: as('session'),
        discount: discount === undefined ? undefined : { id: as('discount'), code: 'EARLY' },
        discountAmount,
        price: money(subtotal - discountAmount),
        createdAt: instant(placedAt),
        tickets,
      },
      1_000,
    );
  });

type Step = 'complete' | 'expire' | 'refund' | 'dispute' | 'rebook' | 'withdraw' | 'amend';
const step = fc.constantFrom<Step[]>(
  'complete',
  'complete',
  'expire',
  'refund',
  'dispute',
  'rebook',
  'withdraw',
  'amend',
);

/** The order after a step; the same order where its state does not allow the step. */
function taken(order: Order, name: Step): Order {
  const [first] = order.tickets;
  const transition = {
    complete: () => complete(order, AT),
    expire: () => cancel(order, 'expired', AT),
    refund: () => cancel(order, 'refunded', AT),
    dispute: () => cancel(order, 'payment', AT),
    rebook: () => rebook(order, AT),
    withdraw: () => withdraw(order, new Set(first ? [first.ticketId] : []), 'organiser'),
    amend: () => (first ? amend(order, { ...first, seatLabel: 'Z9' }) : ({ outcome: 'none' } as const)),
  }[name]();
  return transition.outcome === 'changed' ? transition.order : order;
}

const lives = fc.array(
  fc.record({ placed: pending, steps: fc.array(step, { maxLength: 8 }) }).map(({ placed, steps }) => {
    const states = [placed];
    for (const name of steps) states.push(taken(states.at(-1) ?? placed, name));
    return states;
  }),
  { minLength: 1, maxLength: 5 },
);

/** The same figures, counted from the final orders. */
function soldIn(orders: readonly Order[]) {
  const completed = orders.filter(({ status }) => status === 'completed');
  return {
    orders: completed.length,
    tickets: completed.reduce((total, { tickets }) => total + tickets.length, 0),
    revenue: BigInt(sum(completed.map(({ price }) => price))),
    beforeDiscounts: BigInt(sum(completed.map(({ subtotal }) => subtotal))),
  };
}

/** Every change of an order, in order. */
function changesOf(lives: readonly (readonly Order[])[]) {
  return lives.flatMap((states) =>
    states.slice(1).flatMap((to, at) => {
      const from = states[at];
      return from ? [{ from, to }] : [];
    }),
  );
}

test('the changes of sales add up to the completed orders', () => {
  fc.assert(
    fc.property(lives, (orders) => {
      const changes = changesOf(orders).flatMap((change) => saleChanges([change]));
      const ends = orders.flatMap((states) => states.slice(-1));
      const sold = soldIn(ends);
      expect(totalOf(changes.map(({ difference }) => difference))).toEqual(sold);
      const [tiers, discounts] = [changes.flatMap((each) => each.tiers), changes.flatMap((each) => each.discounts)];
      expect(tiers.reduce((total, { tickets }) => total + tickets, 0)).toBe(sold.tickets);
      const completed = ends.filter(({ status }) => status === 'completed');
      const good = completed.flatMap(({ tickets }) => tickets);
      expect(bigSum(tiers.map(({ revenue }) => revenue))).toBe(BigInt(sum(good.map(({ price }) => price))));
      const discounted = completed.filter(({ discount }) => discount);
      expect(discounts.reduce((total, { uses }) => total + uses, 0)).toBe(discounted.length);
      expect(bigSum(discounts.map(({ amount }) => amount))).toBe(
        BigInt(sum(discounted.map(({ discountAmount }) => discountAmount))),
      );
    }),
  );
});

test('many changes at once count as they do one by one, and each completion is announced once', () => {
  fc.assert(
    fc.property(lives, (orders) => {
      const all = changesOf(orders);
      const together = saleChanges(all);
      expect(together).toEqual(all.flatMap((change) => saleChanges([change])));
      const completions = all.filter(({ from, to }) => from.status !== 'completed' && to.status === 'completed');
      expect(together.filter(({ isCompletion }) => isCompletion).map(({ order }) => order)).toEqual(
        completions.map(({ to }) => to),
      );
    }),
  );
});
