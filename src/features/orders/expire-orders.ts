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
  readonly #database: Core['database'];
  readonly #clock: Core['clock'];
  readonly #book: OrderBook;
  readonly #payments: PaymentConclusion;
  readonly #onFailure: OnFailure;

  constructor({ database, clock }: Pick<Core, 'database' | 'clock'>, { book, payments, onFailure }: ExpireOrdersNeeds) {
    this.#database = database;
    this.#clock = clock;
    this.#book = book;
    this.#payments = payments;
    this.#onFailure = onFailure;
  }

  /** Cancels a batch of orders without a PaymentIntent in one transaction. */
  async cancelUnpaid(): Promise<boolean> {
    const ended = await this.#database.transaction(async (tx) => {
      const orders = await lockEndedUnpaid(tx, this.#clock.now(), UNPAID_BATCH_ORDERS);
      return this.#book.cancelAll(tx, orders, 'expired');
    });
    return ended.length === UNPAID_BATCH_ORDERS;
  }

  /** Cancels orders with a PaymentIntent once Stripe has closed it: a job of its own, because Stripe may be slow. */
  async cancelWithIntent(): Promise<boolean> {
    const now = this.#clock.now();
    const claimed = await claimEnded(this.#database, now, later(now, CLAIM_MS), INTENT_BATCH_ORDERS);
    const chunks = Array.from({ length: Math.ceil(claimed.length / CHUNK_ORDERS) }, (_, at) =>
      claimed.slice(at * CHUNK_ORDERS, (at + 1) * CHUNK_ORDERS),
    );
    await eachOf(chunks, CONCURRENT_CHUNKS, (chunk) =>
      this.#cancelChunk(chunk).catch((error) => this.#onFailure(error, { orderIds: chunk })),
    );
    return claimed.length === INTENT_BATCH_ORDERS;
  }

  async #cancelChunk(orderIds: readonly OrderId[]): Promise<void> {
    const orders = await this.#book.findAll(this.#database, orderIds);
    const unpaid: Order[] = [];
    await eachOf(orders, CHUNK_ORDERS, async (order) => {
      if (order.status === 'pending' && (await this.#isUnpaid(order))) unpaid.push(order);
    });
    if (unpaid.length > 0) await this.#cancelClosed(unpaid);
  }

  /** Unknown counts as paid: the seats stay held, and another sweeper asks again when the claim ends. */
  async #isUnpaid(order: Order): Promise<boolean> {
    try {
      return (await this.#payments.conclude(order)) === 'unpaid';
    } catch (error) {
      this.#onFailure(error, { orderId: order.orderId, paymentIntentId: order.paymentIntentId });
      return false;
    }
  }

  /** Cancels under the lock the orders that are still pending with the PaymentIntent that was closed. */
  #cancelClosed(concluded: readonly Order[]): Promise<Order[]> {
    const intents = new Map(concluded.map((order) => [order.orderId, order.paymentIntentId]));
    return this.#database.transaction(async (tx) => {
      const locked = await this.#book.lockAll(tx, [...intents.keys()]);
      const ended = locked.filter(
        (order) => order.status === 'pending' && order.paymentIntentId === intents.get(order.orderId),
      );
      return this.#book.cancelAll(tx, ended, 'expired');
    });
  }
}
