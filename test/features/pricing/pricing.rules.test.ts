import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Discount, DiscountTerms, PricedSeat } from '../../../src/features/pricing/discount.rules.ts';
import { isUsedUp } from '../../../src/features/pricing/discount.rules.ts';
import { priceOrder } from '../../../src/features/pricing/pricing.rules.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { as } from '../../../src/kernel/ids.ts';
import { currencyOf, type Money, money } from '../../../src/kernel/money.ts';

const lkr = currencyOf('lkr');
const kwd = currencyOf('kwd');
const NOW = instant(1_000_000);
const SESSION = as<Discount['applicableSessions'][number]>('session');

function seats(...prices: number[]): PricedSeat[] {
  return prices.map((price, at) => ({
    seatId: as<PricedSeat['seatId']>(`seat-${at}`),
    label: `A${at}`,
    tier: { id: as<PricedSeat['tier']['id']>(at % 2 === 0 ? 'even' : 'odd'), name: 'T', color: '#fff' },
    price: money(price),
  }));
}

function discount(terms: DiscountTerms, changes: Partial<Discount> = {}): Discount {
  return {
    id: as<Discount['id']>('discount'),
    code: 'CODE',
    terms,
    activeFrom: undefined,
    expiresAt: undefined,
    maxUsage: undefined,
    currentUsage: 0,
    applicableTiers: [],
    applicableSessions: [],
    active: true,
    ...changes,
  };
}

const flat = (amount: number, minSpend?: number): DiscountTerms => ({
  type: 'FLAT_OFF',
  amount: money(amount),
  minSpend: minSpend === undefined ? undefined : money(minSpend),
});
const percent = (
  numerator: number,
  decimals = 0,
  limits: { minSpend?: Money; maxDiscount?: Money } = {},
): DiscountTerms => ({
  type: 'PERCENTAGE',
  percentage: { numerator: BigInt(numerator), decimals },
  minSpend: limits.minSpend,
  maxDiscount: limits.maxDiscount,
});
const free = (buyQuantity: number, getQuantity: number): DiscountTerms => ({
  type: 'BUY_N_GET_N_FREE',
  buyQuantity,
  getQuantity,
});

function price(of: PricedSeat[], by?: Discount, currency = lkr) {
  return priceOrder({ seats: of, discount: by, sessionId: SESSION, now: NOW, currency });
}

function off(of: PricedSeat[], by: Discount): number | string {
  const priced = price(of, by);
  return priced.outcome === 'priced' ? priced.discountAmount : priced.reason;
}

describe('what a discount takes off', () => {
  test.each([
    ['FLAT_OFF', seats(1_000, 2_000), flat(500), 500],
    ['FLAT_OFF, at most the seats', seats(1_000), flat(5_000), 1_000],
    ['FLAT_OFF at its minimum', seats(1_000, 2_000), flat(500, 3_000), 500],
    ['FLAT_OFF below its minimum', seats(1_000, 2_000), flat(500, 3_001), 'min_spend'],
    ['PERCENTAGE', seats(1_000, 2_000), percent(10), 300],
    ['PERCENTAGE with decimals', seats(9_900, 19_950), percent(125, 1), 3_731],
    ['PERCENTAGE, half a cent up', seats(5), percent(10), 1],
    ['PERCENTAGE, capped', seats(1_000, 2_000), percent(50, 0, { maxDiscount: money(700) }), 700],
    ['PERCENTAGE below its minimum', seats(1_000), percent(50, 0, { minSpend: money(1_001) }), 'min_spend'],
    ['PERCENTAGE of 100', seats(1_000, 2_000), percent(100), 3_000],
    ['a PERCENTAGE that comes to nothing', seats(1), percent(1), 'nothing_off'],
    ['BUY 2 GET 1 with one seat', seats(1_000), free(2, 1), 'too_few_seats'],
    ['BUY 2 GET 1 with two', seats(3_000, 1_000), free(2, 1), 1_000],
    ['BUY 2 GET 1 with three', seats(3_000, 1_000, 2_000), free(2, 1), 1_000],
    ['BUY 2 GET 1 with four', seats(3_000, 1_000, 2_000, 4_000), free(2, 1), 3_000],
    ['BUY 1 GET 3', seats(3_000, 1_000), free(1, 3), 4_000],
  ])('%s', (_name, of, terms, expected) => {
    expect(off(of, discount(terms))).toBe(expected);
  });

  test('counts only seats of its tiers, but its minimum looks at all', () => {
    const even = { applicableTiers: [as<PricedSeat['tier']['id']>('even')] };
    expect(off(seats(1_000, 5_000, 2_000), discount(percent(10), even))).toBe(300);
    expect(off(seats(1_000, 5_000), discount(flat(9_000, 6_000), even))).toBe(1_000);
    expect(off(seats(1_000, 5_000, 2_000), discount(free(2, 1), even))).toBe(1_000);
    expect(
      off(seats(1_000), discount(flat(1), { applicableTiers: [as<PricedSeat['tier']['id']>('odd')] })),
    ).toBe('no_seat');
  });
});

test.each([
  ['inactive', { active: false }, 'inactive'],
  ['from this moment', { activeFrom: NOW }, 1],
  ['from the next', { activeFrom: instant(NOW + 1) }, 'not_started'],
  ['until the next', { expiresAt: instant(NOW + 1) }, 1],
  ['until this moment', { expiresAt: NOW }, 'expired'],
  ['with one use left', { maxUsage: 3, currentUsage: 2 }, 1],
  ['used up', { maxUsage: 3, currentUsage: 3 }, 'used_up'],
  ['of this session', { applicableSessions: [SESSION] }, 1],
  [
    'of another session',
    { applicableSessions: [as<Discount['applicableSessions'][number]>('other')] },
    'other_session',
  ],
])('a discount %s', (_name, changes, expected) => {
  expect(off(seats(100), discount(flat(1), changes))).toBe(expected);
});

test('uses here and uses reported each count by themselves', () => {
  expect([isUsedUp(2, 3), isUsedUp(3, 3), isUsedUp(4, 3), isUsedUp(9, undefined)]).toEqual([
    false,
    true,
    true,
    false,
  ]);
});

describe('three decimals', () => {
  test('a price that no card can be charged is refused, one whose sum can is not', () => {
    expect(price(seats(12_345), undefined, kwd)).toMatchObject({
      outcome: 'refused',
      code: 'price_not_chargeable',
    });
    expect(price(seats(12_345, 12_345), undefined, kwd)).toMatchObject({ outcome: 'priced', price: 24_690 });
  });

  test('what a discount leaves over a multiple of ten goes to the buyer', () => {
    expect(price(seats(12_340), discount(percent(10)), kwd)).toMatchObject({
      discountAmount: 1_240,
      price: 11_100,
    });
  });
});

const terms = fc.oneof(
  fc.integer({ min: 0, max: 5_000 }).map((amount) => flat(amount)),
  fc
    .tuple(
      fc.integer({ min: 0, max: 1_000 }),
      fc.option(fc.integer({ min: 0, max: 5_000 }), { nil: undefined }),
    )
    .map(([tenths, cap]) => percent(tenths, 1, cap === undefined ? {} : { maxDiscount: money(cap) })),
  fc
    .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }))
    .map(([buy, get]) => free(buy, get)),
);
const order = fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 10 });

/** The same, as slowly and plainly as it can be said. */
function plainly(prices: number[], by: DiscountTerms): number {
  const total = prices.reduce((all, one) => all + one, 0);
  switch (by.type) {
    case 'FLAT_OFF':
      return Math.min(by.amount, total);
    case 'PERCENTAGE': {
      const thousandths = BigInt(total) * by.percentage.numerator;
      const share = Number(thousandths / 1_000n) + (thousandths % 1_000n >= 500n ? 1 : 0);
      return Math.min(share, by.maxDiscount ?? share, total);
    }
    case 'BUY_N_GET_N_FREE': {
      const left = [...prices].sort((a, b) => a - b);
      let given = 0;
      for (let group = 0; group + by.buyQuantity <= prices.length; group += by.buyQuantity) {
        for (let at = 0; at < by.getQuantity; at += 1) given += left.shift() ?? 0;
      }
      return given;
    }
  }
}

test('any order with any discount: as the plain reading says, never below zero, whatever the order of the seats', () => {
  fc.assert(
    fc.property(order, terms, (prices, by) => {
      const priced = price(seats(...prices), discount(by));
      const expected = plainly(prices, by);
      if (priced.outcome === 'refused') {
        expect(expected).toBe(0);
        return;
      }
      expect(priced.discountAmount).toBe(expected);
      expect(priced.subtotal - priced.discountAmount).toBe(priced.price);
      expect(priced.price).toBeGreaterThanOrEqual(0);
      expect(price(seats(...prices).toReversed(), discount(by))).toEqual(priced);
    }),
    { numRuns: 1_000 },
  );
});
