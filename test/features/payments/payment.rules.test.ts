import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Order } from '../../../src/features/orders/order.rules.ts';
import {
  byHand,
  intentElsewhere,
  intentKey,
  isByHand,
  isPaidElsewhere,
  leftOf,
  type Payment,
  type Refund,
  type SettlementFacts,
  settle,
  sharesOf,
  stateAfter,
  ticketsCovered,
} from '../../../src/features/payments/payment.rules.ts';
import type { Ticket } from '../../../src/features/tickets/ticket.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { as } from '../../../src/kernel/ids.ts';
import { Currency, money } from '../../../src/kernel/money.ts';

const AT = instant(0);
const facts: SettlementFacts = { currency: new Currency('lkr'), paidBy: undefined, seatsFree: true };
const payment = (changes: Partial<Payment> = {}): Payment => ({
  intentId: as<Payment['intentId']>('pi_1'),
  amountMinor: 100,
  currency: 'lkr',
  state: 'received',
  ...changes,
});

function order(state: object): Order {
  return {
    orderId: as<Order['orderId']>('order'),
    userId: as<Order['userId']>('user'),
    eventId: as<Order['eventId']>('event'),
    organizationId: as<Order['organizationId']>('organization'),
    sessionId: as<Order['sessionId']>('session'),
    subtotal: money(100),
    discount: undefined,
    discountAmount: money(0),
    price: money(100),
    createdAt: AT,
    paymentIntentId: undefined,
    paymentAttempt: 1,
    tickets: [],
    ...(state as { status: 'pending'; expiresAt: typeof AT }),
  };
}

const PENDING = order({ status: 'pending', expiresAt: AT });
const COMPLETED = order({ status: 'completed', completedAt: AT });
const cancelled = (reason: string) => order({ status: 'cancelled', cancelledAt: AT, reason });

const PAID = payment({ intentId: as<Payment['intentId']>('pi_2'), state: 'applied' });
const OWN = { ...COMPLETED, paymentIntentId: payment().intentId };
const ASSUMED = { ...PAID, takenOver: 'assumed' } as const;
const ASSUMED_ELSEWHERE = { ...ASSUMED, intentId: intentElsewhere(OWN.orderId, undefined) };

describe('money that came', () => {
  test.each([
    ['the price of a pending order', PENDING, {}, {}, 'complete'],
    ['told of again', PENDING, { state: 'applied' }, {}, 'already_done'],
    ['given back already', PENDING, { state: 'refunded' }, {}, 'already_done'],
    ['due to be given back', PENDING, { state: 'refund_due' }, {}, 'already_done'],
    ['a cent too little', PENDING, { amountMinor: 99 }, {}, 'refund'],
    ['a cent too much', PENDING, { amountMinor: 101 }, {}, 'refund'],
    ['another currency', PENDING, { currency: 'usd' }, {}, 'refund'],
    ['a second payment', PENDING, {}, { paidBy: PAID }, 'refund'],
    ['for a completed order', COMPLETED, {}, {}, 'refund'],
    ['late, seats free', cancelled('expired'), {}, {}, 'rebook'],
    ['late, seats sold', cancelled('expired'), {}, { seatsFree: false }, 'refund'],
    ['late after a failed payment', cancelled('payment'), {}, {}, 'rebook'],
    ['after the buyer cancelled', cancelled('buyer'), {}, {}, 'refund'],
    ['after an admin cancelled', cancelled('admin'), {}, {}, 'refund'],
    ['after a refund', cancelled('refunded'), {}, {}, 'refund'],
    ['late, of another amount', cancelled('expired'), { amountMinor: 1 }, {}, 'refund'],
  ] as const)('%s', (_name, of, money, others, decision) => {
    expect(settle(of, payment(money), { ...facts, ...others })).toMatchObject({ decision });
  });
});

test('keys differ by attempt and amount, and are the same for the same', () => {
  const keys = [
    intentKey(PENDING, 1, money(100)),
    intentKey(PENDING, 2, money(100)),
    intentKey(PENDING, 1, money(99)),
  ];
  expect(new Set(keys).size).toBe(3);
  expect(intentKey(PENDING, 1, money(100))).toBe(keys[0]);
});

test('only money that was refused for its lateness is late', () => {
  const late = { ...facts, seatsFree: false };
  expect(settle(cancelled('expired'), payment(), late)).toMatchObject({ decision: 'refund', isLate: true });
  expect(settle(cancelled('buyer'), payment(), late)).toMatchObject({ decision: 'refund', isLate: false });
  expect(settle(PENDING, payment({ amountMinor: 1 }), facts)).toMatchObject({ isLate: false });
});

const refund = (amountMinor: number, changes: Partial<Refund> = {}): Refund => ({
  refundId: 'refund',
  amountMinor,
  origin: 'service',
  providerId: 're_1',
  ...changes,
});
const due = (amountMinor: number) => refund(amountMinor, { providerId: undefined });
const taken = (amountMinor: number) => refund(amountMinor, { origin: 'dispute', providerId: 'dp_1' });

describe('takeover-refunds: money of an order that was completed before this service had it', () => {
  const statuses = [PENDING, COMPLETED, cancelled('expired'), cancelled('unknown'), cancelled('admin')];
  const anyFacts = fc.record({
    currency: fc.constantFrom(new Currency('lkr'), new Currency('jpy'), new Currency('kwd')),
    paidBy: fc.constantFrom(undefined, PAID, ASSUMED, ASSUMED_ELSEWHERE, {
      ...PAID,
      takenOver: 'confirmed' as const,
    }),
    isPaidByReceived: fc.constantFrom(undefined, true, false),
    seatsFree: fc.boolean(),
    policy: fc.constantFrom('refund' as const, 'withhold' as const, 'release' as const),
  });
  const anyPayment = fc.record({
    amountMinor: fc.integer({ min: 1, max: 200 }),
    currency: fc.constantFrom('lkr', 'jpy', 'kwd'),
    state: fc.constantFrom('received' as const, 'withheld' as const),
  });

  test('its own intent is its payment when nothing else is, whatever the amount and the currency', () => {
    fc.assert(
      fc.property(anyPayment, anyFacts, (changes, others) => {
        const policy = changes.state === 'withheld' ? ('release' as const) : others.policy;
        const settlement = settle(OWN, payment(changes), { ...others, policy, paidBy: undefined });
        expect(settlement).toEqual({ decision: 'apply' });
      }),
    );
  });

  test('its own intent is refunded only when another payment was really received', () => {
    fc.assert(
      fc.property(anyPayment, anyFacts, (changes, others) => {
        const { decision } = settle(OWN, payment(changes), others);
        const isPaid =
          others.paidBy?.takenOver === 'assumed'
            ? others.paidBy === ASSUMED && others.isPaidByReceived === true
            : others.paidBy !== undefined;
        if (!isPaid) expect(['apply', 'replace', 'ask', 'already_done']).toContain(decision);
      }),
    );
  });

  test('nothing is refunded under a policy that withholds, of any order', () => {
    fc.assert(
      fc.property(fc.constantFrom(OWN, ...statuses), anyPayment, anyFacts, (of, changes, others) => {
        expect(settle(of, payment(changes), { ...others, policy: 'withhold' }).decision).not.toBe('refund');
      }),
    );
  });

  test('what was withheld goes back only on a person’s word, and is used by anybody as if it came now', () => {
    fc.assert(
      fc.property(fc.constantFrom(OWN, ...statuses), anyPayment, anyFacts, (of, changes, others) => {
        const now = settle(of, payment({ ...changes, state: 'received' }), { ...others, policy: 'refund' });
        const withheld = settle(of, payment({ ...changes, state: 'withheld' }), {
          ...others,
          policy: 'refund',
        });
        expect(withheld).toEqual(
          now.decision === 'refund' ? { decision: 'withheld', reason: now.reason } : now,
        );
      }),
    );
  });

  test.each([
    ['an assumed payment that Stripe was not asked about', ASSUMED, undefined, 'ask'],
    ['an assumed payment that Stripe never received', ASSUMED, false, 'replace'],
    ['an assumed payment that Stripe received', ASSUMED, true, 'refund'],
    ['a payment assumed to be elsewhere', ASSUMED_ELSEWHERE, undefined, 'replace'],
  ] as const)('beside %s', (_name, paidBy, isPaidByReceived, decision) => {
    expect(settle(COMPLETED, payment(), { ...facts, paidBy, isPaidByReceived })).toMatchObject({ decision });
  });
});

describe('refunds', () => {
  test('leave what neither went back nor is about to', () => {
    expect(leftOf(payment(), [])).toBe(100);
    expect(leftOf(payment(), [refund(30), due(20), taken(10)])).toBe(40);
  });

  test.each<[string, Payment['state'], Refund[], Payment['state']]>([
    ['nothing', 'received', [], 'received'],
    ['nothing', 'applied', [], 'applied'],
    ['a part that is due', 'applied', [due(99)], 'applied'],
    ['a part that went', 'applied', [refund(99)], 'applied'],
    ['all, due', 'applied', [due(100)], 'refund_due'],
    ['a part gone and the rest due', 'applied', [refund(40), due(60)], 'refund_due'],
    ['all, gone', 'applied', [refund(100)], 'refunded'],
    ['all, gone in parts', 'refund_due', [refund(40), refund(60)], 'refunded'],
    ['all, taken by a bank', 'applied', [taken(100)], 'disputed'],
    ['a part gone and the rest taken', 'refund_due', [refund(40), taken(60)], 'disputed'],
    ['a part taken', 'applied', [taken(40)], 'applied'],
    ['one that bounced', 'refunded', [due(100)], 'refund_due'],
    ['one that bounced, of two', 'refunded', [refund(40), due(60)], 'refund_due'],
    ['a part of what is due', 'refund_due', [refund(40)], 'refund_due'],
    ['a dispute that was won', 'disputed', [], 'received'],
    ['a dispute that was won, after a part', 'disputed', [refund(40)], 'received'],
  ])('%s: a payment that was %s', (_name, state, refunds, after) => {
    expect(stateAfter(payment({ state }), refunds)).toBe(after);
  });

  test('that were counted once give the same state when they are counted again', () => {
    const states = fc.constantFrom<Payment['state']>('applied', 'refund_due', 'refunded');
    const some = fc.array(
      fc.record({ amount: fc.integer({ min: 1, max: 60 }), kind: fc.constantFrom(refund, due, taken) }),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(states, some, (state, made) => {
        const refunds = made.map(({ amount, kind }) => kind(amount));
        const after = stateAfter(payment({ state }), refunds);
        expect(stateAfter(payment({ state: after }), refunds)).toBe(after);
      }),
    );
  });
});

/** An order of tickets at these prices, with so much off. */
function orderOf(prices: readonly number[], off = 0, used: readonly number[] = []): Order {
  const tickets = prices.map(
    (price, at): Ticket => ({
      ticketId: as<Ticket['ticketId']>(`ticket-${at}`),
      orderId: PENDING.orderId,
      sessionId: PENDING.sessionId,
      seatId: as<Ticket['seatId']>(`A${at}`),
      seatLabel: `A${at}`,
      colour: '',
      tierId: as<Ticket['tierId']>('tier'),
      tierName: 'VIP',
      price: money(price),
      issuedAt: AT,
      voidedAt: undefined,
      checkedInAt: used.includes(at) ? AT : undefined,
    }),
  );
  const subtotal = prices.reduce((total, price) => total + price, 0);
  return {
    ...COMPLETED,
    tickets,
    subtotal: money(subtotal),
    discountAmount: money(off),
    price: money(subtotal - off),
  };
}

/** A refund of one minor unit is possible. */
const STEP = 1;
const shareIn = (order: Order) => {
  const shares = sharesOf(order.tickets, order.price, STEP);
  return (ticket: Order['tickets'][number]) => shares.get(ticket.ticketId) ?? 0;
};
const covers = (order: Order, amount: number) =>
  ticketsCovered(order.tickets, sharesOf(order.tickets, order.price, STEP), amount);
const total = (amounts: readonly number[]) => amounts.reduce((sum, each) => sum + each, 0);

/** Orders of up to eight tickets, some used, with something off or nothing. */
const anyOrder = fc
  .record({
    prices: fc.array(fc.nat({ max: 100_000 }), { minLength: 1, maxLength: 8 }),
    share: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true })),
    used: fc.uniqueArray(fc.nat({ max: 7 })),
  })
  .map(({ prices, share, used }) => orderOf(prices, Math.floor(total(prices) * share), used));

describe('the tickets that an amount given back covers', () => {
  const seatsFor = (amount: number, order: Order) => covers(order, amount).map((ticket) => ticket.seatId);

  test.each<[string, number[], number, string[]]>([
    ['one of its price', [90, 70, 55], 70, ['A1']],
    ['two of their prices, not the dearest', [90, 70, 55], 125, ['A1', 'A2']],
    ['all of them', [90, 70, 55], 215, ['A0', 'A1', 'A2']],
    ['none for another amount', [90, 70, 55], 100, []],
    ['none for nothing', [90, 70, 55], 0, []],
    ['none for more than all', [90, 70, 55], 216, []],
    ['none that cost nothing', [90, 0], 90, ['A0']],
  ])('are %s', (_name, prices, amount, seats) => {
    expect(seatsFor(amount, orderOf(prices)).toSorted()).toEqual(seats);
  });

  test('are those that were not used, where there is a choice', () => {
    expect(seatsFor(100, orderOf([100, 100, 100], 0, [0, 2]))).toEqual(['A1']);
    expect(seatsFor(100, orderOf([100, 100], 0, [0, 1]))).toHaveLength(1);
    expect(seatsFor(200, orderOf([100, 100, 100], 0, [0, 1])).toSorted()).toContain('A2');
  });

  test('are reckoned by their shares of the price when there was a discount', () => {
    expect(seatsFor(45, orderOf([90, 70, 40], 100))).toEqual(['A0']);
    expect(seatsFor(90, orderOf([90, 70, 40], 100))).toEqual([]);
  });

  test('have shares that are together the amount, for every amount that some tickets have', () => {
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

  test('share-of-refund: are found for the odd minor unit of a price that does not divide', () => {
    const order = orderOf([5_000, 5_000, 5_000], 5_000);
    expect(covers(order, 3_334)).toHaveLength(1);
    expect(covers(order, 3_333)).toHaveLength(1);
    expect(covers(order, 3_335)).toEqual([]);
  });

  test('of very many prices are given up on, and not searched for without end', () => {
    const order = orderOf(Array.from({ length: 100 }, (_, at) => 1_000_003 + at * at * 7_919));
    expect(covers(order, order.price - 1)).toEqual([]);
  });
});

describe('money of another system', () => {
  const [one, two] = [as<Order['orderId']>('one'), as<Order['orderId']>('two')];

  test('is known by its order and its id there', () => {
    const ids = [
      intentElsewhere(one, '1'),
      intentElsewhere(two, '1'),
      intentElsewhere(one, '2'),
      intentElsewhere(one, undefined),
      intentElsewhere(two, undefined),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every(isPaidElsewhere)).toBe(true);
    expect(intentElsewhere(one, '1')).toBe(ids[0]);
  });

  test('is Stripe’s when the id is', () => {
    expect(intentElsewhere(one, 'pi_3')).toBe('pi_3');
    expect(isPaidElsewhere(intentElsewhere(one, 'pi_3'))).toBe(false);
  });
});

test('a refund that a person paid out is told apart from one of Stripe’s', () => {
  expect(isByHand(refund(1, { providerId: byHand('refund', 'transfer 17') }))).toBe(true);
  expect(isByHand(refund(1))).toBe(false);
  expect(isByHand(due(1))).toBe(false);
});
