import { AppError } from '../../kernel/errors.ts';
import { money } from '../../kernel/money.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Database, Transaction } from '../../platform/postgres/database.ts';
import type { Access } from '../access/index.ts';
import type { RecordAction } from '../audit/index.ts';
import type { OrderBook } from '../orders/index.ts';
import { lockPayment } from './payments.store.ts';
import { paidByPerson } from './refund.ts';
import { savePaymentState } from './refund-ledger.ts';
import { findStuckRefund, saveRefundPaid } from './refunds.store.ts';

/** Marks a refund that waits for a person as paid in another way. */
export class MarkRefunded {
  readonly #database: Database;
  readonly #access: Access;
  readonly #orders: OrderBook;
  readonly #recordAction: RecordAction;

  constructor(database: Database, access: Access, orders: OrderBook, recordAction: RecordAction) {
    this.#database = database;
    this.#access = access;
    this.#orders = orders;
    this.#recordAction = recordAction;
  }

  /** `reference` says how the refund was paid. Throws `forbidden`, `payment_not_stuck`. */
  async mark(refundId: string, reference: string, who: Principal): Promise<void> {
    await this.#access.require('payment.repair', who);
    await this.#database.transaction(async (tx) => {
      await this.#markLocked(tx, refundId, reference, who);
      tx.keepAnswer(undefined);
    });
  }

  async #markLocked(tx: Transaction, refundId: string, reference: string, who: Principal): Promise<void> {
    const stuck = await findStuckRefund(tx, refundId);
    const order = stuck && (await this.#orders.lock(tx, stuck.orderId));
    const payment = stuck && (await lockPayment(tx, stuck.intentId));
    const { providerId } = paidByPerson(refundId, reference);
    const isPaid = payment && (await saveRefundPaid(tx, refundId, providerId));
    if (!order || !isPaid) throw new AppError('payment_not_stuck', 'No refund with this id waits for a person.');
    await savePaymentState(tx, payment);
    const amount = tx.currency.toMajor(money(stuck.amountMinor));
    await this.#recordAction(tx, {
      actor: who.userId,
      action: 'refund.settled',
      about: order,
      before: { refund_id: refundId, is_paid_out: false },
      after: { refund_id: refundId, is_paid_out: true, amount },
    });
  }
}
