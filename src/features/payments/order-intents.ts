import { AppError } from '../../kernel/errors.ts';
import type { PaymentIntentId } from '../../kernel/ids.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { Order, OrderBook, PaymentPreparation } from '../orders/index.ts';
import { intentKey } from './payment.ts';
import type { Intent, PaymentProvider } from './payment-provider.ts';
import type { SettlePayment } from './settle-payment.ts';

/** Creates, finds and settles the PaymentIntents of orders. */
export class OrderIntents implements PaymentPreparation {
  readonly #database: Database;
  readonly #stripe: PaymentProvider;
  readonly #orders: OrderBook;
  readonly #settlePayment: SettlePayment;

  constructor(database: Database, stripe: PaymentProvider, orders: OrderBook, settlePayment: SettlePayment) {
    this.#database = database;
    this.#stripe = stripe;
    this.#orders = orders;
    this.#settlePayment = settlePayment;
  }

  /** The newest intent of the order; undefined when it has none, or Stripe does not know it. */
  async find({ paymentIntentId }: Order): Promise<Intent | undefined> {
    return paymentIntentId && this.read(paymentIntentId);
  }

  /** The intent as Stripe has it now; undefined when Stripe does not know it. */
  read(intentId: PaymentIntentId): Promise<Intent | undefined> {
    return this.#stripe.findIntent(intentId);
  }

  /**
   * Returns the intent of the newest attempt while it can be paid, otherwise creates the intent of a new attempt. Undefined
   * when the order was changed while Stripe answered: the new intent is harmless then, because no page received it. Throws
   * `order_already_paid`, `payment_refused`, `payments_unavailable`.
   */
  async open(order: Order): Promise<Intent | undefined> {
    const known = await this.find(order);
    if (known?.state === 'succeeded' && (await this.settle(known, order))) {
      throw new AppError('order_already_paid', 'The order was paid already; check it out to complete it.');
    }
    const payable = known?.state === 'open' || known?.state === 'processing' ? known : undefined;
    const isPrice = payable?.amount === order.price && payable.currency === this.#database.currency.code;
    if (isPrice) return payable;
    // Its amount is another price: it must not be paid any more.
    if (payable) await this.#stripe.cancelIntent(payable.intentId);
    const attempt = order.paymentAttempt + 1;
    const intent = await this.#create(order, attempt);
    const isAttached = await this.#orders.attachIntent(this.#database, order, attempt, intent.intentId);
    return isAttached ? intent : undefined;
  }

  /** Creates the intent of the order's next attempt. Throws `payment_refused`, `payments_unavailable`. */
  async prepare(order: Order) {
    const paymentAttempt = order.paymentAttempt + 1;
    const { intentId } = await this.#create(order, paymentAttempt);
    return { paymentIntentId: intentId, paymentAttempt };
  }

  /** Settles the intent's money. Returns the order if it is completed; undefined if the money is refunded. */
  async settle(intent: Intent, { orderId }: Order): Promise<Order | undefined> {
    const { intentId, received: amountMinor, currency } = intent;
    await this.#settlePayment.settle({ intentId, orderId, source: 'stripe', amountMinor, currency });
    const order = await this.#orders.find(this.#database, orderId);
    return order?.status === 'completed' ? order : undefined;
  }

  #create(order: Order, attempt: number): Promise<Intent> {
    const { orderId, price: amount } = order;
    const { currency } = this.#database;
    return this.#stripe.createIntent({ orderId, amount, currency, key: intentKey(order, attempt, amount) });
  }
}
