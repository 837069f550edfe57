import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type RefundElsewhere,
  sharesOf,
  ticketsCovered,
  ticketsRefunded,
} from '../../../src/features/payments/ticket-share.ts';
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

/** The seats of the tickets, in alphabetical order. */
const seatsOf = (tickets: readonly Ticket[] | 'unclear') =>
  tickets === 'unclear' ? tickets : tickets.map((ticket) => ticket.seatId).toSorted();

describe('the tickets that a refunded amount covers', () => {
  test.each<[string, Sold, number, string[] | 'unclear']>([
    ['they are the one of that price', orderOf([90, 70, 55]), 70, ['A1']],
    ['they are two of those prices, not the dearest', orderOf([90, 70, 55]), 125, ['A1', 'A2']],
    ['they are all of them', orderOf([90, 70, 55]), 215, ['A0', 'A1', 'A2']],
    ['they are all tickets of one price', orderOf([90, 70, 70]), 140, ['A1', 'A2']],
    ['there are none for an amount that no tickets add up to', orderOf([90, 70, 55]), 100, []],
    ['there are none for nothing', orderOf([90, 70, 55]), 0, []],
    ['there are none for more than the whole price', orderOf([90, 70, 55]), 216, []],
    ['they do not include a free ticket', orderOf([90, 0]), 90, ['A0']],
    ['they are the unused ones of a price', orderOf([100, 100, 100], 0, [0, 2]), 100, ['A1']],
    ['they are all of a price but the used ones', orderOf([100, 100, 100], 0, [1]), 200, ['A0', 'A2']],
    ['they are found by their shares when there was a discount', orderOf([90, 70, 40], 100), 45, ['A0']],
    ['there are none for a full price when there was a discount', orderOf([90, 70, 40], 100), 90, []],
    ['refund-ambiguous: they are unclear when a dearer one costs the same', orderOf([50, 30, 20]), 50, 'unclear'],
    ['they are unclear among tickets of the same price', orderOf([100, 100, 70]), 100, 'unclear'],
    ['they are unclear among used tickets of the same price', orderOf([100, 100], 0, [0, 1]), 100, 'unclear'],
    ['they are unclear when one choice is used and the other is not', orderOf([50, 30, 20], 0, [0]), 50, 'unclear'],
  ])('%s', (_name, order, amount, seats) => {
    expect(seatsOf(covers(order, amount))).toEqual(seats);
  });

  test('they add up to the amount; they are unclear when others do as well, and never missing', () => {
    fc.assert(
      fc.property(anyOrder, fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), (order, chosen) => {
        const share = shareIn(order);
        const some = order.tickets.filter((ticket, at) => chosen[at] && share(ticket) > 0);
        const amount = total(some.map(share));
        const covered = covers(order, amount);
        const shares = (tickets: readonly Ticket[]) => tickets.map(share).toSorted((a, b) => a - b);
        if (covered !== 'unclear') expect(shares(covered)).toEqual(shares(some));
        else expect(some.length).toBeGreaterThan(0);
      }),
    );
  });

  test('share-of-refund: they are found for the odd minor unit of a price that does not divide', () => {
    const order = orderOf([5_000, 5_000, 5_000], 5_000);
    expect(covers(order, 3_334)).toHaveLength(1);
    expect(covers(order, 3_333)).toBe('unclear');
    expect(covers(order, 6_666)).toHaveLength(2);
    expect(covers(order, 3_335)).toEqual([]);
  });

  test('they are unclear when very many prices make the search too long', () => {
    const order = orderOf(Array.from({ length: 100 }, (_, at) => 1_000_003 + at * at * 7_919));
    expect(covers(order, order.price - 1)).toBe('unclear');
  });
});

describe('the tickets of refunds made at Stripe', () => {
  const order = orderOf([50, 30, 20]);
  const [dear, middle, cheap] = order.tickets as [Ticket, Ticket, Ticket];
  const refunded = (...refunds: RefundElsewhere[]) =>
    ticketsRefunded(refunds, order.tickets, sharesOf(order.tickets, order.price, STEP));
  const refund = (amountMinor: number, ticketId?: Ticket['ticketId']) => ({
    providerId: 're_1',
    amountMinor,
    isDispute: false,
    ticketId,
  });

  test('refund-ambiguous: they are the ones that the refunds name, whatever the amount', () => {
    expect(refunded(refund(50, dear.ticketId))).toEqual({ found: new Map([['re_1', [dear.ticketId]]]), unclear: [] });
    const second = { ...refund(18, cheap.ticketId), providerId: 're_2' };
    expect(refunded(refund(50, middle.ticketId), second)).toEqual({
      found: new Map([
        ['re_1', [middle.ticketId]],
        ['re_2', [cheap.ticketId]],
      ]),
      unclear: [],
    });
  });

  test('they are unclear for a refund that names a ticket of another order', () => {
    const other = builtTicket('B1').ticketId;
    expect(refunded(refund(50, other))).toEqual({ found: new Map(), unclear: ['re_1'] });
  });

  test('they are unclear for a dispute that adds up to none, while a refund may have another reason', () => {
    expect(refunded(refund(25))).toEqual({ found: new Map([['re_1', []]]), unclear: [] });
    expect(refunded({ ...refund(25), isDispute: true })).toEqual({ found: new Map(), unclear: ['re_1'] });
  });

  test('each refund is looked at by itself, among the tickets that are left', () => {
    const [first, second] = [refund(30), { ...refund(50), providerId: 're_2' }];
    expect(refunded(first, second)).toEqual({
      found: new Map([
        ['re_1', [middle.ticketId]],
        ['re_2', [dear.ticketId]],
      ]),
      unclear: [],
    });
  });
});
