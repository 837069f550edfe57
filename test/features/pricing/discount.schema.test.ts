import { Check } from 'typebox/value';
import { describe, expect, test } from 'vitest';
import {
  type DiscountJson,
  DiscountSchema,
  readDiscount,
} from '../../../src/features/pricing/discount.schema.ts';
import { currencyOf } from '../../../src/kernel/money.ts';

const lkr = currencyOf('lkr');
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

describe('reading a discount', () => {
  test('takes what the platform sends, amounts exact, dates without a zone as UTC', () => {
    expect(Check(DiscountSchema, { ...json(), public: true, name: 'extra' })).toBe(true);
    expect(readDiscount(json(), lkr)).toEqual({
      id: 'd0000000-0000-4000-8000-000000000001',
      code: 'EARLY',
      terms: {
        type: 'PERCENTAGE',
        percentage: { numerator: 125n, decimals: 1 },
        minSpend: 10_000,
        maxDiscount: 4_999,
      },
      activeFrom: Date.UTC(2026, 0, 1),
      expiresAt: undefined,
      maxUsage: 5,
      currentUsage: 1,
      applicableTiers: ['t1'],
      applicableSessions: ['s1'],
      active: true,
    });
  });

  test('takes flags spelt isActive, and nothing for lists', () => {
    const { active: _active, ...rest } = json({
      isActive: true,
      applicableTiers: null,
      applicableSessionIds: null,
      maxUsage: null,
    });
    expect(readDiscount(rest, lkr)).toMatchObject({
      active: true,
      applicableTiers: [],
      applicableSessions: [],
      maxUsage: undefined,
    });
  });

  test.each([
    ['another type', { parameters: { type: 'HALF_MOON' } }],
    ['a flat amount of nothing', { parameters: { type: 'FLAT_OFF' } }],
    ['a fraction of a cent', { parameters: { type: 'FLAT_OFF', amount: 1.005 } }],
    ['a negative amount', { parameters: { type: 'FLAT_OFF', amount: -1 } }],
    ['no percentage', { parameters: { type: 'PERCENTAGE' } }],
    ['groups of nothing', { parameters: { type: 'BUY_N_GET_N_FREE', buyQuantity: 0, getQuantity: 1 } }],
    ['a date that is none', { expiresAt: 'tomorrow' }],
  ])('says that %s cannot be read', (_name, changes) => {
    expect(readDiscount(json(changes), lkr)).toHaveProperty('unreadable');
  });
});
