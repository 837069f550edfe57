import type { TicketId, UserId } from '../../kernel/ids.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import { TICKET_COLUMNS, type TicketRow, toTicket } from './ticket.rows.ts';
import type { Ticket } from './ticket.ts';

/** A ticket with what its order says about it. */
export interface FoundTicket {
  readonly ticket: Ticket;
  readonly orderStatus: 'pending' | 'completed' | 'cancelled';
  readonly holderId: UserId;
}

interface FoundTicketRow extends TicketRow {
  readonly order_status: FoundTicket['orderStatus'];
  readonly user_id: UserId;
}

const FIND = {
  name: 'ticket-find',
  text: `SELECT o.order_id, o.session_id, ${TICKET_COLUMNS}, o.status AS order_status, o.user_id
           FROM tickets t JOIN orders o USING (order_id) WHERE t.ticket_id = $1`,
};

export async function findTicket(executor: Executor, ticketId: TicketId): Promise<FoundTicket | undefined> {
  const [row] = await executor.rows<FoundTicketRow>(FIND, [ticketId]);
  return row && { ticket: toTicket(row), orderStatus: row.order_status, holderId: row.user_id };
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
