import { type Instant, toRfc3339 } from '../../kernel/clock.ts';
import type { OrderId, SeatId, SessionId, TicketId, TierId, UserId } from '../../kernel/ids.ts';
import { type Currency, readDecimal } from '../../kernel/money.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import type { Ticket, TicketAtDoor } from './ticket.rules.ts';

interface TicketRow {
  readonly ticket_id: TicketId;
  readonly order_id: OrderId;
  readonly session_id: SessionId;
  readonly seat_id: SeatId;
  readonly seat_label: string;
  readonly colour: string;
  readonly tier_id: TierId;
  readonly tier_name: string;
  readonly price_at_purchase: string;
  readonly issued_at: Instant;
  readonly voided_at: Instant | null;
  readonly checked_in_time: Instant | null;
  readonly order_status: TicketAtDoor['orderStatus'];
  readonly user_id: UserId;
}

const FIND = {
  name: 'ticket-find',
  text: `SELECT t.ticket_id, t.order_id, t.session_id, t.seat_id, t.seat_label, t.colour, t.tier_id, t.tier_name,
                t.price_at_purchase, t.issued_at, t.voided_at, t.checked_in_time, o.status AS order_status, o.user_id
           FROM tickets t JOIN orders o USING (order_id) WHERE t.ticket_id = $1`,
};

/** A ticket with what its order says about it. */
export async function findTicket(
  executor: Executor,
  ticketId: TicketId,
  currency: Currency,
): Promise<TicketAtDoor | undefined> {
  const [row] = await executor.rows<TicketRow>(FIND, [ticketId]);
  if (!row) return undefined;
  const ticket: Ticket = {
    ticketId: row.ticket_id,
    orderId: row.order_id,
    sessionId: row.session_id,
    seatId: row.seat_id,
    seatLabel: row.seat_label,
    colour: row.colour,
    tierId: row.tier_id,
    tierName: row.tier_name,
    price: readDecimal(row.price_at_purchase, currency),
    issuedAt: row.issued_at,
    voidedAt: row.voided_at ?? undefined,
    checkedInAt: row.checked_in_time ?? undefined,
  };
  return { ticket, orderStatus: row.order_status, holderId: row.user_id };
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
