import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { IdSource, OrderId } from '../../kernel/ids.ts';
import type { Transaction } from '../../platform/postgres/database.ts';
import type { Payment } from './payment.ts';
import type { CountMoney } from './payment-provider.ts';
import { lockApplied, setPaymentState } from './payments.store.ts';
import { firstRefundState, leftOf, type NewRefund, type Refund, stateAfter } from './refund.ts';
import { deleteRefunds, insertRefund, refundsOf } from './refunds.store.ts';

/** Writes and deletes refunds of locked payments, and adds them to the figures, in the caller's transaction. */
export class RefundLedger {
  readonly #countMoney: CountMoney;
  readonly #clock: Clock;
  readonly #ids: IdSource;

  constructor(countMoney: CountMoney, clock: Clock, ids: IdSource) {
    this.#countMoney = countMoney;
    this.#clock = clock;
    this.#ids = ids;
  }

  newId(): string {
    return this.#ids.uuid();
  }

  /** Writes a refund. A refund that is due is sent after the commit. */
  async write(tx: Transaction, refund: NewRefund, refundId: string = this.newId()): Promise<void> {
    const { intentId, amountMinor } = refund;
    const isNew = await insertRefund(tx, refundId, refund, this.#clock.now());
    if (isNew) await this.#countMoney(tx, { intentId, taken: 0, refunded: amountMinor });
  }

  /** Writes a refund of all that is left of a payment. Returns the new state of the payment. */
  async refundRest(tx: Transaction, payment: Payment, reason: string): Promise<Payment['state']> {
    const { intentId, source } = payment;
    const amountMinor = leftOf(payment, await refundsOf(tx, intentId));
    if (amountMinor > 0) {
      await this.write(tx, { intentId, amountMinor, origin: 'service', reason, state: firstRefundState(source) });
    }
    return savePaymentState(tx, payment);
  }

  /** Deletes refunds of a payment that are not to be paid any more. */
  async delete(
    tx: Transaction,
    { intentId }: Pick<Payment, 'intentId'>,
    refunds: readonly Pick<Refund, 'refundId'>[],
  ): Promise<void> {
    if (refunds.length === 0) return;
    const deleted = await deleteRefunds(
      tx,
      refunds.map(({ refundId }) => refundId),
    );
    await this.#countMoney(tx, { intentId, taken: 0, refunded: -deleted });
  }
}

/**
 * Locks the payment of a locked order whose amounts are in the service's currency. Throws `refund_not_possible` when there is
 * none.
 */
export async function lockRefundable(tx: Transaction, orderId: OrderId): Promise<Payment> {
  const payment = await lockApplied(tx, orderId);
  if (!payment) throw new AppError('refund_not_possible', 'This order has no payment that could be refunded.');
  if (payment.currency === tx.currency.code) return payment;
  const [paid, own] = [payment.currency, tx.currency.code].map((code) => code.toUpperCase());
  throw new AppError(
    'refund_not_possible',
    `The payment is in ${paid}, not in ${own}. Refund it in Stripe’s dashboard.`,
  );
}

/** Saves and returns the state of a locked payment that follows from its refunds. */
export async function savePaymentState(tx: Transaction, payment: Payment): Promise<Payment['state']> {
  const state = stateAfter(payment, await refundsOf(tx, payment.intentId));
  if (state !== payment.state) await setPaymentState(tx, payment.intentId, state);
  return state;
}
