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

/** A difference between the provider's account and the payments in the database. */
export interface Difference {
  readonly intentId: PaymentIntentId;
  readonly orderId: OrderId | undefined;
  readonly detail: string;
  /** Whether both agree now; otherwise a person has to act. */
  readonly isRepaired: boolean;
  /** Whether the money waits until a person allows its refund. */
  readonly isWithheld?: boolean;
}

type PaymentOfOrder = Payment & { readonly orderId: OrderId };

const PAGE = 500;

export interface ComparisonNeeds {
  readonly database: Executor;
  readonly stripe: PaymentProvider;
  readonly orders: OrderBook;
  readonly alignPayment: AlignPayment;
}

/** One run of the comparison with the provider. */
export class Comparison {
  readonly #needs: ComparisonNeeds;
  readonly #policy: RefundPolicy;

  constructor(needs: ComparisonNeeds, policy: RefundPolicy) {
    this.#needs = needs;
    this.#policy = policy;
  }

  /** Compares an intent of the provider with its payment in the database. */
  async compareIntent(intent: ListedIntent): Promise<Difference | undefined> {
    const { intentId, orderId } = intent;
    const order = orderId && (await this.#needs.orders.find(this.#needs.database, orderId));
    // Another system may share the account.
    if (!orderId || !order) return undefined;
    const payment = await findPayment(this.#needs.database, intentId);
    if (intent.state !== 'succeeded') {
      return (await this.#closeLeftOpen(intent, order)) ?? notReceived(payment, orderId);
    }
    const refunds = payment ? await refundsOf(this.#needs.database, intentId) : [];
    const wrong = payment ? differenceOf(intent, payment, refunds) : 'money was received and not recorded';
    // A charge stays marked as disputed for ever: only its account says whether the dispute is still open. Reading the account
    // also confirms an assumed payment, so that later refunds at Stripe void tickets.
    const isAccountNeeded = intent.isDisputed || payment?.takenOver === 'assumed';
    if (wrong === undefined) return isAccountNeeded ? this.#align(intentId, orderId) : undefined;
    const isCorrected = payment?.takenOver === 'assumed' && !isSameMoney(intent, payment);
    if (payment && !isCorrected && !isSameMoney(intent, payment)) {
      return { intentId, orderId, detail: wrong, isRepaired: false };
    }
    return this.#align(intentId, orderId, wrong, isCorrected);
  }

  /** Compares a payment whose intent was not listed: the intent is older, or the provider does not have it. */
  async comparePayment(payment: PaymentOfOrder): Promise<Difference | undefined> {
    const { intentId, orderId, source } = payment;
    if (source !== 'stripe') return undefined;
    const intent = await this.#needs.stripe.findIntent(intentId);
    if (intent === undefined) {
      return { intentId, orderId, detail: 'the provider does not know this payment', isRepaired: false };
    }
    if (intent.state !== 'succeeded') return notReceived(payment, orderId);
    return this.#align(intentId, orderId);
  }

  /** Finds money that is not fully refunded and whose order is not in the database: a person has to find out whose it is. */
  async findLostMoney(intent: ListedIntent): Promise<Difference | undefined> {
    const { intentId, orderId, state, received, refunded } = intent;
    const isMoney = state === 'succeeded' ? refunded < received : state !== 'canceled';
    if (!orderId || !isMoney || (await this.#needs.orders.find(this.#needs.database, orderId))) return undefined;
    const detail =
      state === 'succeeded'
        ? `${received - refunded} received in ${intent.currency} for an order that is not in the database: refund it at Stripe`
        : 'it can still be paid, and its order is not in the database: cancel it at Stripe';
    return { intentId, orderId, detail, isRepaired: false };
  }

  /** The payments in the database received since then, a page at a time. */
  async *paymentsSince(since: Instant): AsyncGenerator<PaymentOfOrder> {
    let after = '';
    for (;;) {
      const page = await paymentsSince(this.#needs.database, since, after, PAGE);
      yield* page;
      const last = page.at(-1);
      if (!last || page.length < PAGE) return;
      after = last.intentId;
    }
  }

  /**
   * Aligns an intent's payment with the provider, and returns the difference if there was one. `isCorrected`: the amount was
   * only assumed, and aligning corrects it.
   */
  async #align(
    intentId: PaymentIntentId,
    orderId: OrderId,
    wrong?: string,
    isCorrected = false,
  ): Promise<Difference | undefined> {
    const { repaired, withheld } = await this.#needs.alignPayment.align(intentId, this.#policy);
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

  /** Closes an open intent that no pending order expects: its order has ended, or has a newer intent. */
  async #closeLeftOpen(intent: ListedIntent, order: Order): Promise<Difference | undefined> {
    const { intentId } = intent;
    const isExpected = order.status === 'pending' && order.paymentIntentId === intentId;
    if (intent.state !== 'open' || isExpected) return undefined;
    const closed = await this.#needs.stripe.cancelIntent(intentId);
    return {
      intentId,
      orderId: order.orderId,
      detail: 'it could still be paid, but no pending order expects it',
      isRepaired: closed?.state === 'canceled',
    };
  }
}

/** The difference for an order that the earlier service completed and for which the provider received nothing. */
function notReceived(payment: Payment | undefined, orderId: OrderId): Difference | undefined {
  if (payment?.takenOver !== 'assumed' || payment.state !== 'applied') return undefined;
  const detail =
    'the order is completed, and the provider received nothing for it: it was paid elsewhere, or not at all';
  return { intentId: payment.intentId, orderId, detail, isRepaired: false };
}

function isSameMoney(intent: ListedIntent, payment: Payment): boolean {
  return payment.amountMinor === intent.received && payment.currency === intent.currency;
}

function differenceOf(intent: ListedIntent, payment: Payment, refunds: readonly Refund[]): string | undefined {
  if (!isSameMoney(intent, payment)) {
    const [there, here] = [intent, payment].map(({ currency }) => currency);
    return `${intent.received} ${there} at the provider, ${payment.amountMinor} ${here} in the database`;
  }
  if (payment.state === 'received') return 'the money was received, and nothing was decided about it';
  if (payment.state === 'withheld') return 'the money received is withheld until a person allows its refund';
  const refunded = refunds
    .filter((refund) => refund.state === 'done' && refund.paidBy === 'provider' && refund.origin !== 'dispute')
    .reduce((total, { amountMinor }) => total + amountMinor, 0);
  if (refunded !== intent.refunded) return `${intent.refunded} refunded at the provider, ${refunded} in the database`;
  return undefined;
}
