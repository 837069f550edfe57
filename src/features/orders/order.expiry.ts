import { type Clock, later } from '../../kernel/clock.ts';
import { eachOf } from '../../kernel/concurrency.ts';
import type { OrderId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { SeatHolds } from '../seats/seats.ports.ts';
import type { Order } from './order.rules.ts';
import { type PaymentConclusion, releaseHolds } from './order.service.ts';
import { claimEnded, findOrder, lockEndedUnpaid } from './order.store.ts';
import type { OrderTransitions } from './order.transitions.ts';

export interface ExpiryOptions {
  readonly database: Database;
  readonly holds: SeatHolds;
  readonly transitions: OrderTransitions;
  readonly payments: PaymentConclusion;
  readonly clock: Clock;
  readonly currency: Currency;
  readonly onCommitted: () => void;
  readonly onError: (error: unknown) => void;
}

/** Small enough that a batch's locks are held for some tens of milliseconds. */
const UNPAID_BATCH_ORDERS = 200;
const BEGUN_BATCH_ORDERS = 100;
/** Orders that one process asks Stripe about at the same time. */
const CONCURRENT_ORDERS = 8;
/** After this another sweeper asks again about an order whose sweeper died or whose money is unknown. */
const CLAIM_MS = 15_000;

/**
 * Ends orders whose hold has ended (I3), each by one sweeper: those nobody began to pay a batch at a time, in one
 * transaction; those with a PaymentIntent one by one, after Stripe was asked. Resolves true when there may be more.
 */
export function createOrderExpiry(options: ExpiryOptions): () => Promise<boolean> {
  return async () => {
    const [unpaid, begun] = [await endUnpaid(options), await endBegun(options)];
    if (unpaid + begun > 0) options.onCommitted();
    return unpaid === UNPAID_BATCH_ORDERS || begun === BEGUN_BATCH_ORDERS;
  };
}

async function endUnpaid({ database, transitions, holds, clock, currency }: ExpiryOptions): Promise<number> {
  const ended = await database.transaction(async (tx) => {
    const orders = await lockEndedUnpaid(tx, clock.now(), UNPAID_BATCH_ORDERS, currency);
    return orders.length === 0 ? [] : transitions.cancelAll(tx, orders, 'expired');
  });
  await Promise.all(ended.map((order) => releaseHolds(order, holds)));
  return ended.length;
}

async function endBegun(options: ExpiryOptions): Promise<number> {
  const now = options.clock.now();
  const claimed = await claimEnded(options.database, now, later(now, CLAIM_MS), BEGUN_BATCH_ORDERS);
  await eachOf(claimed, CONCURRENT_ORDERS, (orderId) => endOne(orderId, options).catch(options.onError));
  return claimed.length;
}

async function endOne(orderId: OrderId, options: ExpiryOptions): Promise<void> {
  const order = await findOrder(options.database, orderId, options.currency);
  if (order?.status !== 'pending') return;
  const money = await options.payments.conclude(order);
  // Unknown: the seats stay held, and the claim's end brings the question again.
  if (money !== 'unpaid') return;
  const ended = await cancelEnded(order, options);
  if (ended) await releaseHolds(ended, options.holds);
}

/** Cancels under the lock, unless the order was paid, cancelled or given another PaymentIntent meanwhile. */
function cancelEnded(concluded: Order, { database, transitions }: ExpiryOptions): Promise<Order | undefined> {
  return database.transaction(async (tx) => {
    const order = await transitions.lock(tx, concluded.orderId);
    if (order?.status !== 'pending' || order.paymentIntentId !== concluded.paymentIntentId) return undefined;
    const transition = await transitions.cancel(tx, order, 'expired');
    return transition.outcome === 'changed' ? transition.order : undefined;
  });
}
