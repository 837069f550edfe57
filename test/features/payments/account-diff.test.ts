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
const account = (refunds: ProviderRefund[], disputes: ProviderDispute[] = []): Outflow => ({ refunds, disputes });

describe('the difference between the provider’s account and ours', () => {
  test.each<[string, Outflow, Refund[], object]>([
    ['it is empty when both are empty', account([]), [], {}],
    [
      'it is empty for a refund known on both sides',
      account([there('re_1', { refundId: 'a' })]),
      [ours('a', 're_1')],
      {},
    ],
    ['it is empty for a refund of ours that is due', account([]), [ours('a')], {}],
    [
      'it has a refund of ours that was sent',
      account([there('re_1', { refundId: 'a' })]),
      [ours('a')],
      { sent: [{ refundId: 'a', providerId: 're_1' }] },
    ],
    [
      'it has a refund of ours that bounced',
      account([there('re_1', { refundId: 'a', hasFailed: true })]),
      [ours('a', 're_1')],
      { bounced: [{ refundId: 'a', providerId: 're_1' }] },
    ],
    [
      'it has a refund that bounced before its sending was saved',
      account([there('re_1', { refundId: 'a', hasFailed: true })]),
      [ours('a')],
      {},
    ],
    [
      'it is empty for a refund that bounced and was retried',
      account([there('re_1', { refundId: 'a', hasFailed: true }), there('re_2', { refundId: 'a' })]),
      [ours('a')],
      { sent: [{ refundId: 'a', providerId: 're_2' }] },
    ],
    [
      'it has a refund that was made at the provider',
      account([there('re_1')]),
      [],
      { added: [{ providerId: 're_1', amountMinor: 10, origin: 'stripe' }] },
    ],
    [
      'it has a refund that names another payment’s refund',
      account([there('re_1', { refundId: 'unknown' })]),
      [],
      { added: [{ providerId: 're_1', amountMinor: 10, origin: 'stripe' }] },
    ],
    [
      'it is empty for a refund made at the provider that failed',
      account([there('re_1', { hasFailed: true })]),
      [],
      {},
    ],
    [
      'it has a new dispute',
      account([], [dispute('dp_1')]),
      [],
      { added: [{ providerId: 'dp_1', amountMinor: 10, origin: 'dispute' }] },
    ],
    [
      'it is empty for a known dispute',
      account([], [dispute('dp_1')]),
      [{ ...ours('d', 'dp_1'), origin: 'dispute' }],
      {},
    ],
    [
      'it has a dispute that was won',
      account([], [dispute('dp_1', 'won')]),
      [{ ...ours('d', 'dp_1'), origin: 'dispute' }],
      { won: [{ refundId: 'd' }] },
    ],
    ['it is empty for a dispute that was won before it was known', account([], [dispute('dp_1', 'won')]), [], {}],
  ])('%s', (_name, there, known, difference) => {
    expect(diffOf(there, known)).toEqual({ ...NO_DIFF, ...difference });
  });

  test('it is described in words for an operator', () => {
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

describe('refunds that the provider has no money for', () => {
  test.each<[string, number, Refund[], string[]]>([
    ['there are none while all of them fit', 30, [ours('a', 're_1'), ours('b'), ours('c')], []],
    [
      'they are the due ones beyond what is left, with the oldest served first',
      25,
      [ours('a'), ours('b'), ours('c')],
      ['c'],
    ],
    ['they are all due ones when nothing is left', 10, [ours('a', 're_1'), ours('b'), ours('c')], ['b', 'c']],
    [
      'they do not include a smaller one that still fits',
      15,
      [ours('a', undefined, 20), ours('b', undefined, 15)],
      ['a'],
    ],
  ])('%s', (_name, amount, refunds, surplus) => {
    expect(unfundedRefunds(amount, refunds).map(({ refundId }) => refundId)).toEqual(surplus);
  });

  test('without them, refunded and due amounts are at most the payment, unless more was refunded already', () => {
    const some = fc.array(fc.record({ amount: fc.integer({ min: 1, max: 50 }), isDone: fc.boolean() }), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), some, (amount, made) => {
        const refunds = made.map((each, at) => ours(String(at), each.isDone ? `re_${at}` : undefined, each.amount));
        const surplus = new Set(unfundedRefunds(amount, refunds));
        const total = (of: readonly Refund[]) => of.reduce((sum, { amountMinor }) => sum + amountMinor, 0);
        const done = total(refunds.filter(({ state }) => state === 'done'));
        expect(total(refunds.filter((each) => !surplus.has(each)))).toBeLessThanOrEqual(Math.max(amount, done));
        expect([...surplus].every(({ state }) => state !== 'done')).toBe(true);
      }),
    );
  });
});
