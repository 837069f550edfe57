import { type Instant, toRfc3339 } from '../../kernel/clock.ts';
import type { OrderId, PaymentIntentId } from '../../kernel/ids.ts';
import type { Executor, Transaction } from '../../platform/postgres/database.ts';
import type { Payment } from './payment.rules.ts';

/** Money received, as it is first written down. */
export interface MoneyReceived {
  readonly intentId: PaymentIntentId;
  readonly orderId: OrderId;
  readonly amountMinor: number;
  readonly currency: string;
}

const RECORD = {
  name: 'payment-record',
  text: `INSERT INTO payments (payment_intent_id, order_id, amount_minor, currency, received_at, state)
         VALUES ($1, $2, $3, $4, $5::timestamptz, 'received') ON CONFLICT (payment_intent_id) DO NOTHING`,
};

/** Writes down that money came, once however often it is told of. */
export async function recordMoney(executor: Executor, money: MoneyReceived, at: Instant): Promise<void> {
  await executor.rows(RECORD, [
    money.intentId,
    money.orderId,
    money.amountMinor,
    money.currency,
    toRfc3339(at),
  ]);
}

const LOCK = {
  name: 'payment-lock',
  text: `SELECT payment_intent_id, amount_minor, currency, state FROM payments
          WHERE payment_intent_id = $1 FOR UPDATE`,
};

interface PaymentRow {
  readonly payment_intent_id: PaymentIntentId;
  readonly amount_minor: number;
  readonly currency: string;
  readonly state: Payment['state'];
}

/** The payment, locked. The order is locked before it, always, so that two never wait for each other. */
export async function lockPayment(tx: Transaction, intentId: PaymentIntentId): Promise<Payment | undefined> {
  const [row] = await tx.rows<PaymentRow>(LOCK, [intentId]);
  return (
    row && {
      intentId: row.payment_intent_id,
      amountMinor: row.amount_minor,
      currency: row.currency,
      state: row.state,
    }
  );
}

const IS_PAID = {
  name: 'payment-is-paid',
  text: `SELECT EXISTS (SELECT FROM payments WHERE order_id = $1 AND state = 'applied') AS paid`,
};

/** Whether a payment pays for the order already. */
export async function isPaid(tx: Transaction, orderId: OrderId): Promise<boolean> {
  const [row] = await tx.rows<{ paid: boolean }>(IS_PAID, [orderId]);
  return row?.paid === true;
}

const APPLY = {
  name: 'payment-apply',
  text: `UPDATE payments SET state = 'applied' WHERE payment_intent_id = $1 AND state = 'received'`,
};

export async function markPaymentApplied(tx: Transaction, intentId: PaymentIntentId): Promise<void> {
  await tx.rows(APPLY, [intentId]);
}

const REFUND_DUE = {
  name: 'payment-refund-due',
  text: `UPDATE payments SET state = 'refund_due', refund_reason = $2, attempts = 0, next_attempt_at = $3::timestamptz
          WHERE payment_intent_id = $1 AND state = 'received'`,
};

export async function markRefundDue(
  tx: Transaction,
  intentId: PaymentIntentId,
  reason: string,
  at: Instant,
): Promise<void> {
  await tx.rows(REFUND_DUE, [intentId, reason, toRfc3339(at)]);
}

const GIVE_BACK = {
  name: 'payment-give-back',
  text: `UPDATE payments SET state = 'refund_due', refund_reason = $2, attempts = 0, next_attempt_at = $3::timestamptz
          WHERE order_id = $1 AND state = 'applied'`,
};

/** What pays for the order becomes due for refund. */
export async function giveBackApplied(
  tx: Transaction,
  orderId: OrderId,
  reason: string,
  at: Instant,
): Promise<void> {
  await tx.rows(GIVE_BACK, [orderId, reason, toRfc3339(at)]);
}

/** Past this many tries a person has to look; the row says why the last one failed. */
export const MAX_REFUND_ATTEMPTS = 12;

const CLAIM_REFUNDS = {
  name: 'payment-claim-refunds',
  text: `UPDATE payments
            SET attempts = attempts + 1,
                next_attempt_at = $1::timestamptz + LEAST(5 * power(2, attempts), 600) * interval '1 second'
          WHERE payment_intent_id IN (
            SELECT payment_intent_id FROM payments
             WHERE state = 'refund_due' AND next_attempt_at <= $1::timestamptz AND attempts < ${MAX_REFUND_ATTEMPTS}
             ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED)
        RETURNING payment_intent_id`,
};

/** Takes due refunds for this caller alone; a failed or forgotten one comes again after a growing pause. */
export async function claimRefunds(
  executor: Executor,
  now: Instant,
  limit: number,
): Promise<PaymentIntentId[]> {
  const rows = await executor.rows<{ payment_intent_id: PaymentIntentId }>(CLAIM_REFUNDS, [
    toRfc3339(now),
    limit,
  ]);
  return rows.map((row) => row.payment_intent_id);
}

const REFUNDED = {
  name: 'payment-refunded',
  text: `UPDATE payments SET state = 'refunded', refund_id = $2, last_error = NULL
          WHERE payment_intent_id = $1 AND state = 'refund_due'`,
};

export async function markRefunded(
  executor: Executor,
  intentId: PaymentIntentId,
  refundId: string,
): Promise<void> {
  await executor.rows(REFUNDED, [intentId, refundId]);
}

const REFUND_FAILED = {
  name: 'payment-refund-failed',
  text: `UPDATE payments SET last_error = $2 WHERE payment_intent_id = $1 AND state = 'refund_due'`,
};

export async function noteRefundFailure(
  executor: Executor,
  intentId: PaymentIntentId,
  reason: string,
): Promise<void> {
  await executor.rows(REFUND_FAILED, [intentId, reason]);
}
