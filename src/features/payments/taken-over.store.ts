import { type Instant, toRfc3339 } from '../../kernel/clock.ts';
import type { OrderId, PaymentIntentId } from '../../kernel/ids.ts';
import type { Executor, Transaction } from '../../platform/postgres/database.ts';
import type { Payment, PaymentSource } from './payment.ts';

const CORRECT = {
  name: 'payment-correct-assumed',
  text: `UPDATE payments SET amount_minor = $2, currency = $3
          WHERE payment_intent_id = $1 AND taken_over = 'assumed'`,
};

/** Sets the amount of an assumed, locked payment to the provider's. */
export async function saveReceived(
  tx: Transaction,
  intentId: PaymentIntentId,
  amountMinor: number,
  currency: string,
): Promise<void> {
  await tx.rows(CORRECT, [intentId, amountMinor, currency]);
}

const CONFIRM = {
  name: 'payment-confirm-assumed',
  text: `UPDATE payments SET taken_over = 'confirmed' WHERE payment_intent_id = $1 AND taken_over = 'assumed'`,
};

/** Saves that the provider's account of an assumed payment has been read. */
export async function saveConfirmed(tx: Transaction, intentId: PaymentIntentId): Promise<void> {
  await tx.rows(CONFIRM, [intentId]);
}

/** Moves refunds to the payment that was found; those that waited for a person can be sent now. */
const MOVE_REFUNDS = {
  name: 'refunds-move-to-payment',
  text: `UPDATE refunds SET payment_intent_id = $2,
                attempts = CASE WHEN state IN ('failed', 'manual') THEN 1 ELSE attempts END,
                state = CASE WHEN state IN ('failed', 'manual') THEN 'sent' ELSE state END
          WHERE payment_intent_id = $1`,
};
const REMOVE = {
  name: 'payment-remove-assumed',
  text: `DELETE FROM payments WHERE payment_intent_id = $1 AND taken_over = 'assumed'`,
};
const TAKE_PLACE = {
  name: 'payment-take-place',
  text: `UPDATE payments SET state = $2, taken_over = 'assumed' WHERE payment_intent_id = $1`,
};

/** Replaces an assumed payment by another, which gets its refunds and the state. */
export async function replaceAssumed(
  tx: Transaction,
  assumed: PaymentIntentId,
  by: PaymentIntentId,
  state: string,
): Promise<void> {
  await tx.rows(MOVE_REFUNDS, [assumed, by]);
  await tx.rows(REMOVE, [assumed]);
  await tx.rows(TAKE_PLACE, [by, state]);
}

const TAKEN_OVER = {
  name: 'payment-taken-over',
  text: `SELECT payment_intent_id, source, taken_over FROM payments
          WHERE order_id = $1 AND taken_over IS NOT NULL AND state IN ('applied', 'refund_due', 'refunded', 'disputed')
          ORDER BY state = 'applied' DESC LIMIT 1`,
};

/** The payment of an order that was taken over from the earlier service. */
export async function takenOverPayment(
  executor: Executor,
  orderId: OrderId,
): Promise<Pick<Payment, 'intentId' | 'source' | 'takenOver'> | undefined> {
  interface Row {
    readonly payment_intent_id: PaymentIntentId;
    readonly source: PaymentSource;
    readonly taken_over: 'assumed' | 'confirmed';
  }
  const [row] = await executor.rows<Row>(TAKEN_OVER, [orderId]);
  return row && { intentId: row.payment_intent_id, source: row.source, takenOver: row.taken_over };
}

const WAS_REFUNDED = {
  name: 'payment-was-refunded',
  text: `SELECT FROM payments
          WHERE order_id = $1 AND state IN ('refund_due', 'refunded', 'disputed')
            AND payment_intent_id = COALESCE($2, payment_intent_id) LIMIT 1`,
};

/** Whether a payment of the order is refunded, disputed or to be refunded; with `intentId`, whether that payment is. */
export async function wasRefunded(
  executor: Executor,
  orderId: OrderId,
  intentId: PaymentIntentId | undefined,
): Promise<boolean> {
  return (await executor.rows(WAS_REFUNDED, [orderId, intentId ?? null])).length > 0;
}

const MAY_REFUND = { name: 'comparison-may-refund', text: 'SELECT FROM comparison_permission' };

/** Whether the daily comparison may refund. */
export async function mayComparisonRefund(executor: Executor): Promise<boolean> {
  return (await executor.rows(MAY_REFUND, [])).length > 0;
}

const PERMIT = {
  name: 'comparison-permit',
  text: 'INSERT INTO comparison_permission (given_at) VALUES ($1::timestamptz) ON CONFLICT DO NOTHING',
};

/** Allows the daily comparison to refund. */
export async function permitComparisonRefunds(executor: Executor, at: Instant): Promise<void> {
  await executor.rows(PERMIT, [toRfc3339(at)]);
}
