import { type Instant, toRfc3339 } from '../../kernel/clock.ts';
import type { Transaction } from '../../platform/postgres/database.ts';
import type { Order } from './order.ts';

const SEATS_HELD = { name: 'seats-held', text: 'SELECT seats_held_by($1, $2, $3::timestamptz) AS seats' };

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
