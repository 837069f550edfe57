import { Check } from 'typebox/value';
import { describe, expect, test } from 'vitest';
import { type DiscountJson, DiscountReader, DiscountSchema } from '../../../src/features/pricing/discount-json.ts';
import { as } from '../../../src/kernel/ids.ts';
import { Currency, money } from '../../../src/kernel/money.ts';
import { builtDiscount } from '../../support/built-orders.ts';

const discounts = new DiscountReader(new Currency('lkr'));
const json = (changes: object = {}): DiscountJson => ({
  id: 'D0000000-0000-4000-8000-000000000001',
  code: 'EARLY',
  parameters: { type: 'PERCENTAGE', percentage: 12.5, amount: null, minSpend: 100, maxDiscount: 49.99 },
  activeFrom: '2026-01-01T00:00:00',
  expiresAt: null,
  maxUsage: 5,
  currentUsage: 1,
  applicableTiers: [{ id: 't1' }],
  applicableSessionIds: ['S1'],
  active: true,
  ...changes,
});

describe('parsing a discount', () => {
  test('it takes what the platform sends: exact amounts, and dates without a zone as UTC', () => {
    expect(Check(DiscountSchema, { ...json(), public: true, name: 'extra' })).toBe(true);
    expect(discounts.read(json())).toEqual({
      id: 'd0000000-0000-4000-8000-000000000001',
      code: 'EARLY',
      terms: { type: 'PERCENTAGE', percentage: { numerator: 125n, decimals: 1 }, minSpend: 10_000, maxDiscount: 4_999 },
      activeFrom: Date.UTC(2026, 0, 1),
      expiresAt: undefined,
      maxUsage: 5,
      currentUsage: 1,
      applicableTiers: ['t1'],
      applicableSessions: ['s1'],
      active: true,
    });
  });

  test('it takes flags spelt isActive, and null for lists', () => {
    const { active: _active, ...rest } = json({
      isActive: true,
      applicableTiers: null,
      applicableSessionIds: null,
      maxUsage: null,
    });
    expect(discounts.read(rest)).toMatchObject({
      active: true,
      applicableTiers: [],
      applicableSessions: [],
      maxUsage: undefined,
    });
  });

  test.each([
    [12.5, { numerator: 125n, decimals: 1 }],
    [10, { numerator: 10n, decimals: 0 }],
    ['12.50', { numerator: 1_250n, decimals: 2 }],
    [100 / 3, { numerator: 33_333_333_333_333_336n, decimals: 15 }],
    [0.1 + 0.2, { numerator: 30_000_000_000_000_004n, decimals: 17 }],
  ])('it keeps %s percent exact', (percentage, expected) => {
    expect(discounts.read(json({ parameters: { type: 'PERCENTAGE', percentage } }))).toMatchObject({
      terms: { percentage: expected },
    });
  });

  test('it parses the other two kinds', () => {
    expect(discounts.read(json({ parameters: { type: 'FLAT_OFF', amount: 149.99 } }))).toMatchObject({
      terms: { type: 'FLAT_OFF', amount: 14_999, minSpend: undefined },
    });
    const free = { type: 'BUY_N_GET_N_FREE', buyQuantity: 2, getQuantity: 1 };
    expect(discounts.read(json({ parameters: free }))).toMatchObject({ terms: free });
  });

  test.each([
    ['2026-01-02', Date.UTC(2026, 0, 2)],
    ['2026-01-02T03:04', Date.UTC(2026, 0, 2, 3, 4)],
    ['2026-01-02 03:04:05', Date.UTC(2026, 0, 2, 3, 4, 5)],
    ['2026-01-02T03:04:05.123456789', Date.UTC(2026, 0, 2, 3, 4, 5, 123)],
    ['2026-01-02T03:04:05Z', Date.UTC(2026, 0, 2, 3, 4, 5)],
    ['2026-01-02T03:04:05+05:30', Date.UTC(2026, 0, 1, 21, 34, 5)],
    ['2026-01-02T03:04:05.000+0000', Date.UTC(2026, 0, 2, 3, 4, 5)],
    ['2028-02-29T00:00:00Z', Date.UTC(2028, 1, 29)],
    ['', undefined],
    [null, undefined],
  ])('it parses the date %s', (expiresAt, expected) => {
    expect(discounts.read(json({ expiresAt }))).toHaveProperty('expiresAt', expected);
  });

  test('it takes a discount that has only its terms, as an inactive one', () => {
    const bare = { id: 'd', parameters: { type: 'FLAT_OFF', amount: 1 } };
    expect(Check(DiscountSchema, bare)).toBe(true);
    const terms = { type: 'FLAT_OFF' as const, amount: money(100), minSpend: undefined };
    expect(discounts.read(bare)).toEqual(builtDiscount(terms, { id: as('d'), code: '', active: false }));
  });

  test.each([
    ['no currency', undefined],
    ['an empty currency', ''],
    ['the currency of the service', 'LKR'],
    ['the currency of the service in small letters', 'lkr'],
  ])('it parses an amount with %s as one in the service’s currency', (_name, currency) => {
    const parameters = { type: 'FLAT_OFF', amount: 5, currency };
    expect(Check(DiscountSchema, json({ parameters }))).toBe(true);
    expect(discounts.read(json({ parameters }))).toMatchObject({ terms: { type: 'FLAT_OFF', amount: 500 } });
  });

  test.each([
    ['an amount', { type: 'FLAT_OFF', amount: 5.001 }],
    ['a minimum spend', { type: 'PERCENTAGE', percentage: 10, minSpend: 5 }],
    ['a maximum discount', { type: 'PERCENTAGE', percentage: 10, maxDiscount: 5 }],
  ])('it never parses %s in another currency as its own', (_name, parameters) => {
    expect(discounts.read(json({ parameters: { ...parameters, currency: 'KWD' } }))).toMatchObject({
      terms: { type: 'OTHER_CURRENCY' },
    });
  });

  test('it parses a percentage without amounts, whatever currency it names', () => {
    const parameters = { type: 'PERCENTAGE', percentage: 10, currency: 'USD' };
    expect(discounts.read(json({ parameters }))).toMatchObject({ terms: { type: 'PERCENTAGE' } });
  });

  test.each([
    ['no id', { id: undefined }],
    ['half a seat', { parameters: { type: 'BUY_N_GET_N_FREE', buyQuantity: 1.5, getQuantity: 1 } }],
    ['an amount that is a list', { parameters: { type: 'FLAT_OFF', amount: [1] } }],
    ['a flag that is a string', { active: 'yes' }],
  ])('the schema refuses %s', (_name, changes) => {
    expect(Check(DiscountSchema, json(changes))).toBe(false);
  });

  test.each([
    ['another type', { parameters: { type: 'HALF_MOON' } }],
    ['a flat amount of zero', { parameters: { type: 'FLAT_OFF' } }],
    ['a fraction of a cent', { parameters: { type: 'FLAT_OFF', amount: 1.005 } }],
    ['a negative amount', { parameters: { type: 'FLAT_OFF', amount: -1 } }],
    ['no percentage', { parameters: { type: 'PERCENTAGE' } }],
    ['a percentage below zero', { parameters: { type: 'PERCENTAGE', percentage: -5 } }],
    ['a percentage that is no number', { parameters: { type: 'PERCENTAGE', percentage: Number.NaN } }],
    ['a percentage beyond every bound', { parameters: { type: 'PERCENTAGE', percentage: 1e21 } }],
    ['a minimum below zero', { parameters: { type: 'PERCENTAGE', percentage: 1, minSpend: -1 } }],
    ['no free seats', { parameters: { type: 'BUY_N_GET_N_FREE', buyQuantity: 1, getQuantity: 0 } }],
    ['the 30th of February', { activeFrom: '2026-02-30T00:00:00Z' }],
    ['a 13th month', { activeFrom: '2026-13-01' }],
    ['an hour that does not exist', { activeFrom: '2026-01-01T25:00Z' }],
    ['a date in an unknown order', { activeFrom: '1 Jan 2026' }],
    ['a number for a date', { activeFrom: '1' }],
    ['groups of zero seats', { parameters: { type: 'BUY_N_GET_N_FREE', buyQuantity: 0, getQuantity: 1 } }],
    ['a date that is not a date', { expiresAt: 'tomorrow' }],
  ])('it refuses %s as unreadable', (_name, changes) => {
    expect(discounts.read(json(changes))).toHaveProperty('unreadable');
  });
});
