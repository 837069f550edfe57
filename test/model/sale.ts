import type { Instant } from '../../src/kernel/clock.ts';
import type { Bank } from './bank.ts';
import type { Observed, StoredOrder, StoredPayment } from './observed.ts';
import { DISCOUNTS, type DiscountName, SEATS } from './outside.ts';

/**
 * The model: what the service should say and do, in a memory that never crashes. It knows orders and money by their
 * rules alone (design section 1, contract sections 1 and 4) and nothing of how the service keeps them.
 */
export interface Sale {
  readonly orders: Map<string, Order>;
  readonly payments: Map<string, Payment>;
  /** PaymentIntents whose client secret a buyer was given: only these can be paid. */
  readonly payable: Set<string>;
  /** Orders that were asked for with an Idempotency-Key, by key: the request that has it. Each buyer has keys of his own. */
  readonly keyed: Map<string, KeyedPlace>;
  /** What was answered to such a request: it is answered the same for a day. */
  readonly answers: Map<string, KeptAnswer>;
  /** How often each event of Stripe was delivered. */
  readonly deliveries: Map<string, number>;
  /** Tickets that a scanner was told to admit. */
  readonly admitted: Set<string>;
  /** Messages of another system that no process has taken: they are given again. */
  readonly untaken: Set<PaymentMessage>;
  /** Orders of which more than one outcome is right after this step. */
  readonly open: Set<string>;
  /** What was stored after the last step. */
  seen: Observed;
  readonly bank: Bank;
  readonly clock: { now(): Instant };
}

export interface Order {
  readonly orderId: string;
  readonly buyer: number;
  readonly status: 'pending' | 'completed' | 'cancelled';
  readonly reason: string | null;
  /** In order; what an ended order had. */
  readonly seats: readonly string[];
  readonly discount: DiscountName | undefined;
  readonly price: number;
  readonly expiresAt: number;
  readonly intentId: string | null;
}

export interface Payment {
  readonly orderId: string;
  readonly amount: number;
  /** `back`: it goes back whole, or went. */
  readonly state: 'received' | 'applied' | 'back' | 'disputed';
  /** What of it goes back, or went. */
  readonly back: number;
}

/** What another system says of a payment that it took. */
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

/** The n-th of some, counted round; undefined when there are none. */
export function pick<Value>(values: Iterable<Value>, at: number): Value | undefined {
  const all = [...values];
  return all.length === 0 ? undefined : all[at % all.length];
}

export function isOver(order: Order, sale: Sale): boolean {
  return sale.clock.now() >= order.expiresAt;
}

/** Seats that a pending or completed order has; those of `except` are not counted. */
export function takenOf(seats: readonly string[], sale: Sale, except?: string): string[] {
  const live = [...sale.orders.values()].filter(
    ({ status, orderId }) => status !== 'cancelled' && orderId !== except,
  );
  return seats.filter((seat) => live.some((order) => order.seats.includes(seat)));
}

export function isUsedUp(discount: DiscountName, sale: Sale): boolean {
  const uses = [...sale.orders.values()].filter(
    (order) => order.status !== 'cancelled' && order.discount === discount,
  );
  return uses.length >= (DISCOUNTS[discount].maxUsage ?? Number.POSITIVE_INFINITY);
}

/** The seats less the discount; a tenth of these seats never needs rounding in more than one way: halves go up. */
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

/** All that is left of a payment goes back. */
function giveBack(sale: Sale, intentId: string): void {
  changePayment(sale, intentId, { state: 'back', back: sale.payments.get(intentId)?.amount ?? 0 });
}

export function appliedTo(sale: Sale, orderId: string): [string, Payment] | undefined {
  return [...sale.payments].find(([, payment]) => payment.orderId === orderId && payment.state === 'applied');
}

/** The service hears that this much came for an order: the first time it decides, and never again (I2, I7, I8). */
export function hear(sale: Sale, orderId: string, intentId: string, amount: number): void {
  const order = sale.orders.get(orderId);
  if (!order) return;
  if (!sale.payments.has(intentId)) {
    sale.payments.set(intentId, { orderId, amount, state: 'received', back: 0 });
  }
  const payment = sale.payments.get(intentId);
  if (payment?.state !== 'received') return;
  const isWanted =
    payment.amount === order.price && !appliedTo(sale, orderId) && order.status !== 'completed';
  const acceptsLateMoney =
    order.status === 'cancelled' && ['expired', 'payment'].includes(order.reason ?? '');
  const isFree = takenOf(order.seats, sale, orderId).length === 0;
  if (isWanted && (order.status === 'pending' || (acceptsLateMoney && isFree))) {
    changePayment(sale, intentId, { state: 'applied' });
    change(sale, orderId, { status: 'completed', reason: null });
    return;
  }
  giveBack(sale, intentId);
  if (isWanted && acceptsLateMoney) change(sale, orderId, { reason: 'refunded' });
}

/** The service makes sure that the order's intent cannot be paid any more; whether it was paid and completes the order. */
export function conclude(sale: Sale, orderId: string): 'paid' | 'unpaid' {
  const intentId = sale.orders.get(orderId)?.intentId;
  const intent = intentId ? sale.bank.intent(intentId) : undefined;
  if (intent?.status !== 'succeeded') return 'unpaid';
  hear(sale, orderId, intent.id, intent.amount);
  return sale.orders.get(orderId)?.status === 'completed' ? 'paid' : 'unpaid';
}

/** The service looks how all the money of an intent stands. What went back of it may end the order, or tickets of it. */
export function align(sale: Sale, intentId: string): void {
  const intent = sale.bank.intent(intentId);
  const orderId = intent?.metadata.order_id;
  if (intent?.status !== 'succeeded' || orderId === undefined) return;
  hear(sale, orderId, intentId, intent.amount);
  if (sale.bank.refunded(intentId) > 0 || sale.bank.disputeOf(intentId)) sale.open.add(orderId);
}

/** An order is cancelled; what paid for it goes back. */
export function cancel(sale: Sale, orderId: string, reason: string): void {
  const applied = appliedTo(sale, orderId);
  change(sale, orderId, { status: 'cancelled', reason });
  if (applied) giveBack(sale, applied[0]);
}

/** A part of an applied payment goes back; all that is left cancels the order. False when there is not so much. */
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

/** An order as it is stored, in the model's words. */
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
