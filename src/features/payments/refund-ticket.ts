import type { TicketId, UserId } from '../../kernel/ids.ts';
import { type Money, minus, money, smaller, ZERO } from '../../kernel/money.ts';
import type { Transaction } from '../../platform/postgres/database.ts';
import type { Order, OrderBook } from '../orders/index.ts';
import type { PaymentSource } from './payment.ts';
import { firstRefundState, leftOf, paidByPerson } from './refund.ts';
import { lockRefundable, type RefundLedger, savePaymentState } from './refund-ledger.ts';
import { refundsOf } from './refunds.store.ts';
import { sharesOf } from './ticket-share.ts';

/** The refund of a ticket. */
export interface TicketRefund {
  /** Undefined when no refund was written: the ticket cost nothing, or was refunded before. */
  readonly refundId: string | undefined;
  readonly amount: Money;
  /** Amount of the order's payment still refundable. */
  readonly left: Money;
}

/**
 * Writes the refund of a ticket's share of its order's price, once, however often it is called. In the caller's transaction,
 * with the order locked. The caller of the API has handed cash back. Throws `refund_not_possible`.
 */
export async function refundTicket(
  tx: Transaction,
  { orders, ledger }: { readonly orders: Pick<OrderBook, 'ticketsPaid'>; readonly ledger: RefundLedger },
  order: Order,
  ticketId: TicketId,
  by: UserId,
): Promise<TicketRefund> {
  if (order.price === 0) return { refundId: undefined, amount: ZERO, left: ZERO };
  const payment = await lockRefundable(tx, order.orderId);
  const { intentId, source } = payment;
  const refunds = await refundsOf(tx, intentId);
  const left = money(leftOf(payment, refunds));
  const shares = sharesOf(await orders.ticketsPaid(tx, order), order.price, tx.currency.chargeStep);
  const amount = smaller(shares.get(ticketId) ?? ZERO, left);
  const isKnown = refunds.some((refund) => refund.ticketId === ticketId);
  if (isKnown || amount === 0) return { refundId: undefined, amount: ZERO, left };
  const refundId = ledger.newId();
  const facts = { intentId, amountMinor: amount, ticketId, requestedBy: by } as const;
  const words = { origin: 'service', reason: 'a ticket was voided' } as const;
  await ledger.write(tx, { ...facts, ...words, ...ticketRefundState(source, refundId) }, refundId);
  await savePaymentState(tx, payment);
  return { refundId, amount, left: minus(left, amount) };
}

/** The first state of a ticket's refund: cash is handed back over the counter, so that refund is done at once. */
function ticketRefundState(source: PaymentSource, refundId: string) {
  return source === 'cash' ? paidByPerson(refundId, 'cash over the counter') : { state: firstRefundState(source) };
}
