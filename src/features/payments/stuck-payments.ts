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
import {
  findStuckRefund,
  lockStuckRefund,
  retryRefund,
  type StuckRefund,
  saveRefundPaid,
  saveTicketCleared,
} from './refunds.store.ts';
import { type StuckRow, stuckPayments } from './stuck.store.ts';

const MAX_LISTED = 200;

interface StuckNeeds {
  readonly database: Database;
  readonly clock: Clock;
  readonly access: Access;
  readonly orders: OrderBook;
  readonly recordAction: RecordAction;
}

/** Refunds and webhooks that wait for a person, for administrators. */
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

  /**
   * Marks a stuck refund as paid in another way; `reference` says how. One that waits for its ticket to be named is done, and
   * all tickets stay valid. Throws `forbidden`, `payment_not_stuck`.
   */
  async markRefunded(refundId: string, reference: string, who: Principal): Promise<void> {
    await this.#needs.access.require('payment.repair', who);
    // Read outside the transaction: the order is the first that a transaction locks.
    const seen = await findStuckRefund(this.#needs.database, refundId);
    if (!seen) throw notWaiting();
    await this.#needs.database.transaction(async (tx) => {
      await this.#markLocked(tx, refundId, { seen, reference }, who);
      tx.keepAnswer(undefined);
    });
  }

  async #markLocked(
    tx: Transaction,
    refundId: string,
    { seen, reference }: { readonly seen: StuckRefund; readonly reference: string },
    who: Principal,
  ): Promise<void> {
    const order = await this.#needs.orders.lock(tx, seen.orderId);
    const payment = await lockPayment(tx, seen.intentId);
    const stuck = await lockStuckRefund(tx, refundId);
    // A retry, a webhook or another administrator was first: what the person says is about what it was before.
    const isSame = stuck?.state === seen.state && stuck.intentId === seen.intentId;
    if (!order || !payment || !stuck || !isSame) throw notWaiting();
    const isPaid =
      stuck.state !== 'done' && (await saveRefundPaid(tx, refundId, paidByPerson(refundId, reference).providerId));
    const isCleared = await saveTicketCleared(tx, refundId);
    if (!isPaid && !isCleared) throw notWaiting();
    await savePaymentState(tx, payment);
    const isOwnCurrency = payment.currency === tx.currency.code;
    const amount = isOwnCurrency
      ? { amount: tx.currency.toMajor(money(stuck.amountMinor)) }
      : { amount_minor: stuck.amountMinor, currency: payment.currency };
    await this.#needs.recordAction(tx, {
      actor: who.userId,
      action: 'refund.settled',
      about: order,
      before: { refund_id: refundId, is_paid_out: !isPaid },
      after: { refund_id: refundId, is_paid_out: true, ...amount },
    });
  }
}

function notWaiting(): AppError {
  return new AppError('payment_not_stuck', 'No refund with this id waits for a person.');
}
