import { AppError } from '../../kernel/errors.ts';
import type { OrderId } from '../../kernel/ids.ts';
import type { Database, Transaction } from '../../platform/postgres/database.ts';
import type { Order } from '../orders/index.ts';
import type { AlignPayment } from './align-payment.ts';
import { lockApplied } from './payments.store.ts';
import type { RefundLedger } from './refund-ledger.ts';
import { takenOverPayment, wasRefunded } from './taken-over.store.ts';

/** Payments of orders that the earlier service completed. */
export class TakenOver {
  readonly #database: Database;
  readonly #alignPayment: AlignPayment;
  readonly #ledger: RefundLedger;

  constructor(database: Database, alignPayment: AlignPayment, ledger: RefundLedger) {
    this.#database = database;
    this.#alignPayment = alignPayment;
    this.#ledger = ledger;
  }

  /** Whether the earlier service has the payment of the order. */
  async has(orderId: OrderId): Promise<boolean> {
    return (await takenOverPayment(this.#database, orderId)) !== undefined;
  }

  /**
   * Reads the provider's account of the order's payment if the payment is only assumed, so that a refund starts from the real
   * amount. Throws `payments_unavailable`.
   */
  async confirm(orderId: OrderId): Promise<void> {
    const payment = await takenOverPayment(this.#database, orderId);
    if (payment?.takenOver === 'assumed' && payment.source === 'stripe') {
      await this.#alignPayment.align(payment.intentId);
    }
  }

  /**
   * Writes a refund of all that is left of a completed order's payment, in the caller's transaction. Throws
   * `refund_not_possible` when the order's payment is not known: its money must not be kept without notice.
   */
  async refundOrder(tx: Transaction, { orderId, price, paymentIntentId }: Order, reason: string): Promise<void> {
    const payment = await lockApplied(tx, orderId);
    if (payment) {
      await this.#ledger.refundRest(tx, payment, reason);
    } else if (price > 0 && !(await wasRefunded(tx, orderId, paymentIntentId))) {
      const detail = 'The payment of this order is not known, so it cannot be refunded. Run npm run reconcile first.';
      throw new AppError('refund_not_possible', detail);
    }
  }
}
