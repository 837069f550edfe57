import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { Access } from '../access/index.ts';
import { retryEvent } from './inbox.store.ts';
import { retryRefund } from './refunds.store.ts';
import { type StuckRow, stuckPayments } from './stuck.store.ts';

const MAX_LISTED = 200;

/** Refunds and webhooks that used up their tries, for administrators. */
export class StuckPayments {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #access: Access;

  constructor(database: Database, clock: Clock, access: Access) {
    this.#database = database;
    this.#clock = clock;
    this.#access = access;
  }

  /** Lists the oldest first, at most 200. Throws `forbidden`. */
  async list(who: Principal): Promise<StuckRow[]> {
    await this.#access.require('payment.repair', who);
    return stuckPayments(this.#database, MAX_LISTED);
  }

  /** Makes a stuck refund or webhook due at once. Throws `forbidden`, `payment_not_stuck`. */
  async retry(id: string, who: Principal): Promise<void> {
    await this.#access.require('payment.repair', who);
    await this.#database.transaction(async (tx) => {
      const now = this.#clock.now();
      const isStuck = (await retryRefund(tx, id, now)) || (await retryEvent(tx, id, now));
      if (!isStuck) throw new AppError('payment_not_stuck', 'No refund or webhook with this id is stuck.');
      tx.keepAnswer(undefined);
    });
  }
}
