import { type Clock, later } from '../../kernel/clock.ts';
import { eachOf } from '../../kernel/concurrency.ts';
import type { OnFailure } from '../../kernel/failures.ts';
import type { OrderId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import type { Database } from '../../platform/postgres/database.ts';
import { claimEnded, lockEndedUnpaid } from './expiry.store.ts';
import type { Order } from './order.ts';
import type { OrderBook } from './order-book.ts';
import { findOrders } from './orders.store.ts';
import type { PaymentConclusion } from './payments.ports.ts';

export interface ExpiryOptions {
  readonly database: Database;
  readonly transitions: OrderBook;
  readonly payments: PaymentConclusion;
  readonly clock: Clock;
  readonly currency: Currency;
  readonly onError: OnFailure;
}

/** Small enough that a batch's locks are held for some tens of milliseconds. */
const UNPAID_BATCH_ORDERS = 200;
const BEGUN_BATCH_ORDERS = 192;
/** Orders that are asked about side by side and then ended in one transaction. */
const CHUNK_ORDERS = 16;
/** Chunks at a time: while one waits for Stripe, another is written. */
const CONCURRENT_CHUNKS = 2;
/** After this another sweeper asks again about an order whose sweeper died or whose money is unknown. */
const CLAIM_MS = 15_000;

/** Ends orders whose hold has ended (I3), each by one sweeper. Both resolve true when there may be more. */
export interface OrderExpiry {
  /** Those nobody began to pay, a batch at a time in one transaction. */
  endUnpaid(): Promise<boolean>;
  /** Those with a PaymentIntent, after Stripe was asked: apart, because Stripe may take its time. */
  endBegun(): Promise<boolean>;
}

export function createOrderExpiry(options: ExpiryOptions): OrderExpiry {
  const { database, transitions, clock } = options;
  return {
    async endUnpaid() {
      const ended = await database.transaction(async (tx) => {
        const orders = await lockEndedUnpaid(tx, clock.now(), UNPAID_BATCH_ORDERS);
        return orders.length === 0 ? [] : transitions.cancelAll(tx, orders, 'expired');
      });
      return ended.length === UNPAID_BATCH_ORDERS;
    },
    async endBegun() {
      const now = clock.now();
      const claimed = await claimEnded(database, now, later(now, CLAIM_MS), BEGUN_BATCH_ORDERS);
      const chunks = Array.from({ length: Math.ceil(claimed.length / CHUNK_ORDERS) }, (_, at) =>
        claimed.slice(at * CHUNK_ORDERS, (at + 1) * CHUNK_ORDERS),
      );
      await eachOf(chunks, CONCURRENT_CHUNKS, (chunk) =>
        endChunk(chunk, options).catch((error) => options.onError(error, { orderIds: chunk })),
      );
      return claimed.length === BEGUN_BATCH_ORDERS;
    },
  };
}

async function endChunk(orderIds: readonly OrderId[], options: ExpiryOptions): Promise<void> {
  const orders = await findOrders(options.database, orderIds);
  const unpaid: Order[] = [];
  await eachOf(orders, CHUNK_ORDERS, async (order) => {
    if (order.status === 'pending' && (await isUnpaid(order, options))) unpaid.push(order);
  });
  if (unpaid.length > 0) await cancelConcluded(unpaid, options);
}

/** Unknown counts as paid: the seats stay held, and the claim's end brings the question again. */
async function isUnpaid(order: Order, { payments, onError }: ExpiryOptions): Promise<boolean> {
  try {
    return (await payments.conclude(order)) === 'unpaid';
  } catch (error) {
    onError(error, { orderId: order.orderId, paymentIntentId: order.paymentIntentId });
    return false;
  }
}

/** Cancels under the lock all that were not paid, cancelled or given another PaymentIntent meanwhile. */
function cancelConcluded(
  concluded: readonly Order[],
  { database, transitions }: ExpiryOptions,
): Promise<Order[]> {
  const intents = new Map(concluded.map((order) => [order.orderId, order.paymentIntentId]));
  return database.transaction(async (tx) => {
    const locked = await transitions.lockAll(tx, [...intents.keys()]);
    const ended = locked.filter(
      (order) => order.status === 'pending' && order.paymentIntentId === intents.get(order.orderId),
    );
    return transitions.cancelAll(tx, ended, 'expired');
  });
}
