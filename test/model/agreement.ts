import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import type { Observed } from './observed.ts';
import { type Order, priceOf, type Sale, toOrder, toPayment } from './sale.ts';

/**
 * Compares the model with the stored state after a step: equal where one outcome is right; for an open order,
 * any state that the transitions lead to. The model continues from the stored state.
 */
export function agree(sale: Sale, stored: Observed, buyerOf: (userId: string) => number): void {
  const orders = new Map(stored.orders.map((order) => [order.orderId, toOrder(order, buyerOf)]));
  const payments = new Map(stored.payments.map((payment) => [payment.intentId, toPayment(payment)]));
  for (const [orderId, expected] of sale.orders) {
    const found = orders.get(orderId);
    if (!found) throw new Error(`order ${orderId} was answered, but is not stored`);
    if (sale.open.has(orderId)) mayBecome(expected, found);
    else expect(visible(found), `order ${orderId}`).toEqual(visible(expected));
  }
  for (const [orderId, found] of orders) {
    if (!sale.orders.has(orderId)) isNew(found);
  }
  for (const intentId of new Set([...payments.keys(), ...sale.payments.keys()])) {
    const orderId = (payments.get(intentId) ?? sale.payments.get(intentId))?.orderId ?? '';
    if (sale.open.has(orderId)) continue;
    expect(payments.get(intentId), `payment ${intentId}`).toEqual(sale.payments.get(intentId));
  }
  for (const { ticketId, isCheckedIn } of stored.orders.flatMap(({ tickets }) => tickets)) {
    if (sale.admitted.has(ticketId)) expect(isCheckedIn, `ticket ${ticketId}, which was admitted`).toBe(true);
  }
  replace(sale.orders, orders);
  replace(sale.payments, payments);
  sale.open.clear();
  sale.seen = stored;
}

function replace<Key, Value>(target: Map<Key, Value>, source: ReadonlyMap<Key, Value>): void {
  target.clear();
  for (const [key, value] of source) target.set(key, value);
}

/** What the model predicts; which PaymentIntent is the newest is the service’s own decision. */
function visible({ intentId: _intentId, ...order }: Order): Omit<Order, 'intentId'> {
  return order;
}

/** An order whose answer was lost: it is placed, and nothing more can have happened to it. */
function isNew(order: Order): void {
  expect(order.status, `order ${order.orderId}, whose answer was lost`).toBe('pending');
  expect(order.price).toBe(priceOf(order.seats, order.discount));
}

/** Final states of an order. */
const FINAL = new Set(['buyer', 'admin', 'refunded']);
const ENDS_COMPLETED = new Set(['admin', 'refunded', 'payment']);

function mayBecome(before: Order, after: Order): void {
  if (isDeepStrictEqual(visible(before), visible(after))) return;
  const words = `${describe(before)} became ${describe(after)}`;
  expect(isPossible(before, after), words).toBe(true);
  expect(after.expiresAt, `the end of the hold moved: ${words}`).toBe(before.expiresAt);
  if (after.status === 'pending') expect(after.price, words).toBe(priceOf(after.seats, after.discount));
  // Only a change of a pending order changes its price.
  if (before.status !== 'pending') expect(after.price, words).toBe(before.price);
}

/** The transition table of an order, and what it leads to in several steps. */
function isPossible(before: Order, after: Order): boolean {
  switch (before.status) {
    case 'pending':
      return true;
    case 'completed':
      if (after.status === 'completed') return isPart(after.seats, before.seats);
      return (
        after.status === 'cancelled' && ENDS_COMPLETED.has(after.reason ?? '') && isPart(after.seats, before.seats)
      );
    case 'cancelled':
      if (FINAL.has(before.reason ?? '')) return false;
      if (after.status === 'completed') return isPart(after.seats, before.seats);
      return after.status === 'cancelled' && ENDS_COMPLETED.has(after.reason ?? '');
    default:
      return before.status satisfies never;
  }
}

function isPart(seats: readonly string[], of: readonly string[]): boolean {
  return seats.length > 0 && seats.every((seat) => of.includes(seat));
}

function describe({ status, reason, seats, price, discount }: Order): string {
  return `${status}${reason ? ` (${reason})` : ''} ${seats.join('+')} at ${price}${discount ? ` with ${discount}` : ''}`;
}
