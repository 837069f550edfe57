import type { Payment } from '../../src/features/payments/payment.ts';
import { as } from '../../src/kernel/ids.ts';

/** A payment of 1.00 that has just been received, except for `changes`. */
export const builtPayment = (changes: Partial<Payment> = {}): Payment => ({
  intentId: as<Payment['intentId']>('pi_1'),
  source: 'stripe',
  amountMinor: 100,
  currency: 'lkr',
  state: 'received',
  ...changes,
});
