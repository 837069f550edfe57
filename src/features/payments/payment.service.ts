import type { Clock, Instant } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { OrderId, PaymentIntentId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Database, Transaction } from '../../platform/postgres/database.ts';
import {
  holdMinutesLeft,
  holdStands,
  mayPay,
  type Order,
  type OrderTransitions,
  type PaymentConclusion,
  type PaymentPreparation,
  whyNotPending,
} from '../orders/index.ts';
import type { AlignIntent } from './alignment.ts';
import type { Intent, PaymentProvider } from './payment.ports.ts';
import { intentElsewhere, intentKey, isPaidElsewhere } from './payment.rules.ts';
import { findPayment } from './payment.store.ts';
import type { SettleMoney } from './settlement.ts';

/** What a buyer needs to pay. */
export interface PaymentOffer {
  readonly intent: Intent;
  readonly minutesLeft: number;
  readonly order: Order;
}

export interface PaymentService extends PaymentConclusion, PaymentPreparation {
  /**
   * The order's PaymentIntent, made when there is none that can be paid; for its buyer while the hold stands. An order
   * that costs nothing has none: it is completed instead, because the front end asks for nothing else, and
   * `nothing_to_pay` says so, also when it is asked again.
   * Throws `order_not_found`, `forbidden`, `order_not_pending`, `hold_ended`, `nothing_to_pay`, `order_already_paid`,
   * `payment_refused`, `payments_unavailable`.
   */
  offer(orderId: OrderId, who: Principal): Promise<PaymentOffer>;
  /**
   * Completes a free order, or a paid one whose money is at Stripe; one completed already is answered again.
   * Throws as `offer`, and `payment_missing`, `payment_mismatch`.
   */
  checkOut(orderId: OrderId, who: Principal): Promise<Order>;
  /**
   * Another system took the payment for an order; safe to repeat. Its price counts as received, under the payment's id
   * there; an id of Stripe's is looked up. Throws `order_not_found`, `payment_missing` when Stripe has no such money.
   */
  paidElsewhere(orderId: OrderId, paymentId: string | undefined): Promise<void>;
}

/** What this feature needs of orders beside their transitions. */
export interface OrderRecords {
  find(orderId: OrderId): Promise<Order | undefined>;
  /** False when the order is no longer pending at that price, or has another attempt. */
  attachIntent(order: Order, attempt: number, intentId: PaymentIntentId): Promise<boolean>;
}

export interface PaymentServiceOptions {
  readonly database: Database;
  readonly orders: OrderRecords;
  readonly transitions: OrderTransitions;
  readonly provider: PaymentProvider;
  readonly settleMoney: SettleMoney;
  readonly align: AlignIntent;
  /** Whether the order was paid before this service had it. */
  readonly isTakenOver: (orderId: OrderId) => Promise<boolean>;
  readonly currency: Currency;
  readonly clock: Clock;
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
      for (let attempt = 1; attempt <= MAX_OFFER_ATTEMPTS; attempt += 1) {
        const order = await loadOwn(orderId, who);
        if (order.price === 0 && order.status === 'completed') throw nothingToPay(order);
        refuseUnlessPayable(order, clock.now());
        if (order.price === 0) {
          const completed = await completeFree(order, options);
          if (completed) throw nothingToPay(completed);
          continue;
        }
        const intent = await openIntent(order, options);
        const current = (await orders.find(orderId)) ?? order;
        if (intent === undefined || intent.amount !== current.price) continue;
        refuseUnlessPayable(current, clock.now());
        return { intent, order: current, minutesLeft: holdMinutesLeft(current, clock.now()) };
      }
      throw new AppError('order_changed', 'Another request changed the order meanwhile. Look at it again.');
    },

    async prepare(order) {
      const paymentAttempt = order.paymentAttempt + 1;
      const { intentId } = await createIntent(order, paymentAttempt, options);
      return { paymentIntentId: intentId, paymentAttempt };
    },

    async checkOut(orderId, who) {
      const order = await loadOwn(orderId, who);
      if (order.price === 0 && order.status !== 'completed') {
        refuseUnlessPayable(order, clock.now());
        const completed = await completeFree(order, options, (tx, done) => tx.keepAnswer(done));
        if (completed) return completed;
        throw new AppError('payment_missing', 'The order has not been paid yet.');
      }
      return order.status === 'completed' ? order : checkOutPaid(order, options);
    },

    async paidElsewhere(orderId, paymentId) {
      const order = await orders.find(orderId);
      if (!order) throw new AppError('order_not_found', 'There is no order with this id.');
      const intentId = intentElsewhere(orderId, paymentId);
      if (!isPaidElsewhere(intentId)) {
        const { orderId: known } = await options.align(intentId);
        if (known === orderId) return;
        throw new AppError('payment_missing', 'The payment provider has no such payment for the order.');
      }
      // The earlier service completed the order by this message, which is delivered again.
      if (await options.isTakenOver(orderId)) return;
      // Written down before a process died, it is money whatever the order costs by now.
      const known = await findPayment(options.database, intentId);
      if (order.price === 0 && !known) return completeElsewhere(order, options);
      await options.settleMoney({
        intentId,
        orderId,
        amountMinor: known?.amountMinor ?? order.price,
        currency: options.currency.code,
      });
      // A second payment would be given back; better that there is none.
      await this.conclude(order);
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

/** For a buyer whose order is completed without a payment. */
function nothingToPay({ orderId }: Order): AppError {
  return new AppError(
    'nothing_to_pay',
    `The order costs nothing: it is completed, and its tickets are at /api/order/${orderId}/tickets.`,
  );
}

function refuseUnlessPayable(order: Order, now: Instant): void {
  if (holdStands(order, now)) return;
  const code = order.status === 'pending' ? 'hold_ended' : 'order_not_pending';
  throw new AppError(code, whyNotPending(order.status));
}

/** Each further try starts from what the other request made of the order. */
const MAX_OFFER_ATTEMPTS = 3;

/**
 * The intent of the newest attempt while it can be paid, else that of a new attempt; undefined when the order was
 * changed while Stripe answered. Nobody has heard of the intent by then, so it does no harm.
 */
async function openIntent(order: Order, options: PaymentServiceOptions): Promise<Intent | undefined> {
  const known = order.paymentIntentId && (await options.provider.findIntent(order.paymentIntentId));
  if (known && known.state === 'succeeded' && (await settledOrder(known, order, options))) {
    throw new AppError('order_already_paid', 'The order was paid already; check it out.');
  }
  const payable = known && (known.state === 'open' || known.state === 'processing');
  if (payable && known.amount === order.price) return known;
  // Not at this price: nobody may pay the old one.
  if (payable) await options.provider.cancelIntent(known.intentId);
  const attempt = order.paymentAttempt + 1;
  const intent = await createIntent(order, attempt, options);
  const isAttached = await options.orders.attachIntent(order, attempt, intent.intentId);
  return isAttached ? intent : undefined;
}

function createIntent(
  order: Order,
  attempt: number,
  { provider, currency }: PaymentServiceOptions,
): Promise<Intent> {
  const key = intentKey(order, attempt, order.price);
  return provider.createIntent(order.orderId, order.price, currency, key);
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

/**
 * The order, completed, which `keep` hears of in the transaction; undefined when a change came first, and there is something
 * to pay now.
 */
function completeFree(
  order: Order,
  options: PaymentServiceOptions,
  keep: (tx: Transaction, completed: Order) => void = () => undefined,
): Promise<Order | undefined> {
  const { database, transitions } = options;
  return database.transaction(async (tx) => {
    const locked = await transitions.lock(tx, order.orderId);
    if (!locked) throw new Error(`order ${order.orderId} is gone`);
    const done = locked.status === 'completed' ? locked : await completeLocked(tx, locked, options);
    if (done) keep(tx, done);
    return done;
  });
}

/** An order that costs nothing needs no money; one that has ended stays so. */
async function completeElsewhere(
  { orderId }: Order,
  { database, transitions }: PaymentServiceOptions,
): Promise<void> {
  await database.transaction(async (tx) => {
    const locked = await transitions.lock(tx, orderId);
    if (locked && locked.price === 0) await transitions.complete(tx, locked);
  });
}

async function completeLocked(
  tx: Transaction,
  order: Order,
  { transitions, clock }: PaymentServiceOptions,
): Promise<Order | undefined> {
  refuseUnlessPayable(order, clock.now());
  if (order.price > 0) return undefined;
  const transition = await transitions.complete(tx, order);
  if (transition.outcome === 'changed') return transition.order;
  throw new AppError('order_not_pending', whyNotPending(transition.status));
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
