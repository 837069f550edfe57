import type { SessionId } from '../../kernel/ids.ts';
import type { Database, Executor, Statement } from '../../platform/postgres/database.ts';
import { ITS_TICKETS, ORDER_COLUMNS, type Order, type OrderTicketRow, toOrders } from '../orders/index.ts';
import { TICKET_COLUMNS, type Ticket, type TicketRow, toTicket } from '../tickets/index.ts';
import type { OrderList, Page, Position } from './orders-list.ts';

const MATCHING = `event_id = $1 AND ($2::uuid IS NULL OR session_id = $2) AND ($3::text IS NULL OR status = $3)`;

const COUNT = { name: 'analytics-orders-count', text: `SELECT count(*) AS total FROM orders WHERE ${MATCHING}` };

async function countOrders(executor: Executor, list: OrderList): Promise<number> {
  const [row] = await executor.rows<{ total: number }>(COUNT, filtersOf(list));
  return row?.total ?? 0;
}

/** One statement for each sort and kind of start, so that each has its own plan. */
function pageStatement({ list: { sort, order }, start }: Page): Statement {
  const type = { price: 'numeric', created_at: 'timestamptz' }[sort];
  const beyond = order === 'asc' ? '>' : '<';
  const begin = start.from === 'offset' ? 'OFFSET $5' : '';
  const after = start.from === 'after' ? `AND (${sort}, order_id) ${beyond} ($5::${type}, $6::uuid)` : '';
  const sorting = (of: string) => `${of}${sort} ${order}, ${of}order_id ${order}`;
  return {
    name: `analytics-orders-${sort}-${order}-${start.from}`,
    text: `SELECT ${ORDER_COLUMNS}, ${TICKET_COLUMNS}, o.${sort}::text AS position, o.total
             FROM (SELECT *, (${COUNT.text}) AS total FROM orders WHERE ${MATCHING} ${after} ORDER BY ${sorting('')} LIMIT $4 ${begin}) o
             LEFT JOIN ${ITS_TICKETS}
            ORDER BY ${sorting('o.')}, t.seat_label, t.seat_id`,
  };
}

/** The orders of a page with their tickets, the length of the whole list and the position of the next page. */
export async function ordersOn(executor: Executor, page: Page): Promise<PageOfOrders> {
  const { list, start, limit } = page;
  const begin = start.from === 'offset' ? [start.offset] : [start.position.value, start.position.orderId];
  const values = [...filtersOf(list), limit, ...begin];
  const rows = await executor.rows<ListedRow>(pageStatement(page), values);
  const last = rows.at(-1);
  if (!last) return { orders: [], total: await countOrders(executor, list), end: undefined };
  const orders = toOrders(rows);
  const isFull = orders.length === limit;
  return { orders, total: last.total, end: isFull ? { value: last.position, orderId: last.order_id } : undefined };
}

type ListedRow = OrderTicketRow & { readonly position: string; readonly total: number };

export interface PageOfOrders {
  readonly orders: readonly Order[];
  readonly total: number;
  /** The position after which the next page starts; undefined on the last page. */
  readonly end: Position | undefined;
}

function filtersOf({ eventId, sessionId, status }: OrderList): unknown[] {
  return [eventId, sessionId ?? null, status ?? null];
}

const TICKETS_OF_SESSION = {
  name: 'analytics-session-tickets',
  text: `SELECT t.order_id, t.session_id, ${TICKET_COLUMNS}
           FROM tickets t JOIN orders o ON o.order_id = t.order_id
          WHERE t.session_id = $1 AND t.voided_at IS NULL AND o.status = 'completed'
          ORDER BY t.issued_at DESC, t.ticket_id DESC`,
};
const FIRST_TICKETS_OF_SESSION = {
  name: 'analytics-session-tickets-first',
  text: `${TICKETS_OF_SESSION.text} LIMIT $2`,
};

/** The newest good tickets of a session's completed orders, at most `limit`. */
export async function firstTicketsOfSession(
  executor: Executor,
  sessionId: SessionId,
  limit: number,
): Promise<Ticket[]> {
  const rows = await executor.rows<TicketRow>(FIRST_TICKETS_OF_SESSION, [sessionId, limit]);
  return rows.map((row) => toTicket(row));
}

/** The good tickets of a session's completed orders, newest first, in batches from one consistent snapshot. */
export async function* ticketsOfSession(
  database: Database,
  sessionId: SessionId,
): AsyncGenerator<Ticket[], void, void> {
  for await (const rows of database.stream<TicketRow>(TICKETS_OF_SESSION, [sessionId])) {
    yield rows.map((row) => toTicket(row));
  }
}
