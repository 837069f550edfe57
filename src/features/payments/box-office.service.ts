import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { IdSource, TicketId, UserId } from '../../kernel/ids.ts';
import { type Currency, type Money, minus, money, smaller, ZERO } from '../../kernel/money.ts';
import type { Transaction } from '../../platform/postgres/database.ts';
import type { Order } from '../orders/index.ts';
import type { CountMoney } from './payment.ports.ts';
import {
  byHand,
  cashFor,
  isCash,
  isPaidElsewhere,
  leftOf,
  type PaidTicket,
  sharesOf,
} from './payment.rules.ts';
import { lockApplied, recordMoney, savePaymentState } from './payment.store.ts';
import { moveOn, type WriteRefund } from './refund.service.ts';
import { refundsOf } from './refund.store.ts';

/** In the caller's transaction: the price of an order was taken in cash, and pays for it. */
export type TakeCash = (tx: Transaction, order: Order) => Promise<void>;

/** What of an order's money goes back for a ticket. */
export interface TicketRefund {
  /** Undefined when none is made now: nothing was paid for the ticket, or it was given back before. */
  readonly refundId: string | undefined;
  readonly amount: Money;
  /** Of what was paid for the order, less what went back or is about to. */
  readonly left: Money;
}

/**
 * In the caller's transaction, the order locked: a ticket's share of what was paid becomes due to be given back, once
 * however often that is asked for. Cash was handed back by the one who asks. Throws `refund_not_possible`.
 */
export type GiveBackTicket = (
  tx: Transaction,
  order: Order,
  ticketId: TicketId,
  by: UserId,
) => Promise<TicketRefund>;

/** Port: every ticket that an order's price was for, void or not. */
export type TicketsPaid = (tx: Transaction, order: Order) => Promise<readonly PaidTicket[]>;

export interface TakeCashOptions {
  readonly countMoney: CountMoney;
  readonly clock: Clock;
  readonly currency: Currency;
}

export interface GiveBackTicketOptions {
  readonly writeRefund: WriteRefund;
  readonly ids: IdSource;
  readonly currency: Currency;
  /** Every ticket that an order's price was for, void or not. */
  readonly ticketsPaid: TicketsPaid;
}

export function createTakeCash({ countMoney, clock, currency }: TakeCashOptions): TakeCash {
  return async (tx, { orderId, price }) => {
    const intentId = cashFor(orderId);
    const cash = { intentId, orderId, amountMinor: price, currency: currency.code };
    await recordMoney(tx, cash, clock.now());
    await countMoney(tx, { intentId, taken: price, refunded: 0 });
    await savePaymentState(tx, intentId, 'applied');
  };
}

export function createGiveBackTicket(options: GiveBackTicketOptions): GiveBackTicket {
  const { ids, currency } = options;
  return async (tx, order, ticketId, by) => {
    if (order.price === 0) return { refundId: undefined, amount: ZERO, left: ZERO };
    const payment = await lockApplied(tx, order.orderId);
    if (!payment) {
      throw new AppError('refund_not_possible', 'Nothing pays for this order that could be given back.');
    }
    const { intentId } = payment;
    const refunds = await refundsOf(tx, intentId);
    const left = money(leftOf(payment, refunds));
    const shares = sharesOf(await options.ticketsPaid(tx, order), order.price, currency.chargeStep);
    const amount = smaller(shares.get(ticketId) ?? ZERO, left);
    const isKnown = refunds.some((refund) => refund.ticketId === ticketId);
    if (isKnown || amount === 0) return { refundId: undefined, amount: ZERO, left };
    const refundId = ids.uuid();
    const refund = { refundId, intentId, amountMinor: amount, ticketId, requestedBy: by };
    const counter = isCash(intentId)
      ? { providerId: byHand(refundId, 'cash over the counter') }
      : { isManual: isPaidElsewhere(intentId) };
    const reason = 'a ticket was voided';
    await options.writeRefund(tx, { ...refund, ...counter, origin: 'service', reason });
    await moveOn(tx, payment);
    return { refundId, amount, left: minus(left, amount) };
  };
}
