import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Currency, minus, money, smaller, sum } from '../../src/kernel/money.ts';

const lkr = new Currency('LKR');
const jpy = new Currency('jpy');
const kwd = new Currency('kwd');

describe('fromMajor', () => {
  test.each([
    [149.99, lkr, 14_999],
    [150, lkr, 15_000],
    [149.5, lkr, 14_950],
    [0.29, lkr, 29],
    [1.005, kwd, 1_005],
    ['150.50', lkr, 15_050],
    ['150.500', lkr, 15_050],
    [0, lkr, 0],
    [-0, lkr, 0],
    ['-0.00', lkr, 0],
    [-1.5, lkr, -150],
    [149.99, jpy, undefined],
    [1.1 + 2.2, kwd, undefined],
    [0.1 + 0.7, kwd, undefined],
    ['1e3', jpy, 1_000],
    ['1.5e1', lkr, 1_500],
    ['90071992547409.92', lkr, undefined],
    [`${'0'.repeat(61)}1.5`, lkr, 150],
    [`${'0'.repeat(62)}1.5`, lkr, undefined],
    ['9'.repeat(1_000_000), lkr, undefined],
    [1_000, jpy, 1_000],
    [1e21, lkr, undefined],
    [1e-7, lkr, undefined],
    [1.005, lkr, undefined],
    [0.5, jpy, undefined],
    [0.1 + 0.2, lkr, undefined],
    [Number.NaN, lkr, undefined],
    [Number.POSITIVE_INFINITY, lkr, undefined],
    ['90071992547409.91', lkr, 9_007_199_254_740_991],
    ['', lkr, undefined],
    ['12,50', lkr, undefined],
    ['0x10', lkr, undefined],
    ['1e999', lkr, undefined],
  ])('the amount %s becomes %s', (amount, currency, minor) => {
    expect(currency.fromMajor(amount)).toBe(minor);
  });
});

test.each([
  ['LKR', { code: 'lkr', exponent: 2, chargeStep: 1, minCharge: 1, maxCharge: 99_999_999 }],
  ['jpy', { code: 'jpy', exponent: 0, chargeStep: 1, minCharge: 50, maxCharge: 99_999_999 }],
  ['Kwd', { code: 'kwd', exponent: 3, chargeStep: 10, minCharge: 10, maxCharge: 99_999_990 }],
  ['isk', { code: 'isk', exponent: 2, chargeStep: 100, minCharge: 100, maxCharge: 99_999_900 }],
  ['ugx', { code: 'ugx', exponent: 2, chargeStep: 100, minCharge: 100, maxCharge: 99_999_900 }],
  ['huf', { code: 'huf', exponent: 2, chargeStep: 1, minCharge: 17_500, maxCharge: 99_999_999 }],
  ['idr', { code: 'idr', exponent: 2, chargeStep: 1, minCharge: 50, maxCharge: 999_999_999_999 }],
])('the currency %s has the decimals and limits that Stripe documents', (code, currency) => {
  expect(new Currency(code)).toEqual(currency);
});

test.each(['xyz', 'lyd', 'rupee', ''])('there is no currency %o, because Stripe does not charge it', (code) => {
  expect(() => new Currency(code)).toThrow('not a currency that Stripe charges');
});

test.each([
  ['usd', 49, 'too_small'],
  ['usd', 50, undefined],
  ['usd', 99_999_999, undefined],
  ['usd', 100_000_000, 'too_large'],
  ['jpy', 49, 'too_small'],
  ['isk', 87_412, 'decimals'],
  ['isk', 87_400, undefined],
  ['kwd', 12_345, 'decimals'],
  ['inr', 999_999_999, undefined],
])('in %s, an amount of %i has the problem %o', (code, amount, problem) => {
  expect(new Currency(code).chargeProblem(amount)).toBe(problem);
});

test('amounts are added, subtracted and compared in minor units', () => {
  expect([sum([]), sum([money(1), money(2)]), minus(money(1), money(3))]).toEqual([0, 3, -2]);
  expect([smaller(money(1), money(2)), smaller(money(2), money(1))]).toEqual([1, 1]);
});

test.each([lkr, jpy, kwd])('an amount of $code survives the wire and the database', (currency) => {
  fc.assert(
    fc.property(fc.integer({ min: -999_999_999_999, max: 999_999_999_999 }), (minor) => {
      const amount = money(minor + 0);
      expect(currency.fromDecimal(currency.toDecimal(amount))).toBe(amount);
      expect(currency.fromMajor(currency.toMajor(amount))).toBe(amount);
      expect(currency.fromMajor(JSON.parse(JSON.stringify(currency.toMajor(amount))))).toBe(amount);
    }),
  );
});

test('toDecimal writes every digit', () => {
  expect([
    lkr.toDecimal(money(5)),
    lkr.toDecimal(money(-14_950)),
    jpy.toDecimal(money(7)),
    kwd.toDecimal(money(12)),
  ]).toEqual(['0.05', '-149.50', '7', '0.012']);
});

test('a sum that is not a safe integer is refused', () => {
  expect(() => sum([money(Number.MAX_SAFE_INTEGER), money(1)])).toThrow(RangeError);
  expect(() => minus(money(-Number.MAX_SAFE_INTEGER), money(1))).toThrow(RangeError);
  for (const amount of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 1e21]) {
    expect(() => money(amount)).toThrow(RangeError);
  }
  expect(() => lkr.fromDecimal('1.005')).toThrow('lkr');
});
