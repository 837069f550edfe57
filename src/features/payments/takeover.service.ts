import { AppError } from '../../kernel/errors.ts';
import type { OrderId } from '../../kernel/ids.ts';
import type { Database, Transaction } from '../../platform/postgres/database.ts';
import type { Order } from '../orders/index.ts';
import type { AlignIntent } from './alignment.ts';
import type { CountMoney } from './payment.ports.ts';
import { isPaidElsewhere, leftOf, type Payment, stateAfter } from './payment.rules.ts';
import { lockApplied, lockPaymentOf, type MoneyReceived } from './payment.store.ts';
import type { GiveBack } from './refund.service.ts';
import { refundsOf } from './refund.store.ts';
import { replaceAssumed, saveReceived, takenOverPayment, wasRefunded } from './takeover.store.ts';

/**
 * Gives a payment that was assumed from its order the amount that the provider received, in the caller's transaction. The
 * earlier service charged 149.98 for 149.99, and only 149.98 can be refunded. Returns the payment as it was before when
 * the amounts differ.
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
 * In the caller's transaction: a payment that was heard of takes the place of one that was only assumed for its order,
 * which the provider never received. Both are locked.
 */
export async function takePlaceOf(
  tx: Transaction,
  assumed: Payment,
  payment: Payment,
  { countMoney, giveBack }: { readonly countMoney: CountMoney; readonly giveBack: GiveBack },
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
    await giveBack(tx, { ...payment, state }, 'the rest of what was paid');
  }
}

function refundedOf(payment: Payment, refunds: Parameters<typeof leftOf>[1]): number {
  return payment.amountMinor - leftOf(payment, refunds);
}

/** What orders and refunds need to know of payments that were taken over with their orders. */
export interface Takeover {
  /** Whether the order was paid before this service had it. */
  isTakenOver(orderId: OrderId): Promise<boolean>;
  /**
   * Reads the provider's account of the order's payment when that was only assumed, so that a refund starts from what is
   * really there. Throws `payments_unavailable`.
   */
  confirm(orderId: OrderId): Promise<void>;
  /**
   * Makes the refund of a completed order due, in the caller's transaction. Throws `refund_not_possible` when the order's
   * payment is not known, so that its money is never kept silently.
   */
  giveBackOrder(tx: Transaction, order: Order, reason: string): Promise<void>;
}

export function createTakeover({
  database,
  align,
  giveBack,
}: {
  readonly database: Database;
  readonly align: AlignIntent;
  readonly giveBack: GiveBack;
}): Takeover {
  return {
    isTakenOver: async (orderId) => (await takenOverPayment(database, orderId)) !== undefined,

    async confirm(orderId) {
      const payment = await takenOverPayment(database, orderId);
      if (payment?.isAssumed && !isPaidElsewhere(payment.intentId)) await align(payment.intentId);
    },

    async giveBackOrder(tx, { orderId, price, paymentIntentId }, reason) {
      const payment = await lockApplied(tx, orderId);
      if (payment) {
        await giveBack(tx, payment, reason);
      } else if (price > 0 && !(await wasRefunded(tx, orderId, paymentIntentId))) {
        const detail =
          'No payment of this order is known, so its money would be kept. Run the comparison with Stripe first.';
        throw new AppError('refund_not_possible', detail);
      }
    },
  };
}
