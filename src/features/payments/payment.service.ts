import type { Clock, Instant } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { OrderId, PaymentIntentId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Database } from '../../platform/postgres/database.ts';
import { mayPay } from '../orders/order.access.rules.ts';
import { holdMinutesLeft, holdStands, type Order, whyNotPending } from '../orders/order.rules.ts';
import type { PaymentConclusion } from '../orders/order.service.ts';
import type { OrderTransitions } from '../orders/order.transitions.ts';
import type { Intent, PaymentProvider } from './payment.ports.ts';
import { intentKey } from './payment.rules.ts';
import type { SettleMoney } from './settlement.ts';

/** What a buyer needs to pay. */
export interface PaymentOffer {
  readonly intent: Intent;
  readonly minutesLeft: number;
  readonly order: Order;
}

export interface PaymentService extends PaymentConclusion {
  /**
   * The order's PaymentIntent, made when there is none that can be paid; for its buyer while the hold stands.
   * Throws `order_not_found`, `forbidden`, `order_not_pending`, `hold_ended`, `nothing_to_pay`, `order_already_paid`,
   * `payment_refused`, `payments_unavailable`.
   */
  offer(orderId: OrderId, who: Principal): Promise<PaymentOffer>;
  /**
   * Completes a free order, or a paid one whose money is at Stripe; one completed already is answered again.
   * Throws as `offer`, and `payment_missing`, `payment_mismatch`.
   */
  checkOut(orderId: OrderId, who: Principal): Promise<Order>;
}

/** What this feature needs of orders beside their transitions. */
export interface OrderRecords {
  find(orderId: OrderId): Promise<Order | undefined>;
  attachIntent(orderId: OrderId, attempt: number, intentId: PaymentIntentId): Promise<boolean>;
}

export interface PaymentServiceOptions {
  readonly database: Database;
  readonly orders: OrderRecords;
  readonly transitions: OrderTransitions;
  readonly provider: PaymentProvider;
  readonly settleMoney: SettleMoney;
  readonly currency: Currency;
  readonly clock: Clock;
  readonly onCommitted: () => void;
}

export function createPaymentService(options: PaymentServiceOptions): PaymentService {
  const { orders, provider, clock } = options;

  async function loadOwn(orderId: OrderId, who: Principal): Promise<Order> {
    const order = await orders.find(orderId);
    if (!order) throw new AppError('order_not_found', 'There is no order with this id.');
    if (!mayPay(order, who)) throw new AppError('forbidden', 'This order is not yours.');
    return order;
  }

  return {
    async offer(orderId, who) {
      const order = await loadOwn(orderId, who);
      refuseUnlessPayable(order, clock.now());
      if (order.price === 0) {
        throw new AppError('nothing_to_pay', 'The order costs nothing; check it out without a payment.');
      }
      const intent = await openIntent(order, options);
      const current = (await orders.find(orderId)) ?? order;
      return { intent, order: current, minutesLeft: holdMinutesLeft(current, clock.now()) };
    },

    async checkOut(orderId, who) {
      const order = await loadOwn(orderId, who);
      if (order.status === 'completed') return order;
      if (order.price > 0) return checkOutPaid(order, options);
      refuseUnlessPayable(order, clock.now());
      return completeFree(order, options);
    },

    async conclude(order) {
      if (order.paymentIntentId === undefined) return 'unpaid';
      try {
        const intent = await provider.cancelIntent(order.paymentIntentId);
        if (intent === undefined || intent.state === 'canceled') return 'unpaid';
        if (intent.state !== 'succeeded') return 'unknown';
        return (await settledOrder(intent, order, options)) ? 'paid' : 'unpaid';
      } catch (error) {
        if (error instanceof AppError && error.code === 'payments_unavailable') return 'unknown';
        throw error;
      }
    },
  };
}

function refuseUnlessPayable(order: Order, now: Instant): void {
  if (holdStands(order, now)) return;
  const code = order.status === 'pending' ? 'hold_ended' : 'order_not_pending';
  throw new AppError(code, whyNotPending(order.status));
}

/** The intent of the newest attempt while it can be paid, else that of a new attempt. */
async function openIntent(order: Order, options: PaymentServiceOptions): Promise<Intent> {
  const known = order.paymentIntentId && (await options.provider.findIntent(order.paymentIntentId));
  if (known && known.state === 'succeeded' && (await settledOrder(known, order, options))) {
    throw new AppError('order_already_paid', 'The order was paid already; check it out.');
  }
  const payable = known && (known.state === 'open' || known.state === 'processing');
  if (payable && known.amount === order.price) return known;
  const attempt = order.paymentAttempt + 1;
  const key = intentKey(order, attempt, order.price);
  const intent = await options.provider.createIntent(order.orderId, order.price, options.currency, key);
  if (await options.orders.attachIntent(order.orderId, attempt, intent.intentId)) return intent;
  // The order ended while Stripe answered: nobody may pay for it any more.
  await options.provider.cancelIntent(intent.intentId);
  throw new AppError('order_not_pending', 'The order ended meanwhile; place a new one.');
}

/** Asks Stripe, because the buyer's page comes back before the webhook does. */
async function checkOutPaid(order: Order, options: PaymentServiceOptions): Promise<Order> {
  const intent = order.paymentIntentId && (await options.provider.findIntent(order.paymentIntentId));
  if (intent && intent.state === 'succeeded') {
    const settled = await settledOrder(intent, order, options);
    if (settled) return settled;
    throw new AppError('payment_mismatch', 'The payment could not be used for this order; it is given back.');
  }
  if (order.status !== 'pending') throw new AppError('order_not_pending', whyNotPending(order.status));
  const declined = intent ? intent.lastDecline : undefined;
  throw new AppError(
    'payment_missing',
    declined ? `The payment did not go through: ${declined}` : 'The order has not been paid yet.',
  );
}

async function completeFree(order: Order, options: PaymentServiceOptions): Promise<Order> {
  const { database, transitions } = options;
  const completed = await database.transaction(async (tx) => {
    const locked = await transitions.lock(tx, order.orderId);
    if (!locked || locked.status === 'completed') return locked;
    const transition = await transitions.complete(tx, locked);
    if (transition.outcome === 'changed') return transition.order;
    throw new AppError('order_not_pending', whyNotPending(transition.status));
  });
  options.onCommitted();
  return completed ?? order;
}

/** The order when the intent's money completed it, now or before; undefined when the money is given back. */
async function settledOrder(
  intent: Intent,
  { orderId }: Order,
  { settleMoney, orders }: PaymentServiceOptions,
): Promise<Order | undefined> {
  const { intentId, received: amountMinor, currency } = intent;
  await settleMoney({ intentId, orderId, amountMinor, currency });
  const order = await orders.find(orderId);
  return order?.status === 'completed' ? order : undefined;
}
