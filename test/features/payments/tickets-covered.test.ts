import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sharesOf, ticketsCovered } from '../../../src/features/payments/ticket-share.ts';
import type { Ticket } from '../../../src/features/tickets/index.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { money } from '../../../src/kernel/money.ts';
import { builtTicket } from '../../support/built-orders.ts';

const AT = instant(0);

interface Sold {
  readonly tickets: readonly Ticket[];
  readonly price: ReturnType<typeof money>;
}

/** An order of tickets at these prices, with this much off. */
function orderOf(prices: readonly number[], off = 0, used: readonly number[] = []): Sold {
  const tickets = prices.map((price, at) =>
    builtTicket(`A${at}`, { price: money(price), checkedInAt: used.includes(at) ? AT : undefined }),
  );
  const subtotal = prices.reduce((total, price) => total + price, 0);
  return { tickets, price: money(subtotal - off) };
}

/** A refund of one minor unit is possible. */
const STEP = 1;
const shareIn = (order: Sold) => {
  const shares = sharesOf(order.tickets, order.price, STEP);
  return (ticket: Ticket) => shares.get(ticket.ticketId) ?? 0;
};
const covers = (order: Sold, amount: number) =>
  ticketsCovered(order.tickets, sharesOf(order.tickets, order.price, STEP), amount);
const total = (amounts: readonly number[]) => amounts.reduce((sum, each) => sum + each, 0);

/** Orders of up to eight tickets, some of them used, with or without a discount. */
const anyOrder = fc
  .record({
    prices: fc.array(fc.nat({ max: 100_000 }), { minLength: 1, maxLength: 8 }),
    share: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true })),
    used: fc.uniqueArray(fc.nat({ max: 7 })),
  })
  .map(({ prices, share, used }) => orderOf(prices, Math.floor(total(prices) * share), used));

describe('the tickets that a refunded amount covers', () => {
  const seatsFor = (amount: number, order: Sold) => covers(order, amount).map((ticket) => ticket.seatId);

  test.each<[string, number[], number, string[]]>([
    ['they are the one of that price', [90, 70, 55], 70, ['A1']],
    ['they are two of those prices, not the dearest', [90, 70, 55], 125, ['A1', 'A2']],
    ['they are all of them', [90, 70, 55], 215, ['A0', 'A1', 'A2']],
    ['there are none for an amount that no tickets add up to', [90, 70, 55], 100, []],
    ['there are none for nothing', [90, 70, 55], 0, []],
    ['there are none for more than the whole price', [90, 70, 55], 216, []],
    ['they do not include a free ticket', [90, 0], 90, ['A0']],
  ])('are %s', (_name, prices, amount, seats) => {
    expect(seatsFor(amount, orderOf(prices)).toSorted()).toEqual(seats);
  });

  test('they are unused ones where there is a choice', () => {
    expect(seatsFor(100, orderOf([100, 100, 100], 0, [0, 2]))).toEqual(['A1']);
    expect(seatsFor(100, orderOf([100, 100], 0, [0, 1]))).toHaveLength(1);
    expect(seatsFor(200, orderOf([100, 100, 100], 0, [0, 1])).toSorted()).toContain('A2');
  });

  test('they are found by their shares of the price when there was a discount', () => {
    expect(seatsFor(45, orderOf([90, 70, 40], 100))).toEqual(['A0']);
    expect(seatsFor(90, orderOf([90, 70, 40], 100))).toEqual([]);
  });

  test('their shares add up to the amount, for every amount that some tickets add up to', () => {
    fc.assert(
      fc.property(anyOrder, fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), (order, chosen) => {
        const share = shareIn(order);
        const some = order.tickets.filter((ticket, at) => chosen[at] && share(ticket) > 0);
        const amount = total(some.map(share));
        const covered = covers(order, amount);
        expect(total(covered.map(share))).toBe(amount);
        expect(new Set(covered).size).toBe(covered.length);
        for (const ticket of covered) expect(order.tickets).toContain(ticket);
        if (some.every((ticket) => !ticket.checkedInAt)) {
          expect(covered.every((ticket) => !ticket.checkedInAt)).toBe(true);
        }
      }),
    );
  });

  test('share-of-refund: they are found for the odd minor unit of a price that does not divide', () => {
    const order = orderOf([5_000, 5_000, 5_000], 5_000);
    expect(covers(order, 3_334)).toHaveLength(1);
    expect(covers(order, 3_333)).toHaveLength(1);
    expect(covers(order, 3_335)).toEqual([]);
  });

  test('there are none when very many prices make the search too long', () => {
    const order = orderOf(Array.from({ length: 100 }, (_, at) => 1_000_003 + at * at * 7_919));
    expect(covers(order, order.price - 1)).toEqual([]);
  });
});
