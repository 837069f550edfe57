import { AppError } from '../../kernel/errors.ts';
import type { OrderId } from '../../kernel/ids.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { OrderBook } from '../orders/index.ts';
import type { AlignPayment } from './align-payment.ts';
import type { ClosePayment } from './close-payment.ts';
import { readReference } from './payment.ts';
import { findPayment } from './payments.store.ts';
import type { SettlePayment } from './settle-payment.ts';
import type { TakenOver } from './taken-over.ts';

interface ExternalPaymentNeeds {
  readonly database: Database;
  readonly orders: OrderBook;
  readonly settlePayment: SettlePayment;
  readonly alignPayment: AlignPayment;
  readonly closePayment: ClosePayment;
  readonly takenOver: TakenOver;
}

/**
 * Records the order's price as received, under another system's payment id. A payment id of Stripe is looked up there
 * instead. Safe to repeat. Throws `order_not_found`, `payment_missing` when Stripe has no such money, `payments_unavailable`.
 */
export async function takeExternalPayment(
  { database, orders, settlePayment, alignPayment, closePayment, takenOver }: ExternalPaymentNeeds,
  orderId: OrderId,
  paymentId: string | undefined,
): Promise<void> {
  const order = await orders.get(database, orderId);
  const { source, intentId } = readReference(orderId, paymentId);
  if (source === 'stripe') {
    const { orderId: known } = await alignPayment.align(intentId);
    if (known === orderId) return;
    throw new AppError('payment_missing', 'Stripe has no successful payment with this id for the order.');
  }
  // A redelivered message, by which the earlier service completed the order.
  if (await takenOver.has(orderId)) return;
  // Money recorded before a crash counts whatever the order costs now.
  const known = await findPayment(database, intentId);
  if (order.price === 0 && !known) {
    // An order that has ended stays ended.
    return database.transaction(async (tx) => {
      const locked = await orders.lock(tx, orderId);
      if (locked?.price === 0) await orders.complete(tx, locked);
    });
  }
  const amountMinor = known?.amountMinor ?? order.price;
  await settlePayment.settle({ intentId, orderId, source, amountMinor, currency: database.currency.code });
  // Closing the PaymentIntent avoids a second payment, which would be refunded.
  await closePayment.conclude(order);
}
