import type { Instant } from '../../kernel/clock.ts';
import type { OrderId, PaymentIntentId } from '../../kernel/ids.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import type { Order, OrderBook } from '../orders/index.ts';
import type { AlignPayment } from './align-payment.ts';
import type { Payment, RefundPolicy } from './payment.ts';
import type { ListedIntent, PaymentProvider } from './payment-provider.ts';
import { findPayment, paymentsSince } from './payments.store.ts';
import type { Refund } from './refund.ts';
import { refundsOf } from './refunds.store.ts';

/** One thing in which the provider's account and ours did not agree. */
export interface Difference {
  readonly intentId: PaymentIntentId;
  readonly orderId: OrderId | undefined;
  readonly detail: string;
  /** Whether both agree now; else a person has to look. */
  readonly isRepaired: boolean;
  /** Money that is refunded only when a person allows it. */
  readonly isWithheld?: boolean;
}

type PaymentOfOrder = Payment & { readonly orderId: OrderId };

const PAGE = 500;

/** One comparison with the provider under way. */
export class Comparison {
  readonly #database: Executor;
  readonly #stripe: PaymentProvider;
  readonly #orders: OrderBook;
  readonly #alignPayment: AlignPayment;
  readonly #policy: RefundPolicy;

  constructor(
    database: Executor,
    stripe: PaymentProvider,
    orders: OrderBook,
    alignPayment: AlignPayment,
    policy: RefundPolicy,
  ) {
    this.#database = database;
    this.#stripe = stripe;
    this.#orders = orders;
    this.#alignPayment = alignPayment;
    this.#policy = policy;
  }

  /** Compares an intent of the provider with its payment here. */
  async compareIntent(intent: ListedIntent): Promise<Difference | undefined> {
    const { intentId, orderId } = intent;
    const order = orderId && (await this.#orders.find(this.#database, orderId));
    // Another system may share the account.
    if (!orderId || !order) return undefined;
    const payment = await findPayment(this.#database, intentId);
    if (intent.state !== 'succeeded') {
      return (await this.#closeLeftOpen(intent, order)) ?? notReceived(payment, orderId);
    }
    const refunds = payment ? await refundsOf(this.#database, intentId) : [];
    const wrong = payment ? whatDiffers(intent, payment, refunds) : 'money came and was not written down';
    // A charge stays marked as disputed for ever: only its account says whether the dispute is still open. A payment that was
    // assumed is confirmed by its account, so that what is refunded at Stripe from then on voids tickets.
    const isAccountNeeded = intent.isDisputed || payment?.takenOver === 'assumed';
    if (wrong === undefined) return isAccountNeeded ? this.#align(intentId, orderId) : undefined;
    const isCorrected = payment?.takenOver === 'assumed' && !isSameMoney(intent, payment);
    if (payment && !isCorrected && !isSameMoney(intent, payment)) {
      return { intentId, orderId, detail: wrong, isRepaired: false };
    }
    return this.#align(intentId, orderId, wrong, isCorrected);
  }

  /** Compares a payment whose intent is older than what was listed, or is not there at all. */
  async comparePayment(payment: PaymentOfOrder): Promise<Difference | undefined> {
    const { intentId, orderId, source } = payment;
    if (source !== 'stripe') return undefined;
    const intent = await this.#stripe.findIntent(intentId);
    if (intent === undefined) {
      return { intentId, orderId, detail: 'the provider does not know this payment', isRepaired: false };
    }
    if (intent.state !== 'succeeded') return notReceived(payment, orderId);
    return this.#align(intentId, orderId);
  }

  /** Money for an order that is not here, and that was not all refunded: for a person, who knows whose it is. */
  async lookForLost(intent: ListedIntent): Promise<Difference | undefined> {
    const { intentId, orderId, state, received, refunded } = intent;
    const isMoney = state === 'succeeded' ? refunded < received : state !== 'canceled';
    if (!orderId || !isMoney || (await this.#orders.find(this.#database, orderId))) return undefined;
    const detail =
      state === 'succeeded'
        ? `${received - refunded} received for an order that is not here: give it back at Stripe`
        : 'it can still be paid for an order that is not here: cancel it at Stripe';
    return { intentId, orderId, detail, isRepaired: false };
  }

  /** The payments received here since then, a page at a time. */
  async *paymentsSince(since: Instant): AsyncGenerator<PaymentOfOrder> {
    let after = '';
    for (;;) {
      const page = await paymentsSince(this.#database, since, after, PAGE);
      yield* page;
      const last = page.at(-1);
      if (!last || page.length < PAGE) return;
      after = last.intentId;
    }
  }

  /**
   * Aligns an intent's payment with the provider, and returns the difference if there was one. `isCorrected`: its amount
   * was only assumed, and is corrected by that.
   */
  async #align(
    intentId: PaymentIntentId,
    orderId: OrderId,
    wrong?: string,
    isCorrected = false,
  ): Promise<Difference | undefined> {
    const { repaired, withheld } = await this.#alignPayment.align(intentId, this.#policy);
    const waits = withheld === undefined ? [] : [`it is refunded only when a person allows it: ${withheld}`];
    const detail = [...(wrong === undefined ? [] : [wrong]), ...repaired, ...waits].join('; ');
    if (detail === '') return undefined;
    const isWithheld = withheld !== undefined;
    return {
      intentId,
      orderId,
      detail,
      isRepaired: (isCorrected || repaired.length > 0) && !isWithheld,
      ...(isWithheld ? { isWithheld } : {}),
    };
  }

  /** An order that is over, or that another intent is to pay for, cannot be paid any more. */
  async #closeLeftOpen(intent: ListedIntent, order: Order): Promise<Difference | undefined> {
    const { intentId } = intent;
    const isExpected = order.status === 'pending' && order.paymentIntentId === intentId;
    if (intent.state !== 'open' || isExpected) return undefined;
    const closed = await this.#stripe.cancelIntent(intentId);
    return {
      intentId,
      orderId: order.orderId,
      detail: 'it could still be paid, but nothing is to be paid by it',
      isRepaired: closed?.state === 'canceled',
    };
  }
}

/** An order that was completed before this service had it, and for which the provider received nothing. */
function notReceived(payment: Payment | undefined, orderId: OrderId): Difference | undefined {
  if (payment?.takenOver !== 'assumed' || payment.state !== 'applied') return undefined;
  const detail =
    'the order is completed, and the provider received nothing for it: it was paid elsewhere, or not at all';
  return { intentId: payment.intentId, orderId, detail, isRepaired: false };
}

function isSameMoney(intent: ListedIntent, payment: Payment): boolean {
  return payment.amountMinor === intent.received && payment.currency === intent.currency;
}

function whatDiffers(intent: ListedIntent, payment: Payment, refunds: readonly Refund[]): string | undefined {
  if (!isSameMoney(intent, payment)) {
    const [there, here] = [intent, payment].map(({ currency }) => currency);
    return `${intent.received} ${there} there, ${payment.amountMinor} ${here} here`;
  }
  if (payment.state === 'received') return 'what becomes of the money was left undecided';
  if (payment.state === 'withheld') return 'the money received is withheld until a person allows its refund';
  const refunded = refunds
    .filter(
      (refund) => refund.state === 'done' && refund.paidBy === 'provider' && refund.origin !== 'dispute',
    )
    .reduce((total, { amountMinor }) => total + amountMinor, 0);
  if (refunded !== intent.refunded) return `${intent.refunded} given back there, ${refunded} here`;
  return undefined;
}
