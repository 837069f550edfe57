import type { SeatId, SessionId } from '../../kernel/ids.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import type { FoundHold } from '../seats/seats.ports.ts';

const STILL_HELD = {
  name: 'holds-still-held',
  text: `SELECT h.seat_id
           FROM unnest($2::text[], $3::uuid[], $4::boolean[]) AS h (seat_id, order_id, is_short)
           LEFT JOIN orders o ON o.order_id = h.order_id
          WHERE o.order_id IS NULL
             OR (h.is_short AND o.status = 'pending' AND o.session_id = $1)
             OR EXISTS (SELECT FROM tickets t
                         WHERE t.session_id = $1 AND t.seat_id = h.seat_id AND t.voided_at IS NULL)`,
};

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Which of the seats are held or sold in the session: those with a live ticket, those of an order that is not written
 * yet, and those that a pending order of the session is about to take, which is for `placingHoldMs` at most. Any other
 * hold found is over, or of another session.
 */
export async function stillHeld(
  executor: Executor,
  sessionId: SessionId,
  found: readonly FoundHold[],
  placingHoldMs: number,
): Promise<SeatId[]> {
  const rows = await executor.rows<{ seat_id: SeatId }>(STILL_HELD, [
    sessionId,
    found.map(({ seatId }) => seatId),
    found.map(({ orderId }) => (UUID.test(orderId) ? orderId : null)),
    found.map(({ leftMs }) => leftMs <= placingHoldMs),
  ]);
  return rows.map((row) => row.seat_id);
}
