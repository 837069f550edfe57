import { type SeatId, type SessionId, toUuid } from '../../kernel/ids.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import { isUniqueViolation } from '../../platform/postgres/sqlstate.ts';
import type { FoundHold, NamedSeat } from '../seats/index.ts';

/** Whether the unique index that decides who has a seat (I1) refused a ticket, because another order has the seat. */
export function isSeatTaken(error: unknown): boolean {
  return isUniqueViolation(error, 'tickets_live_seat');
}

const LIVE_SEATS = {
  name: 'seats-live',
  text: `SELECT seat_id FROM tickets
          WHERE session_id = $1 AND seat_id = ANY ($2::text[]) AND voided_at IS NULL ORDER BY seat_id`,
};

/** The seats among these that have a live ticket. */
export async function liveSeats(
  executor: Executor,
  sessionId: SessionId,
  seatIds: readonly SeatId[],
): Promise<SeatId[]> {
  const rows = await executor.rows<{ seat_id: SeatId }>(LIVE_SEATS, [sessionId, seatIds]);
  return rows.map((row) => row.seat_id);
}

/** Looks up each hold by key, in a form for which no plan reads all orders or all tickets of a session. */
const STILL_HELD = {
  name: 'holds-still-held',
  text: `SELECT h.seat_id
           FROM unnest($2::text[], $3::uuid[], $4::boolean[]) AS h (seat_id, order_id, is_short)
           LEFT JOIN LATERAL (SELECT status, session_id FROM orders WHERE order_id = h.order_id LIMIT 1) o ON true
           LEFT JOIN LATERAL (SELECT true AS is_live FROM tickets
                               WHERE session_id = $1 AND seat_id = h.seat_id AND voided_at IS NULL LIMIT 1) t ON true
          WHERE t.is_live
             OR (h.is_short AND (o.status IS NULL OR (o.status = 'pending' AND o.session_id = $1)))`,
};

/**
 * The seats among these that are held or sold in the session: those with a live ticket and, for at most `placingHoldMs`, those
 * of an order that is not written yet and those that a pending order of the session is about to take. Any other hold has ended,
 * belongs to another session, or was left by nobody: holds become longer only once their order is written.
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
    found.map(({ orderId }) => toUuid(orderId) ?? null),
    found.map(({ leftMs }) => leftMs <= placingHoldMs),
  ]);
  return rows.map((row) => row.seat_id);
}

const SEAT_LABELS = {
  name: 'seats-labels',
  text: `SELECT seat_id, seat_label FROM tickets
          WHERE session_id = $1 AND seat_id = ANY ($2::text[]) AND voided_at IS NULL`,
};

/** The labels of those of the seats that have a live ticket. */
export async function seatLabels(
  executor: Executor,
  sessionId: SessionId,
  seatIds: readonly SeatId[],
): Promise<NamedSeat[]> {
  const rows = await executor.rows<{ seat_id: SeatId; seat_label: string }>(SEAT_LABELS, [sessionId, seatIds]);
  return rows.map((row) => ({ seatId: row.seat_id, label: row.seat_label }));
}
