import type { Instant } from '../../src/kernel/clock.ts';
import type { Bank } from './bank.ts';
import type { Observed, StoredOrder, StoredPayment } from './observed.ts';
import { DISCOUNTS, type DiscountName, SEATS } from './outside.ts';

/**
 * The model: what the service should answer and do, kept in a memory that never crashes. It knows only the
 * rules of orders and money (design section 1, contract sections 1 and 4), not how the service stores them.
 */
export interface Sale {
  readonly orders: Map<string, Order>;
  readonly payments: Map<string, Payment>;
  /** PaymentIntents whose client secret was issued to a buyer: only these can be paid. */
  readonly payable: Set<string>;
  /**
   * Orders that were requested with an Idempotency-Key, by key: the request that used it. Each buyer has
   * their own keys.
   */
  readonly keyed: Map<string, KeyedPlace>;
  /** The answer to such a request, which is repeated for a day. */
  readonly answers: Map<string, KeptAnswer>;
  /** How often each event of Stripe was delivered. */
  readonly deliveries: Map<string, number>;
  /** Tickets that a scanner admitted. */
  readonly admitted: Set<string>;
  /** Messages of another system that no process has accepted: they are delivered again. */
  readonly untaken: Set<PaymentMessage>;
  /** Orders that have more than one right outcome after this step. */
  readonly open: Set<string>;
  /** The stored state after the last step. */
  seen: Observed;
  readonly bank: Bank;
  readonly clock: { now(): Instant };
}

export interface Order {
  readonly orderId: string;
  readonly buyer: number;
  readonly status: 'pending' | 'completed' | 'cancelled';
  readonly reason: string | null;
  /** Sorted; for an ended order, its last seats. */
  readonly seats: readonly string[];
  readonly discount: DiscountName | undefined;
  readonly price: number;
  readonly expiresAt: number;
  readonly intentId: string | null;
}

export interface Payment {
  readonly orderId: string;
  readonly amount: number;
  /** `back`: it is refunded, or due to be, completely. */
  readonly state: 'received' | 'applied' | 'back' | 'disputed';
  /** The part of it that is refunded or due. */
  readonly back: number;
}

/** A payment as another system reports it. */
export interface PaymentMessage {
  readonly orderId: string;
  readonly paymentId: string | undefined;
}

export interface PlaceRequest {
  readonly buyer: number;
  readonly seats: readonly string[];
  readonly discount: DiscountName | undefined;
  readonly key: string | undefined;
}
export interface KeptAnswer {
  readonly answer: string;
  readonly text: string;
  readonly at: number;
}
export type KeyedPlace = PlaceRequest & { readonly key: string };

export const HOLD_MS = 300_000;
const NOTHING: Observed = { orders: [], payments: [], refunds: [], inbox: [], keys: [], unpublished: 0 };

export function newSale(bank: Bank, clock: Sale['clock']): Sale {
  return {
    orders: new Map(),
    payments: new Map(),
    payable: new Set(),
    keyed: new Map(),
    answers: new Map(),
    deliveries: new Map(),
    admitted: new Set(),
    untaken: new Set(),
    open: new Set(),
    seen: NOTHING,
    bank,
    clock,
  };
}

/** The n-th item, counted cyclically; undefined when there are none. */
export function pick<Value>(values: Iterable<Value>, at: number): Value | undefined {
  const all = [...values];
  return all.length === 0 ? undefined : all[at % all.length];
}

export function isOver(order: Order, sale: Sale): boolean {
  return sale.clock.now() >= order.expiresAt;
}

/** Seats of pending and completed orders, except those of `except`. */
export function takenOf(seats: readonly string[], sale: Sale, except?: string): string[] {
  const live = [...sale.orders.values()].filter(({ status, orderId }) => status !== 'cancelled' && orderId !== except);
  return seats.filter((seat) => live.some((order) => order.seats.includes(seat)));
}

export function isUsedUp(discount: DiscountName, sale: Sale): boolean {
  const uses = [...sale.orders.values()].filter((order) => order.status !== 'cancelled' && order.discount === discount);
  return uses.length >= (DISCOUNTS[discount].maxUsage ?? Number.POSITIVE_INFINITY);
}

/**
 * The seats less the discount; a tenth of these prices rounds the same way under every rule except that
 * halves round up.
 */
export function priceOf(seats: readonly string[], discount: DiscountName | undefined): number {
  const subtotal = seats.reduce((total, seat) => total + (SEATS[seat] ?? 0), 0);
  if (discount === undefined) return subtotal;
  return discount === 'free' ? 0 : subtotal - Math.floor(subtotal / 10 + 0.5);
}

export function change(sale: Sale, orderId: string, changes: Partial<Order>): void {
  const order = sale.orders.get(orderId);
  if (order) sale.orders.set(orderId, { ...order, ...changes });
}

function changePayment(sale: Sale, intentId: string, changes: Partial<Payment>): void {
  const payment = sale.payments.get(intentId);
  if (payment) sale.payments.set(intentId, { ...payment, ...changes });
}

/** Refunds all that is left of a payment. */
function refundRest(sale: Sale, intentId: string): void {
  changePayment(sale, intentId, { state: 'back', back: sale.payments.get(intentId)?.amount ?? 0 });
}

export function appliedTo(sale: Sale, orderId: string): [string, Payment] | undefined {
  return [...sale.payments].find(([, payment]) => payment.orderId === orderId && payment.state === 'applied');
}

/** The service receives a payment for an order: it decides the first time, and never again (I2, I7, I8). */
export function receivePayment(sale: Sale, orderId: string, intentId: string, amount: number): void {
  const order = sale.orders.get(orderId);
  if (!order) return;
  if (!sale.payments.has(intentId)) {
    sale.payments.set(intentId, { orderId, amount, state: 'received', back: 0 });
  }
  const payment = sale.payments.get(intentId);
  if (payment?.state !== 'received') return;
  const isWanted = payment.amount === order.price && !appliedTo(sale, orderId) && order.status !== 'completed';
  const acceptsLateMoney = order.status === 'cancelled' && ['expired', 'payment'].includes(order.reason ?? '');
  const isFree = takenOf(order.seats, sale, orderId).length === 0;
  if (isWanted && (order.status === 'pending' || (acceptsLateMoney && isFree))) {
    changePayment(sale, intentId, { state: 'applied' });
    change(sale, orderId, { status: 'completed', reason: null });
    return;
  }
  refundRest(sale, intentId);
  if (isWanted && acceptsLateMoney) change(sale, orderId, { reason: 'refunded' });
}

/**
 * The service makes sure that the order’s intent cannot be paid any more; returns whether it was paid and
 * completes the order.
 */
export function conclude(sale: Sale, orderId: string): 'paid' | 'unpaid' {
  const intentId = sale.orders.get(orderId)?.intentId;
  const intent = intentId ? sale.bank.intent(intentId) : undefined;
  if (intent?.status !== 'succeeded') return 'unpaid';
  receivePayment(sale, orderId, intent.id, intent.amount);
  return sale.orders.get(orderId)?.status === 'completed' ? 'paid' : 'unpaid';
}

/** The service compares all the money of an intent. Refunded money may end the order, or some of its tickets. */
export function align(sale: Sale, intentId: string): void {
  const intent = sale.bank.intent(intentId);
  const orderId = intent?.metadata.order_id;
  if (intent?.status !== 'succeeded' || orderId === undefined) return;
  receivePayment(sale, orderId, intentId, intent.amount);
  if (sale.bank.refunded(intentId) > 0 || sale.bank.disputeOf(intentId)) sale.open.add(orderId);
}

/** An order is cancelled, and its payment is refunded. */
export function cancel(sale: Sale, orderId: string, reason: string): void {
  const applied = appliedTo(sale, orderId);
  change(sale, orderId, { status: 'cancelled', reason });
  if (applied) refundRest(sale, applied[0]);
}

/** A part of an applied payment is refunded; refunding all that is left cancels the order. False when less is left. */
export function refund(sale: Sale, orderId: string, amount: number | undefined): boolean {
  const applied = appliedTo(sale, orderId);
  if (!applied) return false;
  const [intentId, payment] = applied;
  const left = payment.amount - payment.back;
  if (left === 0 || (amount ?? left) > left) return false;
  if ((amount ?? left) === left) cancel(sale, orderId, 'refunded');
  else changePayment(sale, intentId, { back: payment.back + (amount ?? left) });
  return true;
}

/** An order as it is stored, in the model’s words. */
export function toOrder(stored: StoredOrder, buyerOf: (userId: string) => number): Order {
  const seats = stored.tickets.filter(({ isIts }) => isIts).map(({ seatId }) => seatId);
  return {
    orderId: stored.orderId,
    buyer: buyerOf(stored.userId),
    status: stored.status,
    reason: stored.reason,
    seats,
    discount: nameOf(stored.discountId),
    price: stored.price,
    expiresAt: stored.expiresAt,
    intentId: stored.intentId,
  };
}

function nameOf(discountId: string | null): DiscountName | undefined {
  const names = Object.keys(DISCOUNTS) as DiscountName[];
  return names.find((name) => DISCOUNTS[name].id === discountId);
}

export function toPayment({ orderId, amount, state, back }: StoredPayment): Payment {
  return { orderId, amount, back, state: state === 'refund_due' || state === 'refunded' ? 'back' : state };
}
