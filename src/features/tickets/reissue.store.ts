import type { SessionId, TicketId } from '../../kernel/ids.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import type { Ticket } from './ticket.ts';
import type { TicketRow } from './tickets.store.ts';

/** A ticket to print again. */
export type PrintedTicket = Pick<Ticket, 'ticketId' | 'orderId' | 'sessionId' | 'seatLabel' | 'tierName'>;

type GoodTicketRow = Pick<TicketRow, 'ticket_id' | 'order_id' | 'session_id' | 'seat_label' | 'tier_name'>;

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
