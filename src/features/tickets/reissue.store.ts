import type { OrderId, SessionId, TicketId } from '../../kernel/ids.ts';
import type { Executor } from '../../platform/postgres/database.ts';

/** A ticket to print again. */
export interface PrintedTicket {
  readonly ticketId: TicketId;
  readonly orderId: OrderId;
  readonly sessionId: SessionId;
  readonly seatLabel: string;
  readonly tierName: string;
}

interface GoodTicketRow {
  readonly ticket_id: TicketId;
  readonly order_id: OrderId;
  readonly session_id: SessionId;
  readonly seat_label: string;
  readonly tier_name: string;
}

const GOOD_TICKETS = {
  name: 'tickets-good-after',
  text: `SELECT t.ticket_id, o.order_id, o.session_id, t.seat_label, t.tier_name
           FROM tickets t JOIN orders o USING (order_id)
          WHERE t.ticket_id > $1 AND ($2::uuid IS NULL OR o.session_id = $2)
            AND t.voided_at IS NULL AND o.status = 'completed'
          ORDER BY t.ticket_id LIMIT $3`,
};

/** Live tickets of completed orders of one session, or of all, ordered by id: the first `limit` after `after`. */
export async function goodTicketsAfter(
  executor: Executor,
  after: TicketId,
  sessionId: SessionId | undefined,
  limit: number,
): Promise<PrintedTicket[]> {
  const rows = await executor.rows<GoodTicketRow>(GOOD_TICKETS, [after, sessionId ?? null, limit]);
  return rows.map((row) => ({
    ticketId: row.ticket_id,
    orderId: row.order_id,
    sessionId: row.session_id,
    seatLabel: row.seat_label,
    tierName: row.tier_name,
  }));
}
