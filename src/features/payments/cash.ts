import type { Instant } from '../../kernel/clock.ts';
import type { Transaction } from '../../platform/postgres/database.ts';
import type { Order } from '../orders/index.ts';
import { cashPaymentId } from './payment.ts';
import type { CountMoney } from './payment-provider.ts';
import { recordMoney, setPaymentState } from './payments.store.ts';

/** Records that the order's price was paid over the counter, in the caller's transaction. */
export async function takeCash(
  tx: Transaction,
  { orderId, price }: Order,
  countMoney: CountMoney,
  at: Instant,
): Promise<void> {
  const intentId = cashPaymentId(orderId);
  const cash = { intentId, orderId, source: 'cash', amountMinor: price, currency: tx.currency.code } as const;
  await recordMoney(tx, cash, at);
  await countMoney(tx, { intentId, taken: price, refunded: 0 });
  await setPaymentState(tx, intentId, 'applied');
}
