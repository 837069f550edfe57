import { later } from '../../kernel/clock.ts';
import { eachOf } from '../../kernel/concurrency.ts';
import type { OnFailure } from '../../kernel/failures.ts';
import type { OrderId } from '../../kernel/ids.ts';
import type { Core } from '../../platform/core.ts';
import { claimEnded, lockEndedUnpaid } from './expiry.store.ts';
import type { Order } from './order.ts';
import type { OrderBook } from './order-book.ts';
import type { PaymentConclusion } from './payments.ports.ts';

export interface ExpireOrdersNeeds {
  readonly book: OrderBook;
  readonly payments: PaymentConclusion;
  readonly onFailure: OnFailure;
}

/** Small enough that a batch's locks are held for some tens of milliseconds. */
const UNPAID_BATCH_ORDERS = 200;
const INTENT_BATCH_ORDERS = 192;
/** Orders whose payments are closed side by side, and that are then cancelled in one transaction. */
const CHUNK_ORDERS = 16;
/** Chunks under way at a time: while one waits for Stripe, another is written. */
const CONCURRENT_CHUNKS = 2;
/** How long a sweeper has an order alone. After a crash, or when Stripe gave no answer, the next sweeper takes the order. */
const CLAIM_MS = 15_000;

/** Cancels orders whose hold has ended (I3); each is taken by one sweeper. Both turns resolve true when there may be more. */
export class ExpireOrders {
  readonly #needs: ExpireOrdersNeeds;
  readonly #core: Pick<Core, 'database' | 'clock'>;

  constructor(core: Pick<Core, 'database' | 'clock'>, needs: ExpireOrdersNeeds) {
    this.#core = core;
    this.#needs = needs;
  }

  /** Cancels a batch of orders without a PaymentIntent in one transaction. */
  async cancelUnpaid(): Promise<boolean> {
    const ended = await this.#core.database.transaction(async (tx) => {
      const orders = await lockEndedUnpaid(tx, this.#core.clock.now(), UNPAID_BATCH_ORDERS);
      return this.#needs.book.cancelAll(tx, orders, 'expired');
    });
    return ended.length === UNPAID_BATCH_ORDERS;
  }

  /** Cancels orders with a PaymentIntent once Stripe has closed it: a job of its own, because Stripe may be slow. */
  async cancelWithIntent(): Promise<boolean> {
    const now = this.#core.clock.now();
    const claimed = await claimEnded(this.#core.database, now, later(now, CLAIM_MS), INTENT_BATCH_ORDERS);
    const chunks = Array.from({ length: Math.ceil(claimed.length / CHUNK_ORDERS) }, (_, at) =>
      claimed.slice(at * CHUNK_ORDERS, (at + 1) * CHUNK_ORDERS),
    );
    await eachOf(chunks, CONCURRENT_CHUNKS, (chunk) =>
      this.#cancelChunk(chunk).catch((error) => this.#needs.onFailure(error, { orderIds: chunk })),
    );
    return claimed.length === INTENT_BATCH_ORDERS;
  }

  async #cancelChunk(orderIds: readonly OrderId[]): Promise<void> {
    const orders = await this.#needs.book.findAll(this.#core.database, orderIds);
    const unpaid: Order[] = [];
    await eachOf(orders, CHUNK_ORDERS, async (order) => {
      if (order.status === 'pending' && (await this.#isUnpaid(order))) unpaid.push(order);
    });
    if (unpaid.length > 0) await this.#cancelClosed(unpaid);
  }

  /** Unknown counts as paid: the seats stay held, and another sweeper asks again when the claim ends. */
  async #isUnpaid(order: Order): Promise<boolean> {
    try {
      return (await this.#needs.payments.conclude(order)) === 'unpaid';
    } catch (error) {
      this.#needs.onFailure(error, { orderId: order.orderId, paymentIntentId: order.paymentIntentId });
      return false;
    }
  }

  /** Cancels under the lock the orders that are still pending with the PaymentIntent that was closed. */
  #cancelClosed(concluded: readonly Order[]): Promise<Order[]> {
    const intents = new Map(concluded.map((order) => [order.orderId, order.paymentIntentId]));
    return this.#core.database.transaction(async (tx) => {
      const locked = await this.#needs.book.lockAll(tx, [...intents.keys()]);
      const ended = locked.filter(
        (order) => order.status === 'pending' && order.paymentIntentId === intents.get(order.orderId),
      );
      return this.#needs.book.cancelAll(tx, ended, 'expired');
    });
  }
}
