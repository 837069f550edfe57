import type { Clock } from '../../kernel/clock.ts';
import type { Transaction } from '../../platform/postgres/database.ts';
import type { Order } from '../orders/index.ts';
import { cashPaymentId } from './payment.ts';
import type { CountMoney } from './payment-provider.ts';
import { recordMoney, setPaymentState } from './payments.store.ts';

/** Records orders that are paid in cash. */
export class TakeCash {
  readonly #countMoney: CountMoney;
  readonly #clock: Clock;

  constructor(countMoney: CountMoney, clock: Clock) {
    this.#countMoney = countMoney;
    this.#clock = clock;
  }

  /** Records that the order's price was paid over the counter, in the caller's transaction. */
  async take(tx: Transaction, { orderId, price }: Order): Promise<void> {
    const intentId = cashPaymentId(orderId);
    const currency = tx.currency.code;
    const cash = { intentId, orderId, source: 'cash', amountMinor: price, currency } as const;
    await recordMoney(tx, cash, this.#clock.now());
    await this.#countMoney(tx, { intentId, taken: price, refunded: 0 });
    await setPaymentState(tx, intentId, 'applied');
  }
}
