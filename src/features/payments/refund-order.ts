import { AppError } from '../../kernel/errors.ts';
import type { OrderId } from '../../kernel/ids.ts';
import { type Money, minus, money } from '../../kernel/money.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Database, Transaction } from '../../platform/postgres/database.ts';
import type { Access } from '../access/index.ts';
import type { RecordAction } from '../audit/index.ts';
import type { Order, OrderBook } from '../orders/index.ts';
import { lockApplied } from './payments.store.ts';
import { firstRefundState, leftOf } from './refund.ts';
import { type RefundLedger, savePaymentState } from './refund-ledger.ts';
import { refundsOf } from './refunds.store.ts';
import type { TakenOver } from './taken-over.ts';

export interface RefundRequest {
  /** Undefined: all that is left. */
  readonly amount: Money | undefined;
  /** Undefined: it says who refunded it. */
  readonly reason: string | undefined;
}

export interface RefundIssued {
  readonly refundId: string;
  readonly amount: Money;
  readonly reason: string;
  /** As it is afterwards: cancelled when all is refunded, else as it was. */
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
  readonly #database: Database;
  readonly #access: Access;
  readonly #orders: OrderBook;
  readonly #ledger: RefundLedger;
  readonly #takenOver: TakenOver;
  readonly #recordAction: RecordAction;

  constructor(needs: RefundNeeds) {
    this.#database = needs.database;
    this.#access = needs.access;
    this.#orders = needs.orders;
    this.#ledger = needs.ledger;
    this.#takenOver = needs.takenOver;
    this.#recordAction = needs.recordAction;
  }

  /**
   * Refunds money of a completed order. All that is left cancels the order; a part leaves it and its tickets good. Throws
   * `order_not_found`, `forbidden`, `refund_not_possible`, `payments_unavailable`, `seating_unavailable`.
   */
  async refund(orderId: OrderId, request: RefundRequest, who: Principal): Promise<RefundIssued> {
    const order = await this.#orders.get(this.#database, orderId);
    const role = await this.#access.require('order.refund', who, { event: order.eventId });
    const by = role === 'admin' ? 'an administrator' : 'the organiser';
    const reason = request.reason ?? `given back by ${by}`;
    await this.#takenOver.confirm(orderId);
    return this.#database.transaction(async (tx) => {
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
    const order = await this.#orders.getLocked(tx, orderId);
    const payment = await lockApplied(tx, orderId);
    if (!payment)
      throw new AppError('refund_not_possible', 'Nothing pays for this order that could be given back.');
    const { intentId, source } = payment;
    const left = leftOf(payment, await refundsOf(tx, intentId));
    const amount = wanted ?? money(left);
    requireRefundable(tx, amount, left);
    const refundId = this.#ledger.newId();
    const facts = {
      intentId,
      amountMinor: amount,
      reason,
      requestedBy: who.userId,
      origin: 'service',
    } as const;
    await this.#ledger.write(tx, { ...facts, state: firstRefundState(source) }, refundId);
    const isWhole = (await savePaymentState(tx, payment)) !== 'applied';
    const after = isWhole ? await this.#cancel(tx, order) : order;
    if (!isWhole) await this.#orders.announcePartRefund(tx, order);
    const toMajor = (minor: number) => tx.currency.toMajor(money(minor));
    await this.#recordAction(tx, {
      actor: who.userId,
      action: 'order.refunded',
      about: order,
      before: { status: order.status, left: toMajor(left) },
      after: { status: after.status, left: toMajor(minus(money(left), amount)), refund_id: refundId },
    });
    return { refundId, amount, reason, order: after };
  }

  async #cancel(tx: Transaction, order: Order): Promise<Order> {
    const transition = await this.#orders.cancel(tx, order, 'refunded');
    return transition.outcome === 'changed' ? transition.order : order;
  }
}

/** Throws `refund_not_possible` unless so much is left, and the currency has so small a part. */
function requireRefundable({ currency }: Transaction, amount: Money, left: number): void {
  if (amount > left || left === 0) {
    const most = currency.toMajor(money(left));
    throw new AppError('refund_not_possible', `Of what was paid ${most} is left to give back.`);
  }
  if (amount % currency.chargeStep !== 0) {
    const code = currency.code.toUpperCase();
    throw new AppError(
      'refund_not_possible',
      `The amount has more decimals than can be given back in ${code}.`,
    );
  }
}
