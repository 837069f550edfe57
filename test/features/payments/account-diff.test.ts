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
import { as, type TicketId } from '../../../src/kernel/ids.ts';

const NO_DIFF = { sent: [], bounced: [], won: [], named: [], added: [] };

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
  ticketId: undefined,
  hasFailed: false,
  ...changes,
});
const dispute = (
  providerId: string,
  state: ProviderDispute['state'] = 'taken',
  changes: Partial<ProviderDispute> = {},
): ProviderDispute => ({ providerId, amount: 10, currency: 'lkr', ticketId: undefined, state, ...changes });
const PAYMENT = { amountMinor: 1_000, currency: 'lkr' };
const MADE_THERE = { origin: 'stripe', reason: 'refunded at the provider' };
const DISPUTED = { origin: 'dispute', reason: 'taken back by the bank' };
const TICKET = as<TicketId>('ticket');
const OF_NO_TICKETS = () => false;
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
      { added: [{ providerId: 're_1', amountMinor: 10, ...MADE_THERE }] },
    ],
    [
      'it has a refund that names another payment’s refund',
      account([there('re_1', { refundId: 'unknown' })]),
      [],
      { added: [{ providerId: 're_1', amountMinor: 10, ...MADE_THERE }] },
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
      { added: [{ providerId: 'dp_1', amountMinor: 10, ...DISPUTED }] },
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
    [
      'it has a refund made at the provider that bounced later',
      account([there('re_1', { hasFailed: true })]),
      [{ ...ours('a', 're_1'), origin: 'stripe' }],
      { bounced: [{ refundId: 'a', providerId: 're_1' }] },
    ],
    [
      'it has the ticket that a refund names, and that an unclear one names later',
      account([there('re_1', { ticketId: TICKET }), there('re_2', { ticketId: TICKET })]),
      [{ ...ours('a', 're_2'), origin: 'stripe', isTicketUnclear: true }],
      {
        named: [{ refundId: 'a', providerId: 're_2', ticketId: TICKET }],
        added: [{ providerId: 're_1', amountMinor: 10, ...MADE_THERE, ticketId: TICKET }],
      },
    ],
    ['it is empty for a dispute that was won before it was known', account([], [dispute('dp_1', 'won')]), [], {}],
  ])('%s', (_name, there, known, difference) => {
    expect(diffOf(there, known, PAYMENT, OF_NO_TICKETS)).toEqual({ ...NO_DIFF, ...difference });
  });

  test('it is described in words for an operator', () => {
    const diff = diffOf(
      account(
        [there('re_1', { refundId: 'a' }), there('re_2', { refundId: 'b', hasFailed: true }), there('re_3')],
        [dispute('dp_1', 'won'), dispute('dp_2')],
      ),
      [ours('a'), ours('b', 're_2'), { ...ours('d', 'dp_1'), origin: 'dispute' }],
      PAYMENT,
      OF_NO_TICKETS,
    );
    expect(describeDiff(diff)).toEqual([
      'refund re_1 was sent',
      'refund re_2 did not reach the buyer',
      'a dispute was won',
      're_3 was refunded at the provider',
      'dp_2 was taken back by the bank',
    ]);
    expect(describeDiff(diffOf(account([]), [], PAYMENT, OF_NO_TICKETS))).toEqual([]);
  });
});

describe('dispute-amounts: what a dispute takes of a payment of 250.00 rupees', () => {
  const payment = { amountMinor: 25_000, currency: 'lkr' };
  const rupees = (amount: number) => dispute('dp_1', 'taken', { amount });

  test.each<[string, ProviderDispute, Refund[], number | undefined]>([
    ['all of it, in dollars', dispute('dp_1', 'taken', { amount: 8_333, currency: 'usd' }), [], 25_000],
    ['all of it, at a worse exchange rate', rupees(25_300), [], 25_000],
    ['all of it, at a better exchange rate', rupees(24_900), [], 25_000],
    ['a part of it', rupees(10_000), [], 10_000],
    ['what is left after a refund', rupees(25_000), [ours('a', 're_1', 10_000)], 15_000],
    ['also what is only due to be refunded', rupees(25_000), [ours('a', undefined, 10_000)], 25_000],
    ['nothing when all was refunded', rupees(25_000), [ours('a', 're_1', 25_000)], undefined],
  ])('it takes %s', (_name, disputed, known, amountMinor) => {
    const { added } = diffOf(account([], [disputed]), known, payment, OF_NO_TICKETS);
    expect(added.map((each) => each.amountMinor)).toEqual(amountMinor === undefined ? [] : [amountMinor]);
  });

  test.each([
    ['a part', 'exactly that of some tickets', 24_000, 24_000],
    ['all of it', 'that of no tickets', 24_001, 25_000],
  ])('it takes %s when its amount is nearly the whole and %s', (_takes, _name, amount, taken) => {
    const { added } = diffOf(account([], [rupees(amount)]), [], payment, (sum) => sum === 24_000);
    expect(added.map((each) => each.amountMinor)).toEqual([taken]);
  });

  test('its reason has the bank’s amount when that is another one', () => {
    const reasonOf = (disputed: ProviderDispute) =>
      diffOf(account([], [disputed]), [], payment, OF_NO_TICKETS).added[0]?.reason;
    expect(reasonOf(dispute('dp_1', 'taken', { amount: 8_333, currency: 'usd' }))).toBe(
      'taken back by the bank: 8333 usd',
    );
    expect(reasonOf(rupees(25_000))).toBe('taken back by the bank');
  });

  test('refunds and disputes never take more than was paid, whatever the amounts and currencies', () => {
    const outflow = fc.record({ amount: fc.integer({ min: 1, max: 40_000 }), currency: fc.constantFrom('lkr', 'usd') });
    fc.assert(
      fc.property(fc.array(outflow, { maxLength: 4 }), fc.nat({ max: 25_000 }), (disputes, refunded) => {
        const known = refunded > 0 ? [ours('a', 're_1', refunded)] : [];
        const all = disputes.map((changes, at) => dispute(`dp_${at}`, 'taken', changes));
        const { added } = diffOf(account([], all), known, payment, OF_NO_TICKETS);
        const total = added.reduce((sum, { amountMinor }) => sum + amountMinor, refunded);
        expect(total).toBeLessThanOrEqual(25_000);
        expect(added.every(({ amountMinor }) => amountMinor > 0)).toBe(true);
      }),
    );
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
