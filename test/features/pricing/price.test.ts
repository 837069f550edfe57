import { describe, expect, test } from 'vitest';
import type { Discount, DiscountTerms, PricedSeat } from '../../../src/features/pricing/discount.ts';
import { isUsedUp } from '../../../src/features/pricing/discount.ts';
import { priceOrder } from '../../../src/features/pricing/price.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { as } from '../../../src/kernel/ids.ts';
import { Currency, type Money, money } from '../../../src/kernel/money.ts';
import { builtDiscount as discount } from '../../support/built-orders.ts';

const lkr = new Currency('lkr');
const kwd = new Currency('kwd');
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

describe('the amount of a discount', () => {
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
    ['PERCENTAGE above 100', seats(1_000, 2_000), percent(150), 3_000],
    ['PERCENTAGE of the largest amount', seats(Number.MAX_SAFE_INTEGER), percent(999), Number.MAX_SAFE_INTEGER],
    ['PERCENTAGE capped at zero', seats(1_000), percent(50, 0, { maxDiscount: money(0) }), 'nothing_off'],
    ['FLAT_OFF of zero', seats(1_000), flat(0), 'nothing_off'],
    ['FLAT_OFF of seats that cost nothing', seats(0, 0), flat(500), 'nothing_off'],
    ['BUY N GET N on a free seat', seats(0, 1_000), free(2, 1), 'nothing_off'],
    ['an order without seats', seats(), flat(500), 'no_seat'],
    ['a PERCENTAGE that rounds to zero', seats(1), percent(1), 'nothing_off'],
    ['BUY 2 GET 1 with one seat', seats(1_000), free(2, 1), 'too_few_seats'],
    ['BUY 2 GET 1 with two', seats(3_000, 1_000), free(2, 1), 1_000],
    ['BUY 2 GET 1 with three', seats(3_000, 1_000, 2_000), free(2, 1), 1_000],
    ['BUY 2 GET 1 with four', seats(3_000, 1_000, 2_000, 4_000), free(2, 1), 3_000],
    ['BUY 1 GET 3', seats(3_000, 1_000), free(1, 3), 4_000],
  ])('%s', (_name, of, terms, expected) => {
    expect(off(of, discount(terms))).toBe(expected);
  });

  test('it counts only the seats of its tiers, but compares its minimum with all seats', () => {
    const even = { applicableTiers: [as<PricedSeat['tier']['id']>('even')] };
    expect(off(seats(1_000, 5_000, 2_000), discount(percent(10), even))).toBe(300);
    expect(off(seats(1_000, 5_000), discount(flat(9_000, 6_000), even))).toBe(1_000);
    expect(off(seats(1_000, 5_000, 2_000), discount(free(2, 1), even))).toBe(1_000);
    expect(off(seats(1_000), discount(flat(1), { applicableTiers: [as<PricedSeat['tier']['id']>('odd')] }))).toBe(
      'no_seat',
    );
  });
});

test.each([
  ['is refused while it is inactive', { active: false }, 'inactive'],
  ['is taken from its first moment on', { activeFrom: NOW }, 1],
  ['is refused before its first moment', { activeFrom: instant(NOW + 1) }, 'not_started'],
  ['is taken until its end', { expiresAt: instant(NOW + 1) }, 1],
  ['is refused at its end', { expiresAt: NOW }, 'expired'],
  ['is taken when one use is left', { maxUsage: 3, currentUsage: 2 }, 1],
  ['is refused when no use is left', { maxUsage: 3, currentUsage: 3 }, 'used_up'],
  ['is taken for its own session', { applicableSessions: [SESSION] }, 1],
  [
    'is refused for another session',
    { applicableSessions: [as<Discount['applicableSessions'][number]>('other')] },
    'other_session',
  ],
])('a discount %s', (_name, changes, expected) => {
  expect(off(seats(100), discount(flat(1), changes))).toBe(expected);
});

test('a refusal says what is wrong, in words for the buyer', () => {
  expect(price(seats(100), discount(flat(1), { active: false }))).toEqual({
    outcome: 'refused',
    code: 'discount_refused',
    reason: 'inactive',
    detail: 'The discount is not active.',
  });
});

test('an order without a discount costs the sum of its seats, even if that is zero', () => {
  expect(price(seats(14_999, 1))).toEqual({
    outcome: 'priced',
    subtotal: 15_000,
    discountAmount: 0,
    price: 15_000,
    discount: undefined,
  });
  expect(price(seats(0), undefined, kwd)).toMatchObject({ outcome: 'priced', price: 0 });
});

test('uses here and reported uses are counted separately', () => {
  expect([isUsedUp(2, 3), isUsedUp(3, 3), isUsedUp(4, 3), isUsedUp(9, undefined)]).toEqual([false, true, true, false]);
});

describe('a currency with three decimals', () => {
  test('it refuses a price that no card can be charged, and takes one whose sum can be', () => {
    expect(price(seats(12_345), undefined, kwd)).toMatchObject({
      outcome: 'refused',
      code: 'price_not_chargeable',
      reason: 'not_chargeable',
      detail: 'The price has more decimals than can be charged in KWD. Please inform the organiser.',
    });
    expect(price(seats(12_345, 12_345), undefined, kwd)).toMatchObject({ outcome: 'priced', price: 24_690 });
  });

  test('it rounds the discount up to a multiple of ten in the buyer’s favour', () => {
    expect(price(seats(12_340), discount(percent(10)), kwd)).toMatchObject({ discountAmount: 1_240, price: 11_100 });
  });
});

describe('zero-decimal-special: a currency whose two decimals are always 00', () => {
  test.each(['isk', 'ugx'])(
    'it rounds the discount up to a whole unit, so that the price can be charged (%s)',
    (code) => {
      const currency = new Currency(code);
      // 12.5 percent of 999.
      expect(price(seats(99_900), discount(percent(125, 1)), currency)).toMatchObject({
        discountAmount: 12_500,
        price: 87_400,
      });
      expect(price(seats(99_950), undefined, currency)).toMatchObject({ code: 'price_not_chargeable' });
    },
  );
});

describe('charge-limits: a price that Stripe does not charge', () => {
  const usd = new Currency('usd');

  test.each<[string, PricedSeat[], Discount | undefined, string]>([
    ['below the minimum', seats(30), undefined, '0.30 USD is less than 0.50 USD, the least'],
    ['below it by a discount', seats(10_000), discount(percent(999, 1)), '0.10 USD is less than 0.50 USD, the least'],
    ['above the maximum', seats(100_000_000), undefined, '1000000.00 USD is more than 999999.99 USD, the most'],
    ['above it together', seats(60_000_000, 60_000_000), undefined, '1200000.00 USD is more than 999999.99 USD'],
  ])('it is refused %s, with the limit', (_name, of, by, detail) => {
    const refused = { outcome: 'refused', code: 'price_not_chargeable', detail: expect.stringContaining(detail) };
    expect(price(of, by, usd)).toMatchObject(refused);
  });

  test('it is taken at the limits, and when nothing is to be charged', () => {
    for (const amount of [50, 99_999_999, 0])
      expect(price(seats(amount), undefined, usd)).toMatchObject({ price: amount });
    expect(price(seats(30), discount(percent(100)), usd)).toMatchObject({ price: 0 });
  });
});
