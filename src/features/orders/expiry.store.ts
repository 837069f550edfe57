import { type Instant, toRfc3339 } from '../../kernel/clock.ts';
import type { OrderId } from '../../kernel/ids.ts';
import type { Executor, Transaction } from '../../platform/postgres/database.ts';
import type { Order } from './order.ts';
import { findOrders } from './orders.store.ts';

const LOCK_ENDED_UNPAID = {
  name: 'orders-lock-ended-unpaid',
  text: `SELECT order_id FROM orders
          WHERE status = 'pending' AND expires_at <= $1::timestamptz AND payment_intent_id IS NULL
          ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED`,
};
/**
 * Locks at most `limit` pending orders whose hold has ended and that have no PaymentIntent; skips those that another
 * transaction has locked. The orders are read after they are locked, as in `lockOrder`.
 */
export async function lockEndedUnpaid(tx: Transaction, now: Instant, limit: number): Promise<Order[]> {
  const locked = await tx.rows<{ order_id: OrderId }>(LOCK_ENDED_UNPAID, [toRfc3339(now), limit]);
  return findOrders(
    tx,
    locked.map((row) => row.order_id),
  );
}

const CLAIM_ENDED = {
  name: 'orders-claim-ended',
  text: `UPDATE orders SET settling_until = $2::timestamptz
          WHERE order_id IN (
            SELECT order_id FROM orders
             WHERE status = 'pending' AND expires_at <= $1::timestamptz AND payment_intent_id IS NOT NULL
               AND (settling_until IS NULL OR settling_until <= $1::timestamptz)
             ORDER BY expires_at LIMIT $3 FOR UPDATE SKIP LOCKED)
        RETURNING order_id`,
};

/**
 * Claims at most `limit` pending orders whose hold has ended and that have a PaymentIntent, for this caller alone until
 * `until`. After a crash another caller claims them.
 */
export async function claimEnded(executor: Executor, now: Instant, until: Instant, limit: number): Promise<OrderId[]> {
  const rows = await executor.rows<{ order_id: OrderId }>(CLAIM_ENDED, [toRfc3339(now), toRfc3339(until), limit]);
  return rows.map((row) => row.order_id);
}
