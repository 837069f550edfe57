import { toRfc3339 } from '../../kernel/clock.ts';
import type { Announcement } from '../../kernel/events.ts';
import type { OrderId } from '../../kernel/ids.ts';
import type { Executor, Writer } from '../../platform/postgres/database.ts';
import { isLockTimeout, isRowAtFault } from '../../platform/postgres/sqlstate.ts';
import type { Ticket } from '../tickets/index.ts';
import type { PendingOrder } from './order.ts';

/**
 * Writes orders, tickets and outbox rows in one statement. Its parts run in this order, because each reads the one before:
 * the seats that the users hold (by user and session), the use of the discount, the orders, the tickets (by session and seat, so
 * that two such statements never wait for each other), the outbox. So an outbox row gets its number after the seats are won, and
 * messages about a seat keep their order. Orders for which their users hold too many seats are left out; several orders of a user
 * count one after another. An order with a discount must be the only one.
 */
const INSERT_ORDER = {
  name: 'order-insert',
  text: `
    WITH patience AS (
      SELECT set_config('lock_timeout', $26, true) AS is_set
    ), held AS MATERIALIZED (
      SELECT h.user_id, h.session_id, seats_held_by(h.user_id, h.session_id, h.moment) AS seats
        FROM patience, unnest($30::uuid[], $31::uuid[], $32::timestamptz[]) AS h (user_id, session_id, moment)
       WHERE patience.is_set IS NOT NULL
    ), room AS (
      SELECT o.*
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::numeric[], $7::uuid[], $8::text[],
                    $9::numeric[], $10::numeric[], $11::timestamptz[], $12::timestamptz[], $29::integer[])
             AS o (order_id, user_id, event_id, organization_id, session_id, subtotal, discount_id, discount_code,
                   discount_amount, price, created_at, expires_at, seats)
       WHERE $27::integer = 0 OR o.seats + (
               SELECT h.seats FROM held h WHERE h.user_id = o.user_id AND h.session_id = o.session_id) <= $27::integer
    ), used AS (
      INSERT INTO discount_uses AS d (discount_id, uses)
      SELECT u.discount_id, 1 FROM patience, room u
       WHERE patience.is_set IS NOT NULL AND u.discount_id IS NOT NULL
      ON CONFLICT (discount_id) DO UPDATE SET uses = d.uses + 1 WHERE $25::integer IS NULL OR d.uses < $25::integer
      RETURNING d.discount_id
    ), placed AS (
      INSERT INTO orders (order_id, user_id, event_id, organization_id, session_id, status, subtotal, discount_id,
                          discount_code, discount_amount, price, created_at, expires_at)
      SELECT o.order_id, o.user_id, o.event_id, o.organization_id, o.session_id, 'pending', o.subtotal, o.discount_id,
             o.discount_code, o.discount_amount, o.price, o.created_at, o.expires_at
        FROM room o, patience
       WHERE patience.is_set IS NOT NULL AND (o.discount_id IS NULL OR EXISTS (SELECT FROM used))
      RETURNING order_id, session_id, created_at
    ), ticketed AS (
      INSERT INTO tickets (ticket_id, order_id, session_id, seat_id, seat_label, colour, tier_id, tier_name,
                           price_at_purchase, issued_at)
      SELECT s.ticket_id, p.order_id, p.session_id, s.seat_id, s.seat_label, s.colour, s.tier_id, s.tier_name, s.price,
             p.created_at
        FROM unnest($13::uuid[], $14::uuid[], $15::text[], $16::text[], $17::text[], $18::uuid[], $19::text[],
                    $20::numeric[]) WITH ORDINALITY
             AS s (order_id, ticket_id, seat_id, seat_label, colour, tier_id, tier_name, price, position)
        JOIN placed p USING (order_id)
       ORDER BY s.position
      RETURNING ticket_id
    ), won AS (
      SELECT count(*) AS seats FROM ticketed
    ), announced AS (
      INSERT INTO outbox (topic, key, value, traceparent)
      SELECT a.topic, a.key, a.value, a.traceparent
        FROM won, unnest($21::text[], $22::text[], $23::text[], $24::text[], $28::uuid[]) WITH ORDINALITY
               AS a (topic, key, value, traceparent, order_id, position)
       WHERE won.seats > 0 AND a.order_id IN (SELECT order_id FROM placed)
       ORDER BY a.position
      RETURNING id
    )
    SELECT order_id, order_id IN (SELECT order_id FROM placed) AS is_placed FROM room`,
};
/** The same statement for several orders, with a name and a plan of its own. */
const INSERT_ORDERS = { ...INSERT_ORDER, name: 'orders-insert' };

/** How long orders that share a statement wait for a seat that another transaction has not decided on yet, before each waits alone. */
const SHARED_LOCK_TIMEOUT = '100ms';
const NO_LOCK_TIMEOUT = '0';

/** An order to be written, with its announcements. */
export interface NewOrder {
  readonly order: PendingOrder;
  readonly announcements: readonly Announcement[];
  /** The trace of the request. */
  readonly traceparent: string | undefined;
}

/** The limits that decide with the database whether an order is written; 0 and undefined: none. */
export interface OrderLimits {
  readonly maxDiscountUses: number | undefined;
  /** Most seats that a user holds in pending orders of a session. */
  readonly maxHeldSeats: number;
}

/** Whether an order was written, and which limit prevented it. */
export type Written = 'written' | 'used_up' | 'held_too_many';

/** An order for which its user may hold the seats. */
interface WrittenRow {
  readonly order_id: OrderId;
  readonly is_placed: boolean;
}

/**
 * Writes a new order with all that belongs to it, or nothing when a limit is reached.
 * Throws an error that `isSeatTaken` recognises when another order has a seat.
 */
export async function insertOrder(
  writer: Writer,
  added: NewOrder,
  { maxDiscountUses, maxHeldSeats }: OrderLimits,
): Promise<Written> {
  const limits = [maxDiscountUses ?? null, NO_LOCK_TIMEOUT, maxHeldSeats];
  const [row] = await writer.rows<WrittenRow>(INSERT_ORDER, valuesOf(writer, [added], limits));
  if (!row?.is_placed) return row ? 'used_up' : 'held_too_many';
  writer.wake('relay');
  return 'written';
}

/**
 * `insertOrder` for orders without a discount, in one statement. Returns those that were not written, because together with others
 * of their user they hold too many seats. Throws an error that `mustBeWrittenAlone` recognises when one of them prevents the
 * others from being written.
 */
export async function insertOrders(
  writer: Writer,
  added: readonly NewOrder[],
  maxHeldSeats: number,
): Promise<readonly NewOrder[]> {
  const statement = added.length === 1 ? INSERT_ORDER : INSERT_ORDERS;
  const limits = [null, SHARED_LOCK_TIMEOUT, maxHeldSeats];
  const rows = await writer.rows<WrittenRow>(statement, valuesOf(writer, added, limits));
  const placed = new Set(rows.flatMap((row) => (row.is_placed ? [row.order_id] : [])));
  if (placed.size > 0) writer.wake('relay');
  return added.filter(({ order }) => !placed.has(order.orderId));
}

/**
 * Whether none of so many orders was written because of one of them, and each is to be written alone: a row of one was
 * refused, or another transaction has not decided on its seat yet. For a single order only the second asks for a new try.
 */
export function mustBeWrittenAlone(error: unknown, orders: number): boolean {
  return isLockTimeout(error) || (orders > 1 && isRowAtFault(error));
}

function valuesOf(executor: Executor, added: readonly NewOrder[], limits: readonly unknown[]): unknown[] {
  const announcementOrders = added.flatMap(({ order, announcements }) => announcements.map(() => order.orderId));
  return [...orderArrays(executor, added), ...limits, announcementOrders, ...holderArrays(added)];
}

/**
 * For each order the seats that it and the orders of its user before it ask for, and then the users and sessions in the order in
 * which every statement locks them.
 */
function holderArrays(added: readonly NewOrder[]): readonly (readonly unknown[])[] {
  const holders = new Map<string, { readonly order: PendingOrder; seats: number }>();
  const asked = added.map(({ order }) => {
    const key = `${order.userId} ${order.sessionId}`;
    const holder = holders.get(key) ?? { order, seats: 0 };
    holder.seats += order.tickets.length;
    holders.set(key, holder);
    return holder.seats;
  });
  const inOrder = [...holders].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, { order }]) => order);
  return [
    asked,
    inOrder.map((order) => order.userId),
    inOrder.map((order) => order.sessionId),
    inOrder.map((order) => toRfc3339(order.createdAt)),
  ];
}

/** One array for each column, for `unnest`. */
function orderArrays(executor: Executor, added: readonly NewOrder[]): unknown[] {
  const { currency } = executor;
  const orders = added.map(({ order }) => order);
  const tickets = inSeatOrder(orders.flatMap((order) => order.tickets));
  const announcements = added.flatMap((each) =>
    each.announcements.map((announcement) => ({ ...announcement, traceparent: each.traceparent ?? null })),
  );
  return [
    orders.map((order) => order.orderId),
    orders.map((order) => order.userId),
    orders.map((order) => order.eventId),
    orders.map((order) => order.organizationId),
    orders.map((order) => order.sessionId),
    orders.map((order) => currency.toDecimal(order.subtotal)),
    orders.map((order) => order.discount?.id ?? null),
    orders.map((order) => order.discount?.code ?? null),
    orders.map((order) => currency.toDecimal(order.discountAmount)),
    orders.map((order) => currency.toDecimal(order.price)),
    orders.map((order) => toRfc3339(order.createdAt)),
    orders.map((order) => toRfc3339(order.expiresAt)),
    tickets.map((ticket) => ticket.orderId),
    ...ticketArrays(executor, tickets),
    announcements.map((announcement) => announcement.topic),
    announcements.map((announcement) => announcement.key),
    announcements.map((announcement) => announcement.value),
    announcements.map((announcement) => announcement.traceparent),
  ];
}

/** Tickets in the order in which every statement takes seats. */
export function inSeatOrder(tickets: readonly Ticket[]): Ticket[] {
  return tickets.toSorted((a, b) => {
    if (a.sessionId !== b.sessionId) return a.sessionId < b.sessionId ? -1 : 1;
    return a.seatId < b.seatId ? -1 : 1;
  });
}

/** One array for each column of tickets, for `unnest`. */
export function ticketArrays({ currency }: Executor, tickets: readonly Ticket[]): readonly (readonly string[])[] {
  return [
    tickets.map((ticket) => ticket.ticketId),
    tickets.map((ticket) => ticket.seatId),
    tickets.map((ticket) => ticket.seatLabel),
    tickets.map((ticket) => ticket.colour),
    tickets.map((ticket) => ticket.tierId),
    tickets.map((ticket) => ticket.tierName),
    tickets.map((ticket) => currency.toDecimal(ticket.price)),
  ];
}
