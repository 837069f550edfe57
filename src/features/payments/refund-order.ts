import { AppError } from '../../kernel/errors.ts';
import type { OrderId } from '../../kernel/ids.ts';
import { type Money, minus, money } from '../../kernel/money.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Database, Transaction } from '../../platform/postgres/database.ts';
import type { Access } from '../access/index.ts';
import type { RecordAction } from '../audit/index.ts';
import type { Order, OrderBook } from '../orders/index.ts';
import { firstRefundState, leftOf } from './refund.ts';
import { lockRefundable, type RefundLedger, savePaymentState } from './refund-ledger.ts';
import { refundsOf } from './refunds.store.ts';
import type { TakenOver } from './taken-over.ts';

export interface RefundRequest {
  /** Undefined: refund all that is left. */
  readonly amount: Money | undefined;
  /** Undefined: the reason says who refunded the order. */
  readonly reason: string | undefined;
}

export interface RefundIssued {
  readonly refundId: string;
  readonly amount: Money;
  readonly reason: string;
  /** The order afterwards: cancelled when all is refunded, otherwise unchanged. */
  readonly order: Order;
}

interface RefundNeeds {
  readonly database: Database;
  readonly access: Access;
  readonly orders: OrderBook;
  readonly ledger: RefundLedger;
  readonly takenOver: TakenOver;
  readonly recordAction: RecordAction;
}

/** Refunds an order, whole or in part, for the organiser of its event and administrators. */
export class RefundOrder {
  readonly #needs: RefundNeeds;

  constructor(needs: RefundNeeds) {
    this.#needs = needs;
  }

  /**
   * Refunds money of a completed order. Refunding all that is left cancels the order; a part leaves its tickets valid. Throws
   * `order_not_found`, `forbidden`, `refund_not_possible`, `payments_unavailable`, `seating_unavailable`.
   */
  async refund(orderId: OrderId, request: RefundRequest, who: Principal): Promise<RefundIssued> {
    const order = await this.#needs.orders.get(this.#needs.database, orderId);
    const role = await this.#needs.access.require('order.refund', who, { owner: order.userId, event: order.eventId });
    const by = role === 'admin' ? 'an administrator' : 'the organiser';
    const reason = request.reason ?? `refunded by ${by}`;
    await this.#needs.takenOver.confirm(orderId);
    return this.#needs.database.transaction(async (tx) => {
      const issued = await this.#refundLocked(tx, orderId, { ...request, reason }, who);
      tx.keepAnswer(issued);
      return issued;
    });
  }

  async #refundLocked(
    tx: Transaction,
    orderId: OrderId,
    { amount: wanted, reason }: RefundRequest & { readonly reason: string },
    who: Principal,
  ): Promise<RefundIssued> {
    const order = await this.#needs.orders.getLocked(tx, orderId);
    const payment = await lockRefundable(tx, orderId);
    const { intentId, source } = payment;
    const left = leftOf(payment, await refundsOf(tx, intentId));
    const amount = wanted ?? money(left);
    requireRefundable(tx, amount, left);
    const refundId = this.#needs.ledger.newId();
    const facts = { intentId, amountMinor: amount, reason, requestedBy: who.userId, origin: 'service' } as const;
    await this.#needs.ledger.write(tx, { ...facts, state: firstRefundState(source) }, refundId);
    const isWhole = (await savePaymentState(tx, payment)) !== 'applied';
    const after = isWhole ? await this.#cancel(tx, order) : order;
    if (!isWhole) await this.#needs.orders.announcePartRefund(tx, order);
    const toMajor = (minor: number) => tx.currency.toMajor(money(minor));
    await this.#needs.recordAction(tx, {
      actor: who.userId,
      action: 'order.refunded',
      about: order,
      before: { status: order.status, left: toMajor(left) },
      after: { status: after.status, left: toMajor(minus(money(left), amount)), refund_id: refundId },
    });
    return { refundId, amount, reason, order: after };
  }

  async #cancel(tx: Transaction, order: Order): Promise<Order> {
    const transition = await this.#needs.orders.cancel(tx, order, 'refunded');
    return transition.outcome === 'changed' ? transition.order : order;
  }
}

/** Throws `refund_not_possible` unless so much is left and the currency can be charged in such an amount. */
function requireRefundable({ currency }: Transaction, amount: Money, left: number): void {
  if (amount > left || left === 0) {
    const most = currency.toMajor(money(left));
    throw new AppError('refund_not_possible', `Only ${most} of the payment is left to refund. Refund at most that.`);
  }
  if (amount % currency.chargeStep !== 0) {
    const code = currency.code.toUpperCase();
    throw new AppError('refund_not_possible', `The amount has more decimals than can be refunded in ${code}.`);
  }
}
