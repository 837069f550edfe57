import type { Executor } from '../../src/platform/postgres/database.ts';

/** The stored state, as the model reads it after each step; times are epoch milliseconds, money is in minor units. */
export interface Observed {
  readonly orders: readonly StoredOrder[];
  readonly payments: readonly StoredPayment[];
  readonly refunds: readonly StoredRefund[];
  /** Stored events that have not taken effect. */
  readonly inbox: readonly StoredEvent[];
  readonly keys: readonly StoredKey[];
  /** Messages that are not published. */
  readonly unpublished: number;
}

export interface StoredOrder {
  readonly orderId: string;
  readonly userId: string;
  readonly status: 'pending' | 'completed' | 'cancelled';
  readonly reason: string | null;
  readonly price: number;
  readonly discountId: string | null;
  readonly intentId: string | null;
  readonly expiresAt: number;
  readonly settlingUntil: number | null;
  readonly tickets: readonly StoredTicket[];
}

export interface StoredTicket {
  readonly ticketId: string;
  readonly seatId: string;
  readonly price: number;
  readonly isVoid: boolean;
  /** Whether it belongs to the order: held, sold, or ended with the order. */
  readonly isIts: boolean;
  readonly isCheckedIn: boolean;
}

export interface StoredPayment {
  readonly intentId: string;
  readonly orderId: string;
  readonly amount: number;
  readonly state: 'received' | 'applied' | 'refund_due' | 'refunded' | 'disputed';
  /** The part of it that is refunded or due. */
  readonly back: number;
}

export interface StoredRefund {
  readonly refundId: string;
  readonly intentId: string;
  readonly amount: number;
  readonly isDone: boolean;
  readonly attempts: number;
  readonly dueAt: number | null;
}

export interface StoredEvent {
  readonly eventId: string;
  readonly intentId: string;
  readonly isPaid: boolean;
  readonly dueAt: number;
}

export interface StoredKey {
  readonly userId: string;
  readonly key: string;
  readonly status: number | null;
  readonly body: string | null;
  readonly createdAt: number;
  readonly claimedUntil: number;
}

const MS = (column: string) => `round(extract(epoch FROM ${column}) * 1000)::bigint`;
const ALL = (columns: string, rest: string) =>
  `(SELECT COALESCE(json_agg(json_build_object(${columns})), '[]') FROM ${rest})`;

const TICKETS = ALL(
  `'ticketId', t.ticket_id, 'seatId', t.seat_id, 'price', (t.price_at_purchase * 100)::bigint,
   'isVoid', t.voided_at IS NOT NULL, 'isIts', t.voided_at IS NULL OR t.void_reason = 'order',
   'isCheckedIn', t.checked_in`,
  '(SELECT * FROM tickets t WHERE t.order_id = o.order_id ORDER BY t.seat_id, t.issued_at, t.ticket_id) t',
);
const OBSERVE = {
  name: 'model-observe',
  text: `SELECT json_build_object(
    'orders', ${ALL(
      `'orderId', o.order_id, 'userId', o.user_id, 'status', o.status, 'reason', o.cancel_reason,
       'price', (o.price * 100)::bigint, 'discountId', o.discount_id, 'intentId', o.payment_intent_id,
       'expiresAt', ${MS('o.expires_at')}, 'settlingUntil', ${MS('o.settling_until')}, 'tickets', ${TICKETS}`,
      '(SELECT * FROM orders ORDER BY created_at, order_id) o',
    )},
    'payments', ${ALL(
      `'intentId', p.payment_intent_id, 'orderId', p.order_id, 'amount', p.amount_minor, 'state', p.state,
       'back', (SELECT COALESCE(sum(amount_minor), 0)::bigint FROM refunds r
                 WHERE r.payment_intent_id = p.payment_intent_id)`,
      'payments p',
    )},
    'refunds', ${ALL(
      `'refundId', r.refund_id, 'intentId', r.payment_intent_id, 'amount', r.amount_minor,
       'isDone', r.provider_id IS NOT NULL, 'attempts', r.attempts, 'dueAt', ${MS('r.next_attempt_at')}`,
      'refunds r',
    )},
    'inbox', ${ALL(
      `'eventId', i.event_id, 'intentId', i.payment_intent_id, 'isPaid', i.amount_minor IS NOT NULL,
       'dueAt', ${MS('i.next_attempt_at')}`,
      '(SELECT * FROM stripe_inbox WHERE applied_at IS NULL ORDER BY next_attempt_at) i',
    )},
    'keys', ${ALL(
      `'userId', k.user_id, 'key', k.key, 'status', k.status, 'body', k.body,
       'createdAt', ${MS('k.created_at')}, 'claimedUntil', ${MS('k.claimed_until')}`,
      'idempotency_keys k',
    )},
    'unpublished', (SELECT count(*) FROM outbox WHERE published_at IS NULL)) AS observed`,
};

/** Everything that is stored now, read by one statement and so at one moment. */
export async function observe(executor: Executor): Promise<Observed> {
  const [row] = await executor.rows<{ observed: Observed }>(OBSERVE, []);
  if (!row) throw new Error('nothing observed');
  return row.observed;
}

const TABLES = [
  ...['refunds', 'payments', 'tickets', 'orders', 'outbox', 'discount_uses', 'stripe_inbox', 'idempotency_keys'],
  ...['sale_changes', 'sales_feed', 'sales_totals', 'sales_by_time', 'organization_sales_by_time', 'sales_by_tier'],
  ...['discounts_by_time', 'money_by_session', 'scans', 'session_doors', 'daily_jobs'],
];
const DELETED = TABLES.map((table) => `${table}_deleted AS (DELETE FROM ${table})`);
const WIPE = { name: 'model-wipe', text: `WITH ${DELETED.join()} SELECT` };
const TRUNCATED = [...TABLES, 'earlier_codes', 'audit_trail'];
const TRUNCATE = { name: 'model-truncate', text: `TRUNCATE ${TRUNCATED.join()} RESTART IDENTITY` };

/**
 * Empties every table; `isThorough` leaves no dead rows behind and takes longer. Only then is the audit trail
 * emptied, from which nothing can be deleted.
 */
export async function wipe(executor: Executor, isThorough: boolean): Promise<void> {
  await executor.rows(isThorough ? TRUNCATE : WIPE, []);
}

const FORGET_DAILY_JOBS = { name: 'model-forget-daily-jobs', text: 'DELETE FROM daily_jobs' };

/** Daily work may be done again. */
export async function forgetDailyJobs(executor: Executor): Promise<void> {
  await executor.rows(FORGET_DAILY_JOBS, []);
}
