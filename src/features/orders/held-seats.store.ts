import { type Instant, toRfc3339 } from '../../kernel/clock.ts';
import type { Executor, Transaction } from '../../platform/postgres/database.ts';
import type { Order } from './order.ts';

const SEATS_HELD = { name: 'seats-held', text: 'SELECT seats_held_by($1, $2, $3::timestamptz) AS seats' };

/** Without the lock of `seats_held_by`, whose conditions it has. */
const SEATS_HELD_BY_OTHERS = {
  name: 'seats-held-by-others',
  text: `SELECT count(*) AS seats FROM orders o JOIN tickets t USING (order_id)
          WHERE o.user_id = $1 AND o.session_id = $2 AND o.status = 'pending'
            AND (o.expires_at > $3::timestamptz OR o.payment_intent_id IS NOT NULL) AND t.voided_at IS NULL
            AND o.order_id <> $4`,
};

/**
 * The number of seats that the order's user holds in their other pending orders of its session. Orders written at the same time may
 * be missing from it.
 */
export async function seatsHeldByOthers(
  executor: Executor,
  { userId, sessionId, orderId }: Pick<Order, 'userId' | 'sessionId' | 'orderId'>,
  now: Instant,
): Promise<number> {
  const values = [userId, sessionId, toRfc3339(now), orderId];
  const [row] = await executor.rows<{ readonly seats: number }>(SEATS_HELD_BY_OTHERS, values);
  return row?.seats ?? 0;
}

/**
 * The number of seats that the order's user holds in pending orders of its session. Until the transaction ends, no other order
 * of the user for the session is counted or written.
 */
export async function lockSeatsHeld(
  tx: Transaction,
  { userId, sessionId }: Pick<Order, 'userId' | 'sessionId'>,
  now: Instant,
): Promise<number> {
  const [row] = await tx.rows<{ readonly seats: number }>(SEATS_HELD, [userId, sessionId, toRfc3339(now)]);
  return row?.seats ?? 0;
}
