import { type Instant, later, toRfc3339 } from '../../kernel/clock.ts';
import type { OrderId, PaymentIntentId } from '../../kernel/ids.ts';
import { claim, claimDue, type DueTable, keepFailure } from '../../platform/jobs/due-work.store.ts';
import type { Executor, Transaction } from '../../platform/postgres/database.ts';
import type { Payment, PaymentSource } from './payment.ts';

/** Money received, as it is first recorded. */
export interface MoneyReceived {
  readonly intentId: PaymentIntentId;
  readonly orderId: OrderId;
  readonly source: PaymentSource;
  readonly amountMinor: number;
  readonly currency: string;
}

const RECORD = {
  name: 'payment-record',
  text: `INSERT INTO payments (payment_intent_id, order_id, amount_minor, currency, received_at, state, source, next_attempt_at)
         VALUES ($1, $2, $3, $4, $5::timestamptz, $6, $7, $8::timestamptz) ON CONFLICT (payment_intent_id) DO NOTHING
         RETURNING payment_intent_id`,
};

/** A payment still `received` after this long was left by a process that crashed: another decides on it. */
const UNDECIDED_MS = 15_000;

/** Records money received, once however often it is reported; false when it was recorded before. */
export async function recordMoney(
  tx: Transaction,
  money: MoneyReceived,
  at: Instant,
  state: 'received' | 'withheld' = 'received',
): Promise<boolean> {
  const written = await tx.rows(RECORD, [
    money.intentId,
    money.orderId,
    money.amountMinor,
    money.currency,
    toRfc3339(at),
    state,
    money.source,
    toRfc3339(later(at, UNDECIDED_MS)),
  ]);
  return written.length > 0;
}

/** The columns that `toPayment` reads. */
const PAYMENT_COLUMNS = 'payment_intent_id, source, amount_minor, currency, state, taken_over';

const LOCK = {
  name: 'payment-lock',
  text: `SELECT ${PAYMENT_COLUMNS} FROM payments
          WHERE payment_intent_id = $1 FOR UPDATE`,
};

interface PaymentRow {
  readonly payment_intent_id: PaymentIntentId;
  readonly source: PaymentSource;
  readonly amount_minor: number;
  readonly currency: string;
  readonly state: Payment['state'];
  readonly taken_over: 'assumed' | 'confirmed' | null;
}

const LOCK_OF_ORDER = {
  name: 'payment-lock-of-order',
  text: `SELECT ${PAYMENT_COLUMNS} FROM payments
          WHERE payment_intent_id = $1 AND order_id = $2 FOR UPDATE`,
};

/** Locks a payment of a locked order; undefined when the order has no such payment. */
export async function lockPaymentOf(
  tx: Transaction,
  orderId: OrderId,
  intentId: PaymentIntentId,
): Promise<Payment | undefined> {
  const [row] = await tx.rows<PaymentRow>(LOCK_OF_ORDER, [intentId, orderId]);
  return row && toPayment(row);
}

/** Locks a payment. Code that also locks the order locks the order first, so that two transactions never wait for each other. */
export async function lockPayment(tx: Transaction, intentId: PaymentIntentId): Promise<Payment | undefined> {
  const [row] = await tx.rows<PaymentRow>(LOCK, [intentId]);
  return row && toPayment(row);
}

const PAID_BY = {
  name: 'payment-paid-by',
  text: `SELECT ${PAYMENT_COLUMNS} FROM payments
          WHERE order_id = $1 AND payment_intent_id <> $2 AND (state = 'applied' OR taken_over = 'assumed')
          ORDER BY state = 'applied' DESC LIMIT 1 FOR UPDATE`,
};

/** Locks another payment that pays for a locked order, or is assumed to. */
export async function lockPaidBy(
  tx: Transaction,
  orderId: OrderId,
  intentId: PaymentIntentId,
): Promise<Payment | undefined> {
  const [row] = await tx.rows<PaymentRow>(PAID_BY, [orderId, intentId]);
  return row && toPayment(row);
}

const SET_STATE = { name: 'payment-set-state', text: 'UPDATE payments SET state = $2 WHERE payment_intent_id = $1' };

/** Saves the new state of a locked payment. */
export async function setPaymentState(
  tx: Transaction,
  intentId: PaymentIntentId,
  state: Payment['state'],
): Promise<void> {
  await tx.rows(SET_STATE, [intentId, state]);
}

const LOCK_APPLIED = {
  name: 'payment-lock-applied',
  text: `SELECT ${PAYMENT_COLUMNS} FROM payments
          WHERE order_id = $1 AND state = 'applied' FOR UPDATE`,
};

/** Locks the payment that pays for a locked order. */
export async function lockApplied(tx: Transaction, orderId: OrderId): Promise<Payment | undefined> {
  const [row] = await tx.rows<PaymentRow>(LOCK_APPLIED, [orderId]);
  return row && toPayment(row);
}

const FIND = { name: 'payment-find', text: `SELECT ${PAYMENT_COLUMNS} FROM payments WHERE payment_intent_id = $1` };

export async function findPayment(executor: Executor, intentId: PaymentIntentId): Promise<Payment | undefined> {
  const [row] = await executor.rows<PaymentRow>(FIND, [intentId]);
  return row && toPayment(row);
}

/** Settling money, as due work. It is tried without a limit, because money must not stay undecided. */
const DECIDING: DueTable = {
  table: 'payments',
  key: 'payment_intent_id',
  isOpen: "state = 'received'",
  isStuck: 'false',
  since: 'received_at',
  // Its seats may be sold while it waits.
  pause: { first: 5, longest: 30 },
};

const UNDECIDED = claimDue(
  'payments-undecided',
  DECIDING,
  'payment_intent_id, order_id, source, amount_minor, currency',
);

/** Claims money that is not settled, for this caller alone. When settling fails it becomes due again after a growing pause. */
export async function claimUndecided(executor: Executor, now: Instant, limit: number): Promise<MoneyReceived[]> {
  type Row = Omit<PaymentRow, 'state' | 'taken_over'> & { readonly order_id: OrderId };
  const rows = await claim<Row>(executor, UNDECIDED, now, limit);
  return rows.map((row) => ({
    intentId: row.payment_intent_id,
    orderId: row.order_id,
    source: row.source,
    amountMinor: row.amount_minor,
    currency: row.currency,
  }));
}

const UNDECIDED_FAILED = keepFailure('payment-undecided-failed', DECIDING, "state = 'received'");

/** Saves why a payment could not be settled. */
export async function saveSettleFailure(executor: Executor, intentId: PaymentIntentId, reason: string): Promise<void> {
  await executor.rows(UNDECIDED_FAILED, [intentId, reason]);
}

const RECEIVED_SINCE = {
  name: 'payments-received-since',
  text: `SELECT ${PAYMENT_COLUMNS}, order_id FROM payments
          WHERE received_at >= $1::timestamptz AND payment_intent_id > $2 ORDER BY payment_intent_id LIMIT $3`,
};

/** Payments received since then, by id, at most `limit` of those after `after`. */
export async function paymentsSince(
  executor: Executor,
  since: Instant,
  after: string,
  limit: number,
): Promise<(Payment & { readonly orderId: OrderId })[]> {
  const rows = await executor.rows<PaymentRow & { readonly order_id: OrderId }>(RECEIVED_SINCE, [
    toRfc3339(since),
    after,
    limit,
  ]);
  return rows.map((row) => ({ ...toPayment(row), orderId: row.order_id }));
}

function toPayment(row: PaymentRow): Payment {
  return {
    intentId: row.payment_intent_id,
    source: row.source,
    amountMinor: row.amount_minor,
    currency: row.currency,
    state: row.state,
    takenOver: row.taken_over ?? undefined,
  };
}
