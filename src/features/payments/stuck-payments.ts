import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { money } from '../../kernel/money.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Database, Transaction } from '../../platform/postgres/database.ts';
import type { Access } from '../access/index.ts';
import type { RecordAction } from '../audit/index.ts';
import type { OrderBook } from '../orders/index.ts';
import { retryEvent } from './inbox.store.ts';
import { lockPayment } from './payments.store.ts';
import { paidByPerson } from './refund.ts';
import { savePaymentState } from './refund-ledger.ts';
import { findStuckRefund, retryRefund, saveRefundPaid } from './refunds.store.ts';
import { type StuckRow, stuckPayments } from './stuck.store.ts';

const MAX_LISTED = 200;

interface StuckNeeds {
  readonly database: Database;
  readonly clock: Clock;
  readonly access: Access;
  readonly orders: OrderBook;
  readonly recordAction: RecordAction;
}

/** Refunds and webhooks that used up their tries, for administrators. */
export class StuckPayments {
  readonly #needs: StuckNeeds;

  constructor(needs: StuckNeeds) {
    this.#needs = needs;
  }

  /** Lists the oldest first, at most 200. Throws `forbidden`. */
  async list(who: Principal): Promise<StuckRow[]> {
    await this.#needs.access.require('payment.repair', who);
    return stuckPayments(this.#needs.database, MAX_LISTED);
  }

  /** Makes a stuck refund or webhook due at once. Throws `forbidden`, `payment_not_stuck`. */
  async retry(id: string, who: Principal): Promise<void> {
    await this.#needs.access.require('payment.repair', who);
    await this.#needs.database.transaction(async (tx) => {
      const now = this.#needs.clock.now();
      const isStuck = (await retryRefund(tx, id, now)) || (await retryEvent(tx, id, now));
      if (!isStuck) throw new AppError('payment_not_stuck', 'No refund or webhook with this id is stuck.');
      tx.keepAnswer(undefined);
    });
  }

  /** Marks a stuck refund as paid in another way; `reference` says how. Throws `forbidden`, `payment_not_stuck`. */
  async markRefunded(refundId: string, reference: string, who: Principal): Promise<void> {
    await this.#needs.access.require('payment.repair', who);
    await this.#needs.database.transaction(async (tx) => {
      await this.#markLocked(tx, refundId, reference, who);
      tx.keepAnswer(undefined);
    });
  }

  async #markLocked(tx: Transaction, refundId: string, reference: string, who: Principal): Promise<void> {
    const stuck = await findStuckRefund(tx, refundId);
    const order = stuck && (await this.#needs.orders.lock(tx, stuck.orderId));
    const payment = stuck && (await lockPayment(tx, stuck.intentId));
    const { providerId } = paidByPerson(refundId, reference);
    const isPaid = payment && (await saveRefundPaid(tx, refundId, providerId));
    if (!order || !isPaid) throw new AppError('payment_not_stuck', 'No refund with this id waits for a person.');
    await savePaymentState(tx, payment);
    const amount = tx.currency.toMajor(money(stuck.amountMinor));
    await this.#needs.recordAction(tx, {
      actor: who.userId,
      action: 'refund.settled',
      about: order,
      before: { refund_id: refundId, is_paid_out: false },
      after: { refund_id: refundId, is_paid_out: true, amount },
    });
  }
}
