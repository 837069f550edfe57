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

describe('placing', () => {
  test('sums the seats and ends with the hold', () => {
    expect(pending(50, 250)).toMatchObject({
      status: 'pending',
      subtotal: 300,
      price: 250,
      expiresAt: NOW + 300_000,
      paymentAttempt: 0,
    });
  });

  test('refuses a price that does not add up', () => {
    expect(() => pending(50, 300)).toThrow('price 300');
  });
});

describe('transitions', () => {
  test('pending becomes completed', () => {
    expect(completed()).toMatchObject({ status: 'completed', completedAt: LATER });
    expect(completed()).not.toHaveProperty('expiresAt');
  });

  test.each(['buyer', 'expired', 'payment', 'admin'] as const)(
    'pending becomes cancelled by %s, its tickets void',
    (reason) => {
      const order = orderAfter(cancel(pending(), reason, LATER));
      expect(order).toMatchObject({ status: 'cancelled', reason, cancelledAt: LATER });
      expect(order.tickets.map(({ voidedAt }) => voidedAt)).toEqual([LATER, LATER]);
    },
  );

  test('completed becomes cancelled by an admin only', () => {
    expect(cancel(completed(), 'buyer', LATER)).toEqual({ outcome: 'not_possible', status: 'completed' });
    expect(cancel(completed(), 'expired', LATER)).toEqual({ outcome: 'not_possible', status: 'completed' });
    expect(orderAfter(cancel(completed(), 'admin', LATER))).toMatchObject({
      status: 'cancelled',
      reason: 'admin',
    });
  });

  test('cancelled becomes completed by rebooking, its tickets live', () => {
    const order = orderAfter(rebook(cancelled(), LATER));
    expect(order).toMatchObject({ status: 'completed', completedAt: LATER });
    expect(order.tickets.map(({ voidedAt }) => voidedAt)).toEqual([undefined, undefined]);
    expect(order).not.toHaveProperty('reason');
  });

  test('nothing else happens', () => {
    expect(complete(completed(), LATER)).toEqual({ outcome: 'not_possible', status: 'completed' });
    expect(complete(cancelled(), LATER)).toEqual({ outcome: 'not_possible', status: 'cancelled' });
    expect(cancel(cancelled(), 'admin', LATER)).toEqual({ outcome: 'not_possible', status: 'cancelled' });
    expect(rebook(pending(), LATER)).toEqual({ outcome: 'not_possible', status: 'pending' });
    expect(rebook(completed(), LATER)).toEqual({ outcome: 'not_possible', status: 'completed' });
  });
});

describe('the hold', () => {
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
  ])('%i ms after placing: stands %s, %i minutes are left, rounded up', (ms, stands, minutes) => {
    const held = () => requireHeld(pending(), instant(NOW + ms));
    if (stands) expect(held()).toEqual(pending());
    else expect(held).toThrow(expect.objectContaining({ code: 'hold_ended' }));
    expect(holdMinutesLeft(pending(), instant(NOW + ms))).toBe(minutes);
  });

  test('of an order that is not pending is over', () => {
    expect(() => requireHeld(completed(), NOW)).toThrow(
      expect.objectContaining({ code: 'order_not_pending' }),
    );
    expect(holdMinutesLeft(cancelled(), NOW)).toBe(0);
  });
});

test('every state says why it is not pending', () => {
  const words = (['pending', 'completed', 'cancelled'] as const).map(
    (status) => notPending({ status }).message,
  );
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

/** A pending order on these seats at 100 each, 50 off the first when it has a discount. */
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
  const wish = (
    seatIds: readonly string[] | undefined,
    discount?: ChangeRequest['discount'],
  ): ChangeRequest => ({
    seatIds: seatIds?.map(seat),
    discount,
  });
  const idsOf = (tickets: readonly Ticket[]) => tickets.map((each) => each.seatId);

  test('parts the seats into those that stay, go and come', () => {
    const plan = planChange(orderOn(['A', 'B', 'C']), wish(['D', 'B']));
    expect([idsOf(plan.kept), idsOf(plan.removed), plan.addedSeatIds]).toEqual([['B'], ['A', 'C'], ['D']]);
    expect(plan).toMatchObject({ discountId: undefined, isDiscountKept: true, isEmpty: false });
  });

  test.each<[string, Order['discount'], ChangeRequest['discount'], object]>([
    ['not named stays', SUMMER, undefined, { discountId: 'summer', isDiscountKept: true, isEmpty: true }],
    [
      'the same stays',
      SUMMER,
      { id: SUMMER.id },
      { discountId: 'summer', isDiscountKept: true, isEmpty: true },
    ],
    [
      'none goes',
      SUMMER,
      { id: undefined },
      { discountId: undefined, isDiscountKept: false, isEmpty: false },
    ],
    [
      'none of none',
      undefined,
      { id: undefined },
      { discountId: undefined, isDiscountKept: true, isEmpty: true },
    ],
    [
      'another comes',
      SUMMER,
      { id: as<DiscountId>('w') },
      { discountId: 'w', isDiscountKept: false, isEmpty: false },
    ],
    [
      'a first comes',
      undefined,
      { id: SUMMER.id },
      { discountId: 'summer', isDiscountKept: false, isEmpty: false },
    ],
  ])('a discount: %s', (_name, has, wanted, plan) => {
    expect(planChange(orderOn(['A'], has), wish(undefined, wanted))).toMatchObject(plan);
  });

  test('what stays and comes is what was wished for; what stays and goes is what was had', () => {
    const seatIds = fc.uniqueArray(fc.constantFrom(...'ABCDEFGH'), { minLength: 1 });
    fc.assert(
      fc.property(seatIds, seatIds, (had, wished) => {
        const plan = planChange(orderOn(had), wish(wished));
        expect([...idsOf(plan.kept), ...plan.addedSeatIds].sort()).toEqual(wished.toSorted());
        expect([...idsOf(plan.kept), ...idsOf(plan.removed)].sort()).toEqual(had.toSorted());
        expect(plan.isEmpty).toBe(had.toSorted().join() === wished.toSorted().join());
      }),
    );
  });
});

describe('a change', () => {
  const terms = {
    tickets: [ticketOn('B', 250)],
    discount: SUMMER,
    discountAmount: money(50),
    price: money(200),
  };
  const payment = { paymentIntentId: as<NonNullable<Order['paymentIntentId']>>('pi_2'), paymentAttempt: 2 };

  test('gives the order its new terms, until the same end', () => {
    const before = orderOn(['A']);
    expect(change(before, { ...terms, payment })).toEqual({ ...before, ...terms, ...payment, subtotal: 250 });
  });

  test('takes of an order that is given for its payment nothing but the payment', () => {
    const before = { ...orderOn(['A']), ...payment };
    expect(change(before, { ...terms, payment: before })).toEqual({ ...before, ...terms, subtotal: 250 });
  });

  test('refuses a price that does not add up', () => {
    expect(() => change(orderOn(['A']), { ...terms, price: money(201), payment })).toThrow('price 201');
  });

  test('keeps the price the seats less the discount, whatever they are', () => {
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

describe('money that went back', () => {
  const two = (): Order => orderAfter(complete(orderOn(['A', 'B']), LATER));
  const ids = (...seatIds: string[]) => new Set(seatIds.map((each) => ticketOn(each).ticketId));

  test('takes some tickets from a completed order; what was paid stays written', () => {
    const before = two();
    const after = orderAfter(withdraw(before, ids('A')));
    expect(after.tickets.map((each) => each.seatId)).toEqual(['B']);
    expect({ ...after, tickets: before.tickets }).toEqual(before);
  });

  test('never takes the last: then the order is cancelled', () => {
    expect(() => withdraw(two(), ids('A', 'B'))).toThrow('without a ticket');
    expect(orderAfter(cancel(two(), 'refunded', LATER))).toMatchObject({
      status: 'cancelled',
      reason: 'refunded',
    });
    expect(orderAfter(cancel(two(), 'payment', LATER))).toMatchObject({
      status: 'cancelled',
      reason: 'payment',
    });
  });

  test.each([
    ['pending', () => orderOn(['A', 'B'])],
    ['cancelled', () => orderAfter(cancel(orderOn(['A', 'B']), 'buyer', LATER))],
  ] as const)('takes no ticket from an order that is %s', (status, of) => {
    expect(withdraw(of(), ids('A'))).toEqual({ outcome: 'not_possible', status });
  });
});

describe('late money', () => {
  const ended = (reason: 'expired' | 'payment' | 'buyer' | 'admin' | 'refunded') =>
    orderAfter(cancel(pending(), reason, LATER));

  test.each(['expired', 'payment'] as const)(
    'that is refused an order ended by %s says so there',
    (reason) => {
      const before = ended(reason);
      expect(acceptsLateMoney(before)).toBe(true);
      expect(orderAfter(refundLate(before))).toEqual({ ...before, reason: 'refunded' });
      // Only once: no other money can bring it back.
      expect(acceptsLateMoney(orderAfter(refundLate(before)))).toBe(false);
    },
  );

  test.each(['buyer', 'admin', 'refunded'] as const)('is not waited for after %s', (reason) => {
    expect(acceptsLateMoney(ended(reason))).toBe(false);
    expect(refundLate(ended(reason))).toEqual({ outcome: 'not_possible', status: 'cancelled' });
    expect(rebook(ended(reason), LATER)).toEqual({ outcome: 'not_possible', status: 'cancelled' });
  });

  test.each([
    ['pending', pending],
    ['completed', completed],
  ] as const)('is not late for an order that is %s', (status, of) => {
    expect(acceptsLateMoney(of())).toBe(false);
    expect(refundLate(of())).toEqual({ outcome: 'not_possible', status });
  });
});

test('a ticket is for its seat at its price, and gives it back as it was', () => {
  const priced = {
    seatId: seat('A1'),
    label: 'Row A, 1',
    tier: { id: as<Ticket['tierId']>('tier'), name: 'VIP', color: '#fff' },
    price: money(150),
  };
  const of = { ...ticket(1), issuedAt: LATER };
  expect(seatOf(ticketFor(priced, of))).toEqual(priced);
  expect(ticketFor(priced, of)).toMatchObject({
    issuedAt: LATER,
    voidedAt: undefined,
    checkedInAt: undefined,
  });
});
