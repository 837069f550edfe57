import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sharesOf } from '../../../src/features/payments/ticket-share.ts';
import { as, type TicketId } from '../../../src/kernel/ids.ts';
import { money } from '../../../src/kernel/money.ts';

const ticketsAt = (prices: readonly number[]) =>
  prices.map((price, at) => ({ ticketId: as<TicketId>(`t${String(at).padStart(3, '0')}`), price: money(price) }));

const shares = (prices: readonly number[], price: number, step = 1) => {
  const tickets = ticketsAt(prices);
  const all = sharesOf(tickets, money(price), step);
  return tickets.map(({ ticketId }) => all.get(ticketId) as number);
};

test('a ticket’s share is its price when there is no discount', () => {
  expect(shares([100, 2_001, 0], 2_101)).toEqual([100, 2_001, 0]);
});

test('an indivisible remainder belongs to one of the tickets', () => {
  expect(shares([100, 100, 100], 100)).toEqual([33, 34, 33]);
  expect(shares([100, 100, 100], 1)).toEqual([0, 1, 0]);
});

test('shares are multiples of ten in a currency that refunds multiples of ten', () => {
  expect(shares([100, 100, 100], 100, 10)).toEqual([30, 40, 30]);
  // Cash is exempt: its smallest amount is one minor unit.
  expect(shares([100, 100], 101, 10).reduce((sum, share) => sum + share)).toBe(101);
});

test('an order that cost nothing has no shares, and a ticket of another order has no share', () => {
  expect(shares([0, 0], 0)).toEqual([0, 0]);
  expect(shares([100], 0)).toEqual([0]);
  expect(sharesOf(ticketsAt([100]), money(100), 1).get(as<TicketId>('other'))).toBeUndefined();
});

const orders = fc
  .record({
    prices: fc.array(fc.integer({ min: 0, max: 9_000_000 }), { minLength: 1, maxLength: 12 }),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
    step: fc.constantFrom(1, 10),
  })
  .map(({ prices, part, step }) => {
    const subtotal = prices.reduce((sum, price) => sum + price, 0);
    return { prices, subtotal, price: Math.floor((subtotal * part) / step) * step, step };
  });

test('all shares add up to the price, each within one step of its part, in any order of reading', () => {
  fc.assert(
    fc.property(orders, ({ prices, subtotal, price, step }) => {
      const all = shares(prices, price, step);
      expect(all.reduce((sum, share) => sum + share, 0)).toBe(subtotal === 0 ? 0 : price);
      for (const [at, share] of all.entries()) {
        const part = subtotal === 0 ? 0 : ((prices[at] ?? 0) * price) / subtotal;
        expect(Math.abs(share - part)).toBeLessThan(step + 1e-6);
        expect(share).toBeGreaterThanOrEqual(0);
      }
      const tickets = ticketsAt(prices);
      const [first] = tickets;
      const turned = first && sharesOf(tickets.toReversed(), money(price), step).get(first.ticketId);
      expect(turned).toBe(all[0]);
    }),
    { numRuns: 2_000 },
  );
});
