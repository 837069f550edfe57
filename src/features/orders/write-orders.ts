import { createBatches } from '../../kernel/concurrency.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Core } from '../../platform/core.ts';
import type { Writer } from '../../platform/postgres/database.ts';
import { REFUSAL_WORDS } from '../pricing/index.ts';
import { OrderJson } from './json.ts';
import { insertOrder, insertOrders, mustBeWrittenAlone, type NewOrder } from './new-orders.store.ts';
import { type PendingOrder, tooManySeatsHeld } from './order.ts';

/** More statements at a time write no more orders, and fewer orders in a statement cost more for each. */
const STATEMENTS_UNDER_WAY = 2;

export interface WriteOrdersLimits {
  /** Most orders that are written by one statement. */
  readonly ordersPerStatement: number;
  /** Most seats that a user holds in pending orders of a session; 0: no limit. */
  readonly maxHeldSeats: number;
}

/** Writes new orders. Orders that arrive together share a statement. */
export class WriteOrders {
  readonly #database: Core['database'];
  readonly #json: OrderJson;
  readonly #maxHeldSeats: number;
  readonly #insertShared: ((added: NewOrder) => Promise<void>) | undefined;

  constructor(database: Core['database'], { ordersPerStatement, maxHeldSeats }: WriteOrdersLimits) {
    this.#database = database;
    this.#json = new OrderJson(database.currency);
    this.#maxHeldSeats = maxHeldSeats;
    if (ordersPerStatement === 1) return;
    this.#insertShared = createBatches<NewOrder>(
      { size: ordersPerStatement, underWay: STATEMENTS_UNDER_WAY },
      (added) => insertTogether(database, added, maxHeldSeats),
      (added) => this.#insert(database, added),
    );
  }

  /**
   * Writes an order. With an `Idempotency-Key`, the answer to the request is stored in the same transaction. Throws
   * `discount_refused` when its discount is used up, `too_many_seats_held`, and an error that `isSeatTaken` recognises. An order
   * with a discount shares no statement, because every order with that discount waits for the same row.
   */
  async write(order: PendingOrder, maxDiscountUses: number | undefined): Promise<void> {
    const database = this.#database;
    const added = {
      order,
      announcements: this.#json.announcementsOf(undefined, order),
      traceparent: database.traceparent(),
    };
    if (database.isKeyed()) {
      await database.transaction(async (tx) => {
        await this.#insert(tx, added, maxDiscountUses);
        tx.keepAnswer(order);
      });
    } else if (order.discount || !this.#insertShared) {
      await this.#insert(database, added, maxDiscountUses);
    } else {
      await this.#insertShared(added);
    }
  }

  async #insert(executor: Writer, added: NewOrder, maxDiscountUses?: number): Promise<void> {
    const maxHeldSeats = this.#maxHeldSeats;
    const written = await insertOrder(executor, added, { maxDiscountUses, maxHeldSeats });
    if (written === 'used_up') throw new AppError('discount_refused', REFUSAL_WORDS.used_up);
    if (written === 'held_too_many') throw tooManySeatsHeld(maxHeldSeats);
  }
}

/** Returns the orders that are to be written alone. */
async function insertTogether(
  executor: Writer,
  added: readonly NewOrder[],
  maxHeldSeats: number,
): Promise<readonly NewOrder[]> {
  try {
    return await insertOrders(executor, added, maxHeldSeats);
  } catch (error) {
    if (mustBeWrittenAlone(error, added.length)) return added;
    throw error;
  }
}
