import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  acceptsLateMoney,
  type ChangeRequest,
  cancel,
  change,
  complete,
  holdMinutesLeft,
  notPending,
  type Order,
  type PendingOrder,
  planChange,
  rebook,
  refundLate,
  requireHeld,
  seatOf,
  ticketFor,
  withdraw,
} from '../../../src/features/orders/order.ts';
import type { Ticket } from '../../../src/features/tickets/ticket.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { as } from '../../../src/kernel/ids.ts';
import { money } from '../../../src/kernel/money.ts';
import { BUILT_AT, builtTicket, orderAfter, pendingOrder } from '../../support/built-orders.ts';

const NOW = BUILT_AT;
const LATER = instant(2_000_000);

const ticket = (price: number) =>
  builtTicket('A1', { ticketId: as<Ticket['ticketId']>('ticket'), price: money(price) });

const pending = (discountAmount = 0, price = 300) =>
  pendingOrder({ tickets: [ticket(100), ticket(200)], discountAmount, price });

const completed = () => orderAfter(complete(pending(), LATER));
const cancelled = () => orderAfter(cancel(pending(), 'expired', LATER));

describe('placing an order', () => {
  test('it sums the seats, and ends with the hold', () => {
    expect(pending(50, 250)).toMatchObject({
      status: 'pending',
      subtotal: 300,
      price: 250,
      expiresAt: NOW + 300_000,
      paymentAttempt: 0,
    });
  });

  test('it refuses a price that does not add up', () => {
    expect(() => pending(50, 300)).toThrow('price 300');
  });
});

describe('transitions of an order', () => {
  test('a pending order becomes completed', () => {
    expect(completed()).toMatchObject({ status: 'completed', completedAt: LATER });
    expect(completed()).not.toHaveProperty('expiresAt');
  });

  test.each(['buyer', 'expired', 'payment', 'admin'] as const)(
    'a pending order becomes cancelled by %s, and its tickets become void',
    (reason) => {
      const order = orderAfter(cancel(pending(), reason, LATER));
      expect(order).toMatchObject({ status: 'cancelled', reason, cancelledAt: LATER });
      expect(order.tickets.map(({ voidedAt }) => voidedAt)).toEqual([LATER, LATER]);
    },
  );

  test('a completed order becomes cancelled only by an administrator', () => {
    expect(cancel(completed(), 'buyer', LATER)).toEqual({ outcome: 'not_possible', status: 'completed' });
    expect(cancel(completed(), 'expired', LATER)).toEqual({ outcome: 'not_possible', status: 'completed' });
    expect(orderAfter(cancel(completed(), 'admin', LATER))).toMatchObject({ status: 'cancelled', reason: 'admin' });
  });

  test('a cancelled order becomes completed by rebooking, and its tickets are live again', () => {
    const order = orderAfter(rebook(cancelled(), LATER));
    expect(order).toMatchObject({ status: 'completed', completedAt: LATER });
    expect(order.tickets.map(({ voidedAt }) => voidedAt)).toEqual([undefined, undefined]);
    expect(order).not.toHaveProperty('reason');
  });

  test('no other transition is possible', () => {
    expect(complete(completed(), LATER)).toEqual({ outcome: 'not_possible', status: 'completed' });
    expect(complete(cancelled(), LATER)).toEqual({ outcome: 'not_possible', status: 'cancelled' });
    expect(cancel(cancelled(), 'admin', LATER)).toEqual({ outcome: 'not_possible', status: 'cancelled' });
    expect(rebook(pending(), LATER)).toEqual({ outcome: 'not_possible', status: 'pending' });
    expect(rebook(completed(), LATER)).toEqual({ outcome: 'not_possible', status: 'completed' });
  });
});

describe('the hold of an order', () => {
  test.each([
    [0, true, 5],
    [1, true, 5],
    [60_000, true, 4],
    [239_999, true, 2],
    [240_000, true, 1],
    [256_000, true, 1],
    [299_999, true, 1],
    [300_000, false, 0],
    [900_000, false, 0],
  ])('%i ms after placing, whether it stands is %s, and %i minutes are left, rounded up', (ms, stands, minutes) => {
    const held = () => requireHeld(pending(), instant(NOW + ms));
    if (stands) expect(held()).toEqual(pending());
    else expect(held).toThrow(expect.objectContaining({ code: 'hold_ended' }));
    expect(holdMinutesLeft(pending(), instant(NOW + ms))).toBe(minutes);
  });

  test('it has ended when the order is not pending', () => {
    expect(() => requireHeld(completed(), NOW)).toThrow(expect.objectContaining({ code: 'order_not_pending' }));
    expect(holdMinutesLeft(cancelled(), NOW)).toBe(0);
  });
});

test('every state has a reason why the order is not pending', () => {
  const words = (['pending', 'completed', 'cancelled'] as const).map((status) => notPending({ status }).message);
  expect(new Set(words).size).toBe(3);
});

type SeatId = Ticket['seatId'];
type DiscountId = NonNullable<Order['discount']>['id'];

const seat = (name: string) => as<SeatId>(name);
const ticketOn = (seatId: string, price = 100): Ticket => ({
  ...ticket(price),
  ticketId: as<Ticket['ticketId']>(`ticket of ${seatId}`),
  seatId: seat(seatId),
});
const SUMMER = { id: as<DiscountId>('summer'), code: 'SUMMER' };

/** A pending order on these seats at 100 each, with 50 off the first when it has a discount. */
function orderOn(seatIds: readonly string[], discount: Order['discount'] = undefined): PendingOrder {
  const discountAmount = discount ? 50 : 0;
  return {
    ...pending(),
    tickets: seatIds.map((seatId) => ticketOn(seatId)),
    subtotal: money(seatIds.length * 100),
    discount,
    discountAmount: money(discountAmount),
    price: money(seatIds.length * 100 - discountAmount),
  };
}

describe('planning a change', () => {
  const request = (seatIds: readonly string[] | undefined, discount?: ChangeRequest['discount']): ChangeRequest => ({
    seatIds: seatIds?.map(seat),
    discount,
  });
  const idsOf = (tickets: readonly Ticket[]) => tickets.map((each) => each.seatId);

  test('it splits the seats into kept, removed and added ones', () => {
    const plan = planChange(orderOn(['A', 'B', 'C']), request(['D', 'B']));
    expect([idsOf(plan.kept), idsOf(plan.removed), plan.addedSeatIds]).toEqual([['B'], ['A', 'C'], ['D']]);
    expect(plan).toMatchObject({ discountId: undefined, isDiscountKept: true, isEmpty: false });
  });

  const NONE = { id: undefined };

  test.each<[string, Order['discount'], ChangeRequest['discount'], string | undefined, boolean]>([
    ['it is kept when the request does not name one', SUMMER, undefined, 'summer', true],
    ['it is kept when the request names the same one', SUMMER, { id: SUMMER.id }, 'summer', true],
    ['it is removed when the request asks for none', SUMMER, NONE, undefined, false],
    ['an order without one still has none', undefined, NONE, undefined, true],
    ['it is replaced when the request names another', SUMMER, { id: as<DiscountId>('w') }, 'w', false],
    ['it is added to an order that had none', undefined, { id: SUMMER.id }, 'summer', false],
  ])('the discount: %s', (_name, has, wanted, discountId, isDiscountKept) => {
    const plan = planChange(orderOn(['A'], has), request(undefined, wanted));
    expect(plan).toMatchObject({ discountId, isDiscountKept, isEmpty: isDiscountKept });
  });

  test('kept and added seats are the requested ones; kept and removed seats are the previous ones', () => {
    const seatIds = fc.uniqueArray(fc.constantFrom(...'ABCDEFGH'), { minLength: 1 });
    fc.assert(
      fc.property(seatIds, seatIds, (previous, requested) => {
        const plan = planChange(orderOn(previous), request(requested));
        expect([...idsOf(plan.kept), ...plan.addedSeatIds].sort()).toEqual(requested.toSorted());
        expect([...idsOf(plan.kept), ...idsOf(plan.removed)].sort()).toEqual(previous.toSorted());
        expect(plan.isEmpty).toBe(previous.toSorted().join() === requested.toSorted().join());
      }),
    );
  });
});

describe('changing an order', () => {
  const terms = { tickets: [ticketOn('B', 250)], discount: SUMMER, discountAmount: money(50), price: money(200) };
  const payment = { paymentIntentId: as<NonNullable<Order['paymentIntentId']>>('pi_2'), paymentAttempt: 2 };

  test('it sets the new terms, and keeps the order’s end', () => {
    const before = orderOn(['A']);
    expect(change(before, { ...terms, payment })).toEqual({ ...before, ...terms, ...payment, subtotal: 250 });
  });

  test('it copies only the payment from the object that names the payment', () => {
    const before = { ...orderOn(['A']), ...payment };
    expect(change(before, { ...terms, payment: before })).toEqual({ ...before, ...terms, subtotal: 250 });
  });

  test('it refuses a price that does not add up', () => {
    expect(() => change(orderOn(['A']), { ...terms, price: money(201), payment })).toThrow('price 201');
  });

  test('it keeps the price equal to the subtotal less the discount, whatever the amounts are', () => {
    const prices = fc.array(fc.nat({ max: 1_000_000 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(prices, fc.double({ min: 0, max: 1, noNaN: true }), (each, share) => {
        const total = each.reduce((sum, price) => sum + price, 0);
        const off = Math.floor(total * share);
        const tickets = each.map((price, at) => ticketOn(String(at), price));
        const changed = change(orderOn(['A']), {
          tickets,
          discount: undefined,
          discountAmount: money(off),
          price: money(total - off),
          payment,
        });
        expect(changed.subtotal).toBe(total);
        expect(changed.price + changed.discountAmount).toBe(changed.subtotal);
      }),
    );
  });
});

describe('refunded money of an order', () => {
  const two = (): Order => orderAfter(complete(orderOn(['A', 'B']), LATER));
  const ids = (...seatIds: string[]) => new Set(seatIds.map((each) => ticketOn(each).ticketId));

  test('it removes some tickets from a completed order, and the price stays as it was paid', () => {
    const before = two();
    const after = orderAfter(withdraw(before, ids('A')));
    expect(after.tickets.map((each) => each.seatId)).toEqual(['B']);
    expect({ ...after, tickets: before.tickets }).toEqual(before);
  });

  test('it never removes the last ticket: the order is cancelled instead', () => {
    expect(() => withdraw(two(), ids('A', 'B'))).toThrow('without a ticket');
    expect(orderAfter(cancel(two(), 'refunded', LATER))).toMatchObject({ status: 'cancelled', reason: 'refunded' });
    expect(orderAfter(cancel(two(), 'payment', LATER))).toMatchObject({ status: 'cancelled', reason: 'payment' });
  });

  test.each([
    ['pending', () => orderOn(['A', 'B'])],
    ['cancelled', () => orderAfter(cancel(orderOn(['A', 'B']), 'buyer', LATER))],
  ] as const)('it removes no ticket from an order that is %s', (status, of) => {
    expect(withdraw(of(), ids('A'))).toEqual({ outcome: 'not_possible', status });
  });
});

describe('late money of an order', () => {
  const ended = (reason: 'expired' | 'payment' | 'buyer' | 'admin' | 'refunded') =>
    orderAfter(cancel(pending(), reason, LATER));

  test.each(['expired', 'payment'] as const)(
    'after a cancellation by %s, refusing it sets the reason to refunded',
    (reason) => {
      const before = ended(reason);
      expect(acceptsLateMoney(before)).toBe(true);
      expect(orderAfter(refundLate(before))).toEqual({ ...before, reason: 'refunded' });
      // It is refused only once: no other payment can revive the order.
      expect(acceptsLateMoney(orderAfter(refundLate(before)))).toBe(false);
    },
  );

  test.each(['buyer', 'admin', 'refunded'] as const)('it is not accepted after a cancellation by %s', (reason) => {
    expect(acceptsLateMoney(ended(reason))).toBe(false);
    expect(refundLate(ended(reason))).toEqual({ outcome: 'not_possible', status: 'cancelled' });
    expect(rebook(ended(reason), LATER)).toEqual({ outcome: 'not_possible', status: 'cancelled' });
  });

  test.each([
    ['pending', pending],
    ['completed', completed],
  ] as const)('it is not late for an order that is %s', (status, of) => {
    expect(acceptsLateMoney(of())).toBe(false);
    expect(refundLate(of())).toEqual({ outcome: 'not_possible', status });
  });
});

test('a ticket keeps its seat and price, and returns the seat unchanged', () => {
  const priced = {
    seatId: seat('A1'),
    label: 'Row A, 1',
    tier: { id: as<Ticket['tierId']>('tier'), name: 'VIP', color: '#fff' },
    price: money(150),
  };
  const of = { ...ticket(1), issuedAt: LATER };
  expect(seatOf(ticketFor(priced, of))).toEqual(priced);
  expect(ticketFor(priced, of)).toMatchObject({ issuedAt: LATER, voidedAt: undefined, checkedInAt: undefined });
});
