import { expect } from 'vitest';
import type { Arena } from './arena.ts';

/** An order with its state in this service, at Stripe, and on the topics. */
export interface Ledger {
  readonly status: string;
  readonly reason: string | null;
  readonly price: number;
  readonly seatIds: readonly string[];
  readonly payments: readonly { readonly state: string; readonly amount_minor: number }[];
  /** Minor units that were refunded, or are about to be. */
  readonly refunded: number;
  /** Minor units at Stripe: received minus refunded. */
  readonly kept: number;
  /** The intent that is to pay for it. */
  readonly intentId: string | null;
  /** Intents that can be paid now, with their amounts. */
  readonly open: ReadonlyMap<string, number>;
  /** Its states in the order in which they were published. */
  readonly announced: readonly string[];
}

interface OrderRow {
  readonly status: string;
  readonly cancel_reason: string | null;
  readonly price: string;
  readonly payment_intent_id: string | null;
  readonly seat_ids: string[];
  readonly refunded: number;
}

const MINOR_UNITS = 100;

export async function ledgerOf(arena: Arena, orderId: string): Promise<Ledger> {
  const [order] = await arena.rows<OrderRow>(
    `SELECT status, cancel_reason, price, payment_intent_id,
            ARRAY (SELECT seat_id FROM tickets WHERE order_id = o.order_id AND voided_at IS NULL) AS seat_ids,
            (SELECT COALESCE(sum(r.amount_minor), 0)::integer FROM refunds r JOIN payments p USING (payment_intent_id)
              WHERE p.order_id = o.order_id AND p.state = 'applied') AS refunded
       FROM orders o WHERE order_id = $1`,
    [orderId],
  );
  if (!order) throw new Error(`there is no order ${orderId}`);
  const payments = await arena.rows<Ledger['payments'][number]>(
    'SELECT state, amount_minor::integer FROM payments WHERE order_id = $1',
    [orderId],
  );
  const intents = arena.bank.intents().filter(({ metadata }) => metadata.order_id === orderId);
  const kept = intents.map(({ status, amount, amountRefunded }) =>
    status === 'succeeded' ? amount - amountRefunded : 0,
  );
  return {
    status: order.status,
    reason: order.cancel_reason,
    price: Number(order.price) * MINOR_UNITS,
    seatIds: order.seat_ids.toSorted(),
    payments,
    refunded: order.refunded,
    kept: kept.reduce((total, each) => total + each, 0),
    intentId: order.payment_intent_id,
    open: new Map(intents.filter(({ status }) => status.startsWith('requires_')).map(({ id, amount }) => [id, amount])),
    announced: statesOfOrder(arena, orderId),
  };
}

function statesOfOrder({ events }: Arena, orderId: string): string[] {
  const messages = events.messages
    .filter(({ topic, key }) => key === orderId && topic.startsWith('ticketly.order.'))
    .map(({ topic, value }): { topic: string; status: string } => ({ topic, status: JSON.parse(value).Status }));
  // An amended order keeps its state: a part of its money was refunded, or a ticket changed.
  const isSame = ({ topic, status }: (typeof messages)[number], at: number) =>
    topic === 'ticketly.order.amended' && status === messages[at - 1]?.status;
  return messages.filter((each, at) => !isSame(each, at)).map(({ status }) => status);
}

/** The published states of a seat, in order. */
export function statesOfSeat({ events }: Arena, seatId: string): string[] {
  return events.messages
    .filter(({ topic, value }) => topic === 'ticketly.seats.status' && value.includes(seatId))
    .map(({ value }) => JSON.parse(value).status);
}

const SEAT_OF = { pending: 'LOCKED', completed: 'BOOKED', cancelled: 'AVAILABLE' } as Record<string, string>;

/**
 * Asserts everything that must be true of an order and its seats once all work is done, whatever raced: its state is the
 * last one announced, each change was announced once, and Stripe has kept exactly what the order is paid with.
 */
export async function expectSound(arena: Arena, orderId: string, seatIds: readonly string[]): Promise<Ledger> {
  const ledger = await ledgerOf(arena, orderId);
  const { status, price, payments, refunded, kept, announced } = ledger;
  const states = payments.map(({ state }) => state).toSorted();
  const isPaid = status === 'completed' && price > 0;
  expect({ orderId, kept, states: states.filter((state) => state !== 'refunded') }).toEqual({
    orderId,
    kept: isPaid ? price - refunded : 0,
    states: isPaid ? ['applied'] : [],
  });
  expect(announced[0]).toBe('pending');
  expect(announced.at(-1)).toBe(status);
  expect(announced.filter((each, at) => each !== 'pending' && each === announced[at - 1])).toEqual([]);
  expect(ledger.seatIds.length > 0).toBe(status !== 'cancelled');
  for (const seatId of seatIds) expectSeatSound(arena, seatId, ledger);
  return ledger;
}

function expectSeatSound(arena: Arena, seatId: string, { status, seatIds }: Ledger): void {
  const announced = statesOfSeat(arena, seatId);
  // A seat that a change only tried to get was never announced.
  if (announced.length === 0 && !seatIds.includes(seatId)) return;
  expect(announced[0]).toBe('LOCKED');
  expect(announced.filter((each, at) => each === announced[at - 1])).toEqual([]);
  expect(announced.at(-1)).toBe(seatIds.includes(seatId) ? SEAT_OF[status] : 'AVAILABLE');
}

/** An intent that a page received can be paid only while it is the order's current one, at the order's price. */
export function expectNoOtherPayable({ status, price, intentId, open }: Ledger, given: readonly string[]): void {
  const wrong = given.filter(
    (each) => open.has(each) && !(status === 'pending' && each === intentId && open.get(each) === price),
  );
  expect(wrong).toEqual([]);
}

/** Asserts that everything due was applied at the first attempt. */
export async function expectNothingFailed({ rows }: Arena): Promise<void> {
  const failed = await rows(
    `SELECT event_id AS id, last_error FROM stripe_inbox WHERE last_error IS NOT NULL OR applied_at IS NULL
      UNION ALL
     SELECT refund_id::text, last_error FROM refunds WHERE last_error IS NOT NULL OR provider_id IS NULL`,
  );
  expect(failed).toEqual([]);
}
