import { type Instant, toRfc3339 } from '../../kernel/clock.ts';
import type { TicketId, UserId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import { TICKET_COLUMNS, type TicketRow, toTicket } from './ticket.rows.ts';
import type { TicketAtDoor } from './ticket.rules.ts';

interface TicketAtDoorRow extends TicketRow {
  readonly order_status: TicketAtDoor['orderStatus'];
  readonly user_id: UserId;
}

const FIND = {
  name: 'ticket-find',
  text: `SELECT o.order_id, o.session_id, ${TICKET_COLUMNS}, o.status AS order_status, o.user_id
           FROM tickets t JOIN orders o USING (order_id) WHERE t.ticket_id = $1`,
};

/** A ticket with what its order says about it. */
export async function findTicket(
  executor: Executor,
  ticketId: TicketId,
  currency: Currency,
): Promise<TicketAtDoor | undefined> {
  const [row] = await executor.rows<TicketAtDoorRow>(FIND, [ticketId]);
  return row && { ticket: toTicket(row, currency), orderStatus: row.order_status, holderId: row.user_id };
}

const CHECK_IN = {
  name: 'ticket-check-in',
  text: `UPDATE tickets t SET checked_in = true, checked_in_time = $2::timestamptz, checked_in_by = $3
           FROM orders o
          WHERE t.ticket_id = $1 AND NOT t.checked_in AND t.voided_at IS NULL
            AND o.order_id = t.order_id AND o.status = 'completed'
        RETURNING t.ticket_id`,
};

/** Admits the ticket if nobody else has and it still may be (I5); false when it may not. */
export async function checkIn(
  executor: Executor,
  ticketId: TicketId,
  at: Instant,
  by: UserId,
): Promise<boolean> {
  const rows = await executor.rows(CHECK_IN, [ticketId, toRfc3339(at), by]);
  return rows.length > 0;
}

const COUNT = {
  name: 'tickets-count',
  text: 'SELECT count(*) AS total FROM tickets WHERE voided_at IS NULL',
};

/** How many tickets are live: held or sold. */
export async function countLive(executor: Executor): Promise<number> {
  const [row] = await executor.rows<{ total: number }>(COUNT, []);
  return row?.total ?? 0;
}
