import { type Instant, toRfc3339 } from '../../kernel/clock.ts';
import type { DiscountId, TicketId } from '../../kernel/ids.ts';
import type { Transaction } from '../../platform/postgres/database.ts';
import type { Ticket } from '../tickets/index.ts';
import { inSeatOrder, ticketArrays } from './new-orders.store.ts';
import type { CancelReason, Order, WithdrawReason } from './order.ts';

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
 * Saves a transition of a locked order. The use of the discount comes first, as in `INSERT_ORDER`, so that the two never
 * wait for each other. Throws an error that `isSeatTaken` recognises when a seat has been sold to another order.
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
const TICKETS_REFUNDED = {
  name: 'tickets-refunded',
  text: `UPDATE tickets SET void_reason = 'refunded' WHERE ticket_id = ANY ($1::uuid[]) AND void_reason = 'organiser'`,
};

/** Saves that the money of tickets that an organiser had voided without a refund went back later. Others stay as they are. */
export async function saveTicketsRefunded(tx: Transaction, ticketIds: readonly TicketId[]): Promise<void> {
  if (ticketIds.length > 0) await tx.rows(TICKETS_REFUNDED, [ticketIds]);
}

const SAVE_TERMS = {
  name: 'order-save-terms',
  text: `UPDATE orders SET subtotal = $2::numeric, discount_id = $3, discount_code = $4, discount_amount = $5::numeric,
                           price = $6::numeric, payment_intent_id = $7, payment_attempt = $8
          WHERE order_id = $1`,
};

/**
 * Saves the new terms of a locked pending order. New tickets are written before old ones are voided, so that a seat is
 * never freed for one that is taken. False when the new discount is used up: the caller must then roll back. Throws an
 * error that `isSeatTaken` recognises when another order has a seat.
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
    await tx.rows(ADD_TICKETS, [orderId, sessionId, toRfc3339(issuedAt), ...ticketArrays(tx, added)]);
  }
  const removed = from.tickets.filter((ticket) => !after.has(ticket.ticketId));
  await voidTickets(tx, removed, at, 'replaced');
  return true;
}

/** Voids some tickets of an order that stays pending or completed. */
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

/** Returns a use of one discount and takes a use of another, in the order of their ids, so that two exchanges never wait for each other. */
async function exchangeDiscount(
  tx: Transaction,
  from: DiscountId | undefined,
  to: DiscountId | undefined,
  maxUses: number | undefined,
): Promise<boolean> {
  if (from === to) return true;
  const returnUse = async () => from === undefined || countDiscountUse(tx, from, -1).then(() => true);
  const take = async () => to === undefined || (await tx.rows(TAKE_DISCOUNT_USE, [to, maxUses ?? null])).length > 0;
  if (from !== undefined && to !== undefined && from < to) return (await returnUse()) && take();
  return (await take()) && returnUse();
}

const COUNT_DISCOUNT_USES_DOWN = {
  name: 'discount-uses-count-down',
  text: `UPDATE discount_uses d SET uses = d.uses - ended.orders
           FROM (SELECT discount_id, count(*) AS orders FROM unnest($1::uuid[]) AS discount_id GROUP BY discount_id) ended
          WHERE d.discount_id = ended.discount_id`,
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

const AMEND_TICKET = {
  name: 'ticket-amend',
  text: `UPDATE tickets SET seat_id = $2, seat_label = $3, holder_note = $4
          WHERE ticket_id = $1 AND voided_at IS NULL`,
};

/** Saves seat, label and note of a live ticket. Throws an error that `isSeatTaken` recognises when another order has the seat. */
export async function amendTicket(tx: Transaction, ticket: Ticket): Promise<void> {
  await tx.rows(AMEND_TICKET, [ticket.ticketId, ticket.seatId, ticket.seatLabel, ticket.note ?? null]);
}
