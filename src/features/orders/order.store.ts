import { type Instant, toRfc3339 } from '../../kernel/clock.ts';
import type { Announcement } from '../../kernel/events.ts';
import type { DiscountId, OrderId, PaymentIntentId, SeatId, SessionId, UserId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import type { Executor, Transaction, Writer } from '../../platform/postgres/database.ts';
import { isLockTimeout, isRowAtFault, isUniqueViolation } from '../../platform/postgres/sqlstate.ts';
import { TICKET_COLUMNS, type Ticket } from '../tickets/index.ts';
import { ITS_TICKETS, ORDER_COLUMNS, type OrderTicketRow, toOrders } from './order.rows.ts';
import type { CancelReason, Order, PendingOrder, WithdrawReason } from './order.rules.ts';

/** Whether the unique index that decides who has a seat (I1) refused a ticket: the seat is somebody else's. */
export function isSeatTaken(error: unknown): boolean {
  return isUniqueViolation(error, 'tickets_live_seat');
}

/**
 * Order, tickets and outbox rows in one statement. Its parts run in this order because each reads the one before:
 * the discount's use, the order, the tickets (in seat order, so that two orders never wait for each other), the
 * outbox. So an outbox row's number comes after the seats are won, and messages about a seat keep their order.
 */
const INSERT_ORDER = {
  name: 'order-insert',
  text: `
    WITH patience AS (
      SELECT set_config('lock_timeout', $25, true) AS is_set
    ), used AS (
      INSERT INTO discount_uses AS d (discount_id, uses)
      SELECT $7::uuid, 1 FROM patience WHERE patience.is_set IS NOT NULL AND $7::uuid IS NOT NULL
      ON CONFLICT (discount_id) DO UPDATE SET uses = d.uses + 1 WHERE $12::integer IS NULL OR d.uses < $12::integer
      RETURNING d.discount_id
    ), placed AS (
      INSERT INTO orders (order_id, user_id, event_id, organization_id, session_id, status, subtotal, discount_id,
                          discount_code, discount_amount, price, created_at, expires_at)
      SELECT $1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::uuid, 'pending', $6::numeric, $7::uuid, $8, $9::numeric,
             $10::numeric, $11::timestamptz, $13::timestamptz
        FROM patience
       WHERE patience.is_set IS NOT NULL AND ($7::uuid IS NULL OR EXISTS (SELECT FROM used))
      RETURNING order_id, session_id, created_at
    ), ticketed AS (
      INSERT INTO tickets (ticket_id, order_id, session_id, seat_id, seat_label, colour, tier_id, tier_name,
                           price_at_purchase, issued_at)
      SELECT s.ticket_id, p.order_id, p.session_id, s.seat_id, s.seat_label, s.colour, s.tier_id, s.tier_name, s.price,
             p.created_at
        FROM placed p,
             unnest($14::uuid[], $15::text[], $16::text[], $17::text[], $18::uuid[], $19::text[], $20::numeric[])
               AS s (ticket_id, seat_id, seat_label, colour, tier_id, tier_name, price)
      RETURNING ticket_id
    ), won AS (
      SELECT count(*) AS seats FROM ticketed
    )
    INSERT INTO outbox (topic, key, value, traceparent)
    SELECT a.topic, a.key, a.value, $24
      FROM won, unnest($21::text[], $22::text[], $23::text[]) WITH ORDINALITY AS a (topic, key, value, position)
     WHERE won.seats > 0
     ORDER BY a.position
    RETURNING id`,
};

/** How long orders that share a place wait for a seat that another transaction has not decided on yet, before each waits alone. */
const SHARED_LOCK_TIMEOUT = '100ms';
const NO_LOCK_TIMEOUT = '0';

/**
 * Writes a new order with all that belongs to it, or nothing. False when its discount is used up here.
 * Throws an error that `isSeatTaken` knows when a seat is somebody else's.
 */
export async function insertOrder(
  writer: Writer,
  added: NewOrder,
  maxDiscountUses: number | undefined,
): Promise<boolean> {
  const values = orderValues(writer, added, maxDiscountUses, NO_LOCK_TIMEOUT);
  const isWritten = (await writer.rows(INSERT_ORDER, values)).length > 0;
  if (isWritten) writer.wake('relay');
  return isWritten;
}

function orderValues(
  { currency }: Writer,
  { order, announcements, traceparent }: NewOrder,
  maxDiscountUses: number | undefined,
  lockTimeout: string,
): unknown[] {
  return [
    order.orderId,
    order.userId,
    order.eventId,
    order.organizationId,
    order.sessionId,
    currency.toDecimal(order.subtotal),
    order.discount?.id ?? null,
    order.discount?.code ?? null,
    currency.toDecimal(order.discountAmount),
    currency.toDecimal(order.price),
    toRfc3339(order.createdAt),
    maxDiscountUses ?? null,
    toRfc3339(order.expiresAt),
    ...ticketArrays(currency, inSeatOrder(order.tickets)),
    announcements.map((announcement) => announcement.topic),
    announcements.map((announcement) => announcement.key),
    announcements.map((announcement) => announcement.value),
    traceparent ?? null,
    lockTimeout,
  ];
}

/** The same for several orders, none with a discount: all of them, or none when one cannot be written at once. */
const INSERT_ORDERS = {
  name: 'orders-insert',
  text: `
    WITH patience AS (
      SELECT set_config('lock_timeout', '${SHARED_LOCK_TIMEOUT}', true) AS is_set
    ), placed AS (
      INSERT INTO orders (order_id, user_id, event_id, organization_id, session_id, status, subtotal, discount_amount,
                          price, created_at, expires_at)
      SELECT o.order_id, o.user_id, o.event_id, o.organization_id, o.session_id, 'pending', o.subtotal, 0, o.price,
             o.created_at, o.expires_at
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::numeric[], $7::numeric[],
                    $8::timestamptz[], $9::timestamptz[])
             AS o (order_id, user_id, event_id, organization_id, session_id, subtotal, price, created_at, expires_at),
             patience
       WHERE patience.is_set IS NOT NULL
      RETURNING order_id, session_id, created_at
    ), ticketed AS (
      INSERT INTO tickets (ticket_id, order_id, session_id, seat_id, seat_label, colour, tier_id, tier_name,
                           price_at_purchase, issued_at)
      SELECT s.ticket_id, p.order_id, p.session_id, s.seat_id, s.seat_label, s.colour, s.tier_id, s.tier_name, s.price,
             p.created_at
        FROM unnest($10::uuid[], $11::uuid[], $12::text[], $13::text[], $14::text[], $15::uuid[], $16::text[],
                    $17::numeric[]) WITH ORDINALITY
             AS s (order_id, ticket_id, seat_id, seat_label, colour, tier_id, tier_name, price, position)
        JOIN placed p USING (order_id)
       ORDER BY s.position
      RETURNING ticket_id
    ), won AS (
      SELECT count(*) AS seats FROM ticketed
    )
    INSERT INTO outbox (topic, key, value, traceparent)
    SELECT a.topic, a.key, a.value, a.traceparent
      FROM won, unnest($18::text[], $19::text[], $20::text[], $21::text[]) WITH ORDINALITY
             AS a (topic, key, value, traceparent, position)
     WHERE won.seats > 0
     ORDER BY a.position`,
};

/**
 * Whether nothing of so many orders was written because of one of them: its row is at fault, which one that is alone knows
 * already, or its seat is not decided on yet.
 */
export function isForEachAlone(error: unknown, orders: number): boolean {
  return isLockTimeout(error) || (orders > 1 && isRowAtFault(error));
}

/** An order to be written, with what announces it. */
export interface NewOrder {
  readonly order: PendingOrder;
  readonly announcements: readonly Announcement[];
  /** The trace that it belongs to. */
  readonly traceparent: string | undefined;
}

/**
 * `insertOrder` for orders without a discount, in one statement. Throws an error that `isForEachAlone` knows when one of
 * them keeps the others from being written. The tickets of all of them go in the order of session and
 * seat, so that two such statements never wait for each other in a circle.
 */
export async function insertOrders(writer: Writer, added: readonly NewOrder[]): Promise<void> {
  const [first, second] = added;
  if (first && !second) {
    await writer.rows(INSERT_ORDER, orderValues(writer, first, undefined, SHARED_LOCK_TIMEOUT));
    writer.wake('relay');
    return;
  }
  const orders = added.map(({ order }) => order);
  const tickets = orders.flatMap((order) => order.tickets).toSorted(bySeat);
  const announcements = added.flatMap((each) =>
    each.announcements.map((announcement) => ({ ...announcement, traceparent: each.traceparent ?? null })),
  );
  await writer.rows(INSERT_ORDERS, [
    orders.map((order) => order.orderId),
    orders.map((order) => order.userId),
    orders.map((order) => order.eventId),
    orders.map((order) => order.organizationId),
    orders.map((order) => order.sessionId),
    orders.map((order) => writer.currency.toDecimal(order.subtotal)),
    orders.map((order) => writer.currency.toDecimal(order.price)),
    orders.map((order) => toRfc3339(order.createdAt)),
    orders.map((order) => toRfc3339(order.expiresAt)),
    tickets.map((ticket) => ticket.orderId),
    ...ticketArrays(writer.currency, tickets),
    announcements.map((announcement) => announcement.topic),
    announcements.map((announcement) => announcement.key),
    announcements.map((announcement) => announcement.value),
    announcements.map((announcement) => announcement.traceparent),
  ]);
  writer.wake('relay');
}

function inSeatOrder(tickets: readonly Ticket[]): Ticket[] {
  return tickets.toSorted(bySeat);
}

function bySeat(a: Ticket, b: Ticket): number {
  if (a.sessionId !== b.sessionId) return a.sessionId < b.sessionId ? -1 : 1;
  return a.seatId < b.seatId ? -1 : 1;
}

/** One array a column, as `unnest` takes them. */
function ticketArrays(currency: Currency, tickets: readonly Ticket[]): readonly (readonly string[])[] {
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

const FIND_ORDER = {
  name: 'order-find',
  text: `SELECT ${ORDER_COLUMNS}, ${TICKET_COLUMNS} FROM orders o LEFT JOIN ${ITS_TICKETS}
          WHERE o.order_id = $1 ORDER BY t.seat_label, t.seat_id`,
};

export async function findOrder(executor: Executor, orderId: OrderId): Promise<Order | undefined> {
  const rows = await executor.rows<OrderTicketRow>(FIND_ORDER, [orderId]);
  return toOrders(rows)[0];
}

const LOCK_ORDER = {
  name: 'order-lock',
  text: 'SELECT FROM orders WHERE order_id = $1 FOR UPDATE',
};

/**
 * The order, locked until the transaction ends: every transition starts here, so that one decides at a time. It is
 * read after the lock is had: a statement that waits for a lock sees the row anew, but not what is joined to it.
 */
export async function lockOrder(tx: Transaction, orderId: OrderId): Promise<Order | undefined> {
  const locked = await tx.rows(LOCK_ORDER, [orderId]);
  return locked.length === 0 ? undefined : findOrder(tx, orderId);
}

const FIND_ORDERS = {
  name: 'orders-find',
  text: `SELECT ${ORDER_COLUMNS}, ${TICKET_COLUMNS} FROM orders o LEFT JOIN ${ITS_TICKETS}
          WHERE o.order_id = ANY ($1::uuid[]) ORDER BY o.order_id, t.seat_label, t.seat_id`,
};

/** Those of the orders that there are. */
export async function findOrders(executor: Executor, orderIds: readonly OrderId[]): Promise<Order[]> {
  if (orderIds.length === 0) return [];
  return toOrders(await executor.rows<OrderTicketRow>(FIND_ORDERS, [orderIds]));
}

const LOCK_ORDERS = {
  name: 'orders-lock',
  text: 'SELECT FROM orders WHERE order_id = ANY ($1::uuid[]) ORDER BY order_id FOR UPDATE',
};

/** `lockOrder` for several, in the order of their ids, so that two who lock the same never wait in a circle. */
export async function lockOrders(tx: Transaction, orderIds: readonly OrderId[]): Promise<Order[]> {
  await tx.rows(LOCK_ORDERS, [orderIds]);
  return findOrders(tx, orderIds);
}

const ORDERS_OF_USER = {
  name: 'orders-of-user',
  text: `SELECT ${ORDER_COLUMNS}, ${TICKET_COLUMNS}
           FROM (SELECT * FROM orders WHERE user_id = $1 ORDER BY created_at DESC, order_id DESC LIMIT $2) o
           LEFT JOIN ${ITS_TICKETS}
          ORDER BY o.created_at DESC, o.order_id DESC, t.seat_label, t.seat_id`,
};

/** A user's orders, newest first, at most `limit`. */
export async function ordersOfUser(executor: Executor, userId: UserId, limit: number): Promise<Order[]> {
  const rows = await executor.rows<OrderTicketRow>(ORDERS_OF_USER, [userId, limit]);
  return toOrders(rows);
}

const LIVE_SEATS = {
  name: 'seats-live',
  text: `SELECT seat_id FROM tickets
          WHERE session_id = $1 AND seat_id = ANY ($2::text[]) AND voided_at IS NULL ORDER BY seat_id`,
};

/** Which of the seats have a live ticket. */
export async function liveSeats(
  executor: Executor,
  sessionId: SessionId,
  seatIds: readonly SeatId[],
): Promise<SeatId[]> {
  const rows = await executor.rows<{ seat_id: SeatId }>(LIVE_SEATS, [sessionId, seatIds]);
  return rows.map((row) => row.seat_id);
}

const SAVE_STATE = {
  name: 'order-save-state',
  text: `UPDATE orders SET status = $2, completed_at = COALESCE($3::timestamptz, completed_at),
                           cancelled_at = $4::timestamptz, cancel_reason = $5, settling_until = NULL
          WHERE order_id = $1`,
};
const VOID_TICKETS = {
  name: 'tickets-void',
  text: `UPDATE tickets SET voided_at = $2::timestamptz, void_reason = 'order'
          WHERE order_id = $1 AND voided_at IS NULL`,
};
const REVIVE_TICKETS = {
  name: 'tickets-revive',
  text: `UPDATE tickets t SET voided_at = NULL, void_reason = NULL
           FROM (SELECT ticket_id FROM tickets WHERE order_id = $1 AND void_reason = 'order' ORDER BY seat_id) mine
          WHERE t.ticket_id = mine.ticket_id`,
};
const COUNT_DISCOUNT_USE = {
  name: 'discount-use-count',
  text: 'UPDATE discount_uses SET uses = uses + $2::integer WHERE discount_id = $1',
};

/**
 * Saves the state an order came into, from the locked one it was in: the discount's use first, as in `INSERT_ORDER`,
 * so that the two never wait for each other. Throws an error that `isSeatTaken` knows when a revived seat is sold.
 */
export async function saveTransition(tx: Transaction, from: Order, to: Order): Promise<void> {
  const usesChange = Number(to.status !== 'cancelled') - Number(from.status !== 'cancelled');
  if (to.discount && usesChange !== 0) await countDiscountUse(tx, to.discount.id, usesChange);
  await tx.rows(SAVE_STATE, [
    to.orderId,
    to.status,
    to.status === 'completed' ? toRfc3339(to.completedAt) : null,
    to.status === 'cancelled' ? toRfc3339(to.cancelledAt) : null,
    to.status === 'cancelled' ? to.reason : null,
  ]);
  if (to.status === 'cancelled' && from.status !== 'cancelled')
    await tx.rows(VOID_TICKETS, [to.orderId, toRfc3339(to.cancelledAt)]);
  if (from.status === 'cancelled' && to.status !== 'cancelled') await tx.rows(REVIVE_TICKETS, [to.orderId]);
}

async function countDiscountUse(tx: Transaction, discountId: DiscountId, change: number): Promise<void> {
  await tx.rows(COUNT_DISCOUNT_USE, [discountId, change]);
}

const TAKE_DISCOUNT_USE = {
  name: 'discount-use-take',
  text: `INSERT INTO discount_uses AS d (discount_id, uses) VALUES ($1, 1)
         ON CONFLICT (discount_id) DO UPDATE SET uses = d.uses + 1 WHERE $2::integer IS NULL OR d.uses < $2::integer
         RETURNING discount_id`,
};
const ADD_TICKETS = {
  name: 'tickets-add',
  text: `INSERT INTO tickets (ticket_id, order_id, session_id, seat_id, seat_label, colour, tier_id, tier_name,
                              price_at_purchase, issued_at)
         SELECT s.ticket_id, $1, $2, s.seat_id, s.seat_label, s.colour, s.tier_id, s.tier_name, s.price, $3::timestamptz
           FROM unnest($4::uuid[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::text[], $10::numeric[])
                AS s (ticket_id, seat_id, seat_label, colour, tier_id, tier_name, price)`,
};
const VOID_SOME_TICKETS = {
  name: 'tickets-void-some',
  text: `UPDATE tickets SET voided_at = $2::timestamptz, void_reason = $3
          WHERE ticket_id = ANY ($1::uuid[]) AND voided_at IS NULL`,
};
const SAVE_TERMS = {
  name: 'order-save-terms',
  text: `UPDATE orders SET subtotal = $2::numeric, discount_id = $3, discount_code = $4, discount_amount = $5::numeric,
                           price = $6::numeric, payment_intent_id = $7, payment_attempt = $8
          WHERE order_id = $1`,
};

/**
 * Saves the new terms of a locked pending order. New tickets are written before old ones are void, so that a seat is
 * never let go for one that cannot be had. False, with nothing saved that the caller may commit, when the new
 * discount is used up here; throws an error that `isSeatTaken` knows when a seat is somebody else's.
 */
export async function saveTerms(
  tx: Transaction,
  from: Order,
  to: Order,
  at: Instant,
  maxDiscountUses: number | undefined,
): Promise<boolean> {
  if (!(await exchangeDiscount(tx, from.discount?.id, to.discount?.id, maxDiscountUses))) return false;
  await tx.rows(SAVE_TERMS, [
    to.orderId,
    tx.currency.toDecimal(to.subtotal),
    to.discount?.id ?? null,
    to.discount?.code ?? null,
    tx.currency.toDecimal(to.discountAmount),
    tx.currency.toDecimal(to.price),
    to.paymentIntentId ?? null,
    to.paymentAttempt,
  ]);
  const before = new Set(from.tickets.map((ticket) => ticket.ticketId));
  const after = new Set(to.tickets.map((ticket) => ticket.ticketId));
  const added = inSeatOrder(to.tickets.filter((ticket) => !before.has(ticket.ticketId)));
  const [first] = added;
  if (first) {
    // The tickets that one change adds are issued at the same moment, the one that is announced.
    const { orderId, sessionId, issuedAt } = first;
    await tx.rows(ADD_TICKETS, [
      orderId,
      sessionId,
      toRfc3339(issuedAt),
      ...ticketArrays(tx.currency, added),
    ]);
  }
  const removed = from.tickets.filter((ticket) => !after.has(ticket.ticketId));
  await voidTickets(tx, removed, at, 'replaced');
  return true;
}

/** Voids tickets of an order that goes on without them. */
export async function voidTickets(
  tx: Transaction,
  tickets: readonly Ticket[],
  at: Instant,
  reason: 'replaced' | WithdrawReason,
): Promise<void> {
  if (tickets.length === 0) return;
  const ticketIds = tickets.map((ticket) => ticket.ticketId);
  await tx.rows(VOID_SOME_TICKETS, [ticketIds, toRfc3339(at), reason]);
}

/** One use of a discount for one of another, in the order of their ids, so that two exchanges never wait in a circle. */
async function exchangeDiscount(
  tx: Transaction,
  from: DiscountId | undefined,
  to: DiscountId | undefined,
  maxUses: number | undefined,
): Promise<boolean> {
  if (from === to) return true;
  const giveBack = async () => from === undefined || countDiscountUse(tx, from, -1).then(() => true);
  const take = async () =>
    to === undefined || (await tx.rows(TAKE_DISCOUNT_USE, [to, maxUses ?? null])).length > 0;
  if (from !== undefined && to !== undefined && from < to) return (await giveBack()) && take();
  return (await take()) && giveBack();
}

const ATTACH_INTENT = {
  name: 'order-attach-intent',
  text: `UPDATE orders SET payment_intent_id = $3, payment_attempt = $2
          WHERE order_id = $1 AND status = 'pending' AND price = $4::numeric AND payment_attempt IN ($2 - 1, $2)
            AND (payment_attempt < $2 OR payment_intent_id = $3)
        RETURNING order_id`,
};

/**
 * Writes down the PaymentIntent of an attempt at a price, once; false when the order is no longer pending, has another
 * price or has moved on.
 */
export async function attachIntent(
  executor: Executor,
  order: Pick<Order, 'orderId' | 'price'>,
  attempt: number,
  intentId: PaymentIntentId,
): Promise<boolean> {
  const price = executor.currency.toDecimal(order.price);
  const rows = await executor.rows(ATTACH_INTENT, [order.orderId, attempt, intentId, price]);
  return rows.length > 0;
}

const ORDER_OF_INTENT = {
  name: 'order-of-intent',
  text: 'SELECT order_id FROM orders WHERE payment_intent_id = $1',
};

export async function orderOfIntent(
  executor: Executor,
  intentId: PaymentIntentId,
): Promise<OrderId | undefined> {
  const rows = await executor.rows<{ order_id: OrderId }>(ORDER_OF_INTENT, [intentId]);
  return rows[0]?.order_id;
}

const LOCK_ENDED_UNPAID = {
  name: 'orders-lock-ended-unpaid',
  text: `SELECT order_id FROM orders
          WHERE status = 'pending' AND expires_at <= $1::timestamptz AND payment_intent_id IS NULL
          ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED`,
};
/**
 * At most `limit` pending orders whose hold has ended and that nobody began to pay, locked; none another has locked.
 * They are read after they are locked, as in `lockOrder`.
 */
export async function lockEndedUnpaid(tx: Transaction, now: Instant, limit: number): Promise<Order[]> {
  const locked = await tx.rows<{ order_id: OrderId }>(LOCK_ENDED_UNPAID, [toRfc3339(now), limit]);
  return findOrders(
    tx,
    locked.map((row) => row.order_id),
  );
}

const COUNT_DISCOUNT_USES_DOWN = {
  name: 'discount-uses-count-down',
  text: `UPDATE discount_uses d SET uses = d.uses - gone.orders
           FROM (SELECT discount_id, count(*) AS orders FROM unnest($1::uuid[]) AS discount_id GROUP BY discount_id) gone
          WHERE d.discount_id = gone.discount_id`,
};
const SAVE_CANCELLED = {
  name: 'orders-save-cancelled',
  text: `UPDATE orders SET status = 'cancelled', cancelled_at = $2::timestamptz, cancel_reason = $3, settling_until = NULL
          WHERE order_id = ANY ($1::uuid[])`,
};
const VOID_TICKETS_OF = {
  name: 'tickets-void-of-orders',
  text: `UPDATE tickets SET voided_at = $2::timestamptz, void_reason = 'order'
          WHERE order_id = ANY ($1::uuid[]) AND voided_at IS NULL`,
};

/** Saves orders that were cancelled at the same moment for the same reason, in the lock order of `saveTransition`. */
export async function saveCancelled(
  tx: Transaction,
  orders: readonly Order[],
  at: Instant,
  reason: CancelReason,
): Promise<void> {
  const orderIds = orders.map((order) => order.orderId);
  const discountIds = orders.flatMap((order) => (order.discount ? [order.discount.id] : []));
  if (discountIds.length > 0) await tx.rows(COUNT_DISCOUNT_USES_DOWN, [discountIds]);
  await tx.rows(SAVE_CANCELLED, [orderIds, toRfc3339(at), reason]);
  await tx.rows(VOID_TICKETS_OF, [orderIds, toRfc3339(at)]);
}

const CLAIM_ENDED = {
  name: 'orders-claim-ended',
  text: `UPDATE orders SET settling_until = $2::timestamptz
          WHERE order_id IN (
            SELECT order_id FROM orders
             WHERE status = 'pending' AND expires_at <= $1::timestamptz AND payment_intent_id IS NOT NULL
               AND (settling_until IS NULL OR settling_until <= $1::timestamptz)
             ORDER BY expires_at LIMIT $3 FOR UPDATE SKIP LOCKED)
        RETURNING order_id`,
};

/**
 * Takes at most `limit` pending orders whose hold has ended and that somebody began to pay, for this caller alone
 * until `until`: one that dies with them is followed by another.
 */
export async function claimEnded(
  executor: Executor,
  now: Instant,
  until: Instant,
  limit: number,
): Promise<OrderId[]> {
  const rows = await executor.rows<{ order_id: OrderId }>(CLAIM_ENDED, [
    toRfc3339(now),
    toRfc3339(until),
    limit,
  ]);
  return rows.map((row) => row.order_id);
}
