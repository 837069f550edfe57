import type { Transaction } from '../../platform/postgres/database.ts';
import type { Payment } from './payment.ts';
import type { CountMoney } from './payment-provider.ts';
import { lockPaymentOf, type MoneyReceived } from './payments.store.ts';
import { leftOf, type Refund, stateAfter } from './refund.ts';
import type { RefundLedger } from './refund-ledger.ts';
import { refundsOf } from './refunds.store.ts';
import { replaceAssumed, saveReceived } from './taken-over.store.ts';

/**
 * Sets the amount of an assumed payment to the amount that the provider received, in the caller's transaction. The earlier
 * service charged 149.98 for 149.99, and only 149.98 can be refunded. Returns the payment before the correction, or undefined
 * when the amounts are equal.
 */
export async function correctAssumed(
  tx: Transaction,
  { intentId, orderId, amountMinor, currency }: MoneyReceived,
  countMoney: CountMoney,
): Promise<Payment | undefined> {
  const payment = await lockPaymentOf(tx, orderId, intentId);
  if (payment?.takenOver !== 'assumed') return undefined;
  if (payment.amountMinor === amountMinor && payment.currency === currency) return undefined;
  const refunded = refundedOf(payment, await refundsOf(tx, intentId));
  await countMoney(tx, { intentId, taken: -payment.amountMinor, refunded: -refunded });
  await saveReceived(tx, intentId, amountMinor, currency);
  await countMoney(tx, { intentId, taken: amountMinor, refunded });
  return payment;
}

/**
 * Replaces a payment that was only assumed for its order, and that the provider never received, by the payment that the
 * provider received. In the caller's transaction; both payments are locked.
 */
export async function replaceAssumedPayment(
  tx: Transaction,
  assumed: Payment,
  payment: Payment,
  countMoney: CountMoney,
  ledger: RefundLedger,
): Promise<void> {
  const { intentId } = payment;
  const refunds = await refundsOf(tx, assumed.intentId);
  const refunded = refundedOf(assumed, refunds);
  await countMoney(tx, { intentId: assumed.intentId, taken: -assumed.amountMinor, refunded: -refunded });
  const state = stateAfter({ ...payment, state: assumed.state }, refunds);
  await replaceAssumed(tx, assumed.intentId, intentId, state);
  await countMoney(tx, { intentId, taken: 0, refunded });
  // The whole payment was to be refunded, and Stripe received more than was assumed.
  if (state === 'refund_due' && leftOf(payment, refunds) > 0) {
    await ledger.refundRest(tx, { ...payment, state }, 'the rest of what was paid');
  }
}

function refundedOf(payment: Payment, refunds: readonly Refund[]): number {
  return payment.amountMinor - leftOf(payment, refunds);
}
