import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Discount, DiscountTerms, PricedSeat } from '../../../src/features/pricing/discount.ts';
import { priceOrder } from '../../../src/features/pricing/price.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { as } from '../../../src/kernel/ids.ts';
import { Currency, money } from '../../../src/kernel/money.ts';

const TIERS = ['vip', 'hall', 'balcony'].map((id) => as<PricedSeat['tier']['id']>(id));
const RUNS = 1_000;

const amount = fc.integer({ min: 0, max: 5_000 }).map(money);
const limit = fc.option(amount, { nil: undefined });
const quantity = fc.integer({ min: 1, max: 5 });
const terms: fc.Arbitrary<DiscountTerms> = fc.oneof(
  fc.record({ type: fc.constant('FLAT_OFF' as const), amount, minSpend: limit }),
  fc.record({
    type: fc.constant('PERCENTAGE' as const),
    percentage: fc.record({ numerator: fc.bigInt(0n, 1_500n), decimals: fc.integer({ min: 0, max: 3 }) }),
    minSpend: limit,
    maxDiscount: limit,
  }),
  fc.record({ type: fc.constant('BUY_N_GET_N_FREE' as const), buyQuantity: quantity, getQuantity: quantity }),
);
const discount: fc.Arbitrary<Discount> = fc.record({
  id: fc.constant(as<Discount['id']>('discount')),
  code: fc.constant('CODE'),
  terms,
  activeFrom: fc.constant(undefined),
  expiresAt: fc.constant(undefined),
  maxUsage: fc.constant(undefined),
  currentUsage: fc.constant(0),
  applicableTiers: fc.subarray(TIERS),
  applicableSessions: fc.constant([]),
  active: fc.constant(true),
});
const seats = fc
  .array(fc.record({ price: fc.integer({ min: 0, max: 3_000 }), tier: fc.constantFrom(...TIERS) }), {
    minLength: 1,
    maxLength: 10,
  })
  .map((drawn) =>
    drawn.map(
      ({ price, tier }, at): PricedSeat => ({
        seatId: as<PricedSeat['seatId']>(`seat-${at}`),
        label: `A${at}`,
        tier: { id: tier, name: 'T', color: '#fff' },
        price: money(price),
      }),
    ),
  );
const currency = fc.constantFrom('lkr', 'jpy', 'kwd', 'isk', 'usd').map((code) => new Currency(code));

function price(of: readonly PricedSeat[], by: Discount | undefined, currency: Currency) {
  const sessionId = as<Discount['applicableSessions'][number]>('session');
  return priceOrder({ seats: of, discount: by, sessionId, now: instant(0), currency });
}

function total(of: readonly PricedSeat[]): bigint {
  return of.reduce((all, seat) => all + BigInt(seat.price), 0n);
}

function applicable(of: readonly PricedSeat[], by: Discount): PricedSeat[] {
  return of.filter((seat) => by.applicableTiers.length === 0 || by.applicableTiers.includes(seat.tier.id));
}

function least(...amounts: (bigint | undefined)[]): bigint {
  const [first = 0n] = amounts.filter((one) => one !== undefined).toSorted((a, b) => Number(a - b));
  return first;
}

/**
 * Rounds half up, digit by digit: the integer part, plus one when the remainder is at least half of the
 * divisor.
 */
function divided(by: bigint, numerator: bigint): bigint {
  const left = numerator % by;
  return numerator / by + (left + left >= by ? 1n : 0n);
}

/** The discount before the charge step, computed in the plainest and slowest way; 0n when it is refused. */
function plainly(of: readonly PricedSeat[], by: Discount): bigint {
  const its = applicable(of, by);
  const most = total(its);
  const { terms: said } = by;
  if (said.type === 'OTHER_CURRENCY' || said.type === 'TOO_LARGE') return 0n;
  if (said.type !== 'BUY_N_GET_N_FREE' && total(of) < BigInt(said.minSpend ?? 0)) return 0n;
  switch (said.type) {
    case 'FLAT_OFF':
      return least(BigInt(said.amount), most);
    case 'PERCENTAGE': {
      const share = divided(100n * 10n ** BigInt(said.percentage.decimals), most * said.percentage.numerator);
      const cap = said.maxDiscount === undefined ? undefined : BigInt(said.maxDiscount);
      return least(share, cap, most);
    }
    case 'BUY_N_GET_N_FREE': {
      const left = its.map((seat) => BigInt(seat.price));
      let given = 0n;
      for (let group = said.buyQuantity; group <= its.length; group += said.buyQuantity) {
        for (let at = 0; at < said.getQuantity && left.length > 0; at += 1) {
          const cheapest = least(...left);
          given += cheapest;
          left.splice(left.indexOf(cheapest), 1);
        }
      }
      return given;
    }
  }
}

test('a discount takes off what the plain computation says, and is refused where that is zero', () => {
  fc.assert(
    fc.property(seats, discount, currency, (of, by, inCurrency) => {
      const priced = price(of, by, inCurrency);
      const expected = plainly(of, by);
      if (priced.outcome === 'refused') {
        if (priced.code === 'discount_refused') expect(expected).toBe(0n);
        else expect(expected).toBeGreaterThan(0n);
        return;
      }
      const remainder = (total(of) - expected) % BigInt(inCurrency.chargeStep);
      expect(expected).toBeGreaterThan(0n);
      expect(BigInt(priced.discountAmount)).toBe(expected + remainder);
    }),
    { numRuns: RUNS },
  );
});

test('a price is never below zero, is chargeable, and is the subtotal less the discount', () => {
  fc.assert(
    fc.property(seats, fc.option(discount, { nil: undefined }), currency, (of, by, inCurrency) => {
      const priced = price(of, by, inCurrency);
      if (priced.outcome === 'refused') {
        if (by === undefined) {
          expect(priced.code).toBe('price_not_chargeable');
          expect(inCurrency.chargeProblem(Number(total(of)))).toBeDefined();
        } else if (priced.code === 'price_not_chargeable') {
          // The discount is rounded so that only the smallest charge can still be missed.
          expect(total(of) - plainly(of, by)).toBeLessThan(BigInt(inCurrency.minCharge + inCurrency.chargeStep));
        }
        return;
      }
      expect(BigInt(priced.subtotal)).toBe(total(of));
      expect(priced.subtotal - priced.discountAmount).toBe(priced.price);
      expect(priced.price).toBeGreaterThanOrEqual(0);
      if (priced.price > 0) expect(inCurrency.chargeProblem(priced.price)).toBeUndefined();
      expect(priced.discount).toBe(by);
    }),
    { numRuns: RUNS },
  );
});

test('a discount exceeds the subtotal of its seats by less than one charge step', () => {
  fc.assert(
    fc.property(seats, discount, currency, (of, by, inCurrency) => {
      const priced = price(of, by, inCurrency);
      if (priced.outcome === 'refused') return;
      const most = Number(total(applicable(of, by))) + inCurrency.chargeStep - 1;
      expect(priced.discountAmount).toBeLessThanOrEqual(most);
    }),
    { numRuns: RUNS },
  );
});

test('the order of the seats does not change the price', () => {
  const shuffled = seats.chain((of) => fc.tuple(fc.constant(of), fc.shuffledSubarray(of, { minLength: of.length })));
  fc.assert(
    fc.property(shuffled, discount, currency, ([of, again], by, inCurrency) => {
      expect(price(again, by, inCurrency)).toEqual(price(of, by, inCurrency));
    }),
    { numRuns: RUNS },
  );
});
