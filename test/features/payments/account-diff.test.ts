import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  describeDiff,
  diffOf,
  type Outflow,
  type ProviderDispute,
  type ProviderRefund,
  unfundedRefunds,
} from '../../../src/features/payments/account-diff.ts';
import type { Refund } from '../../../src/features/payments/refund.ts';

const NO_DIFF = { sent: [], bounced: [], won: [], added: [] };

const ours = (refundId: string, providerId?: string, amountMinor = 10): Refund => ({
  refundId,
  amountMinor,
  origin: 'service',
  ...(providerId === undefined ? { state: 'due' } : { state: 'done', providerId, paidBy: 'provider' }),
});
const there = (providerId: string, changes: Partial<ProviderRefund> = {}): ProviderRefund => ({
  providerId,
  amount: 10,
  refundId: undefined,
  hasFailed: false,
  ...changes,
});
const dispute = (providerId: string, state: ProviderDispute['state'] = 'taken'): ProviderDispute => ({
  providerId,
  amount: 10,
  state,
});
const account = (refunds: ProviderRefund[], disputes: ProviderDispute[] = []): Outflow => ({
  refunds,
  disputes,
});

describe('the difference of an account', () => {
  test.each<[string, Outflow, Refund[], object]>([
    ['nothing there, nothing here', account([]), [], {}],
    ['a refund known on both sides', account([there('re_1', { refundId: 'a' })]), [ours('a', 're_1')], {}],
    ['one of ours that is due', account([]), [ours('a')], {}],
    [
      'one of ours that was carried out',
      account([there('re_1', { refundId: 'a' })]),
      [ours('a')],
      { sent: [{ refundId: 'a', providerId: 're_1' }] },
    ],
    [
      'one of ours that bounced',
      account([there('re_1', { refundId: 'a', hasFailed: true })]),
      [ours('a', 're_1')],
      { bounced: [{ refundId: 'a', providerId: 're_1' }] },
    ],
    [
      'one that bounced before it was written down',
      account([there('re_1', { refundId: 'a', hasFailed: true })]),
      [ours('a')],
      {},
    ],
    [
      'one that bounced and was tried again',
      account([there('re_1', { refundId: 'a', hasFailed: true }), there('re_2', { refundId: 'a' })]),
      [ours('a')],
      { sent: [{ refundId: 'a', providerId: 're_2' }] },
    ],
    [
      'one that nobody here asked for',
      account([there('re_1')]),
      [],
      { added: [{ providerId: 're_1', amountMinor: 10, origin: 'stripe' }] },
    ],
    [
      'one that names a refund of somebody else',
      account([there('re_1', { refundId: 'unknown' })]),
      [],
      { added: [{ providerId: 're_1', amountMinor: 10, origin: 'stripe' }] },
    ],
    ['one that nobody asked for and that failed', account([there('re_1', { hasFailed: true })]), [], {}],
    [
      'a dispute',
      account([], [dispute('dp_1')]),
      [],
      { added: [{ providerId: 'dp_1', amountMinor: 10, origin: 'dispute' }] },
    ],
    [
      'a dispute that is known',
      account([], [dispute('dp_1')]),
      [{ ...ours('d', 'dp_1'), origin: 'dispute' }],
      {},
    ],
    [
      'a dispute that was won',
      account([], [dispute('dp_1', 'won')]),
      [{ ...ours('d', 'dp_1'), origin: 'dispute' }],
      { won: [{ refundId: 'd' }] },
    ],
    ['a dispute that was won before it was known', account([], [dispute('dp_1', 'won')]), [], {}],
  ])('%s', (_name, there, known, difference) => {
    expect(diffOf(there, known)).toEqual({ ...NO_DIFF, ...difference });
  });

  test('has words for an operator', () => {
    const diff = diffOf(
      account(
        [there('re_1', { refundId: 'a' }), there('re_2', { refundId: 'b', hasFailed: true }), there('re_3')],
        [dispute('dp_1', 'won'), dispute('dp_2')],
      ),
      [ours('a'), ours('b', 're_2'), { ...ours('d', 'dp_1'), origin: 'dispute' }],
    );
    expect(describeDiff(diff)).toEqual([
      'refund re_1 was sent',
      'refund re_2 did not reach the buyer',
      'a dispute was won',
      're_3 was refunded at the provider',
      'dp_2 was taken back by the bank',
    ]);
    expect(describeDiff(diffOf(account([]), []))).toEqual([]);
  });
});

describe('what the provider has no money for', () => {
  test.each<[string, number, Refund[], string[]]>([
    ['is nothing while all fits', 30, [ours('a', 're_1'), ours('b'), ours('c')], []],
    [
      'is what is due beyond what is left, the oldest served first',
      25,
      [ours('a'), ours('b'), ours('c')],
      ['c'],
    ],
    ['is all that is due when nothing is left', 10, [ours('a', 're_1'), ours('b'), ours('c')], ['b', 'c']],
    ['leaves a smaller one that still fits', 15, [ours('a', undefined, 20), ours('b', undefined, 15)], ['a']],
  ])('%s', (_name, amount, refunds, surplus) => {
    expect(unfundedRefunds(amount, refunds).map(({ refundId }) => refundId)).toEqual(surplus);
  });

  test('without it, what is refunded and due is no more than was paid, unless more was refunded already', () => {
    const some = fc.array(fc.record({ amount: fc.integer({ min: 1, max: 50 }), isDone: fc.boolean() }), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), some, (amount, made) => {
        const refunds = made.map((each, at) =>
          ours(String(at), each.isDone ? `re_${at}` : undefined, each.amount),
        );
        const surplus = new Set(unfundedRefunds(amount, refunds));
        const total = (of: readonly Refund[]) => of.reduce((sum, { amountMinor }) => sum + amountMinor, 0);
        const done = total(refunds.filter(({ state }) => state === 'done'));
        expect(total(refunds.filter((each) => !surplus.has(each)))).toBeLessThanOrEqual(
          Math.max(amount, done),
        );
        expect([...surplus].every(({ state }) => state !== 'done')).toBe(true);
      }),
    );
  });
});
