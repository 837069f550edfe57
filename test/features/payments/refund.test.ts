import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Payment } from '../../../src/features/payments/payment.ts';
import {
  firstRefundState,
  leftOf,
  paidByPerson,
  type Refund,
  stateAfter,
} from '../../../src/features/payments/refund.ts';
import { builtPayment } from '../../support/built-payments.ts';

const refund = (amountMinor: number, origin: Refund['origin'] = 'service'): Refund => ({
  refundId: 'refund',
  amountMinor,
  origin,
  state: 'done',
  providerId: 're_1',
  paidBy: 'provider',
});
const due = (amountMinor: number): Refund => ({ refundId: 'refund', amountMinor, origin: 'service', state: 'due' });
const taken = (amountMinor: number) => refund(amountMinor, 'dispute');

describe('the refunds of a payment', () => {
  test('they leave what is neither refunded nor due', () => {
    expect(leftOf(builtPayment(), [])).toBe(100);
    expect(leftOf(builtPayment(), [refund(30), due(20), taken(10)])).toBe(40);
  });

  test.each<[string, Payment['state'], Refund[], Payment['state']]>([
    ['none', 'received', [], 'received'],
    ['none', 'applied', [], 'applied'],
    ['a part that is due', 'applied', [due(99)], 'applied'],
    ['a part that is sent', 'applied', [refund(99)], 'applied'],
    ['all of it, due', 'applied', [due(100)], 'refund_due'],
    ['a part sent and the rest due', 'applied', [refund(40), due(60)], 'refund_due'],
    ['all of it, sent', 'applied', [refund(100)], 'refunded'],
    ['all of it, sent in parts', 'refund_due', [refund(40), refund(60)], 'refunded'],
    ['all of it, taken by a bank', 'applied', [taken(100)], 'disputed'],
    ['a part sent and the rest taken by a bank', 'refund_due', [refund(40), taken(60)], 'disputed'],
    ['a part taken by a bank', 'applied', [taken(40)], 'applied'],
    ['a refund that bounced', 'refunded', [due(100)], 'refund_due'],
    ['one refund of two that bounced', 'refunded', [refund(40), due(60)], 'refund_due'],
    ['a part of what is due', 'refund_due', [refund(40)], 'refund_due'],
    ['a dispute that was won', 'disputed', [], 'received'],
    ['a dispute that was won, after a part was sent', 'disputed', [refund(40)], 'received'],
  ])('%s: they set the next state of a payment that was %s', (_name, state, refunds, after) => {
    expect(stateAfter(builtPayment({ state }), refunds)).toBe(after);
  });

  test('they lead to the same state when they are counted twice', () => {
    const states = fc.constantFrom<Payment['state']>('applied', 'refund_due', 'refunded');
    const some = fc.array(
      fc.record({ amount: fc.integer({ min: 1, max: 60 }), kind: fc.constantFrom(refund, due, taken) }),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(states, some, (state, made) => {
        const refunds = made.map(({ amount, kind }) => kind(amount));
        const after = stateAfter(builtPayment({ state }), refunds);
        expect(stateAfter(builtPayment({ state: after }), refunds)).toBe(after);
      }),
    );
  });
});

test('only refunds of Stripe’s money are sent by the service itself', () => {
  expect(firstRefundState('stripe')).toBe('due');
  expect(firstRefundState('cash')).toBe('manual');
  expect(firstRefundState('external')).toBe('manual');
});

test('a refund that an operator paid says so, with its reference', () => {
  expect(paidByPerson('refund-1', 'transfer 17')).toEqual({
    state: 'done',
    paidBy: 'person',
    providerId: 'manual:refund-1:transfer 17',
  });
});
