import type { Instant } from '../../kernel/clock.ts';
import type { OrderId, PaymentIntentId } from '../../kernel/ids.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import type { Order } from '../orders/order.rules.ts';
import type { AlignIntent } from './alignment.ts';
import type { ListedIntent, PaymentProvider } from './payment.ports.ts';
import { isByHand, isPaidElsewhere, type Payment, type Refund } from './payment.rules.ts';
import { findPayment, paymentsSince } from './payment.store.ts';
import { refundsOf } from './refund.store.ts';

/** One thing in which the provider's account and ours did not agree. */
export interface Difference {
  readonly intentId: PaymentIntentId;
  readonly orderId: OrderId | undefined;
  readonly detail: string;
  /** Whether both agree now; else a person has to look. */
  readonly isRepaired: boolean;
}

export interface Reconciliation {
  /** Intents at the provider and payments here that were compared. */
  readonly compared: number;
  readonly differences: readonly Difference[];
}

/**
 * Compares what the provider has since then with what is written here, repairs what can be and reports the rest. Money
 * for orders that are not here counts only with `lost`: another system may share the account, but after the database was
 * brought back from a copy it may be our own.
 */
export type Reconcile = (since: Instant, options?: { readonly lost: boolean }) => Promise<Reconciliation>;

export interface ReconcileOptions {
  readonly database: Executor;
  readonly provider: PaymentProvider;
  readonly align: AlignIntent;
  readonly findOrder: (orderId: OrderId) => Promise<Order | undefined>;
}

const PAGE = 500;

export function createReconcile(options: ReconcileOptions): Reconcile {
  return async (since, { lost } = { lost: false }) => {
    const differences: Difference[] = [];
    const seen = new Set<PaymentIntentId>();
    for await (const intent of options.provider.intentsSince(since)) {
      seen.add(intent.intentId);
      const found = (lost && (await lookForLost(intent, options))) || (await compareIntent(intent, options));
      if (found) differences.push(found);
    }
    let compared = seen.size;
    for await (const payment of paymentsHere(since, options.database)) {
      if (seen.has(payment.intentId)) continue;
      compared += 1;
      const found = await comparePayment(payment, options);
      if (found) differences.push(found);
    }
    return { compared, differences };
  };
}

async function compareIntent(
  intent: ListedIntent,
  options: ReconcileOptions,
): Promise<Difference | undefined> {
  const { intentId, orderId } = intent;
  const order = orderId && (await options.findOrder(orderId));
  // Another system may share the account.
  if (!orderId || !order) return undefined;
  if (intent.state !== 'succeeded') return closeLeftOpen(intent, order, options);
  const payment = await findPayment(options.database, intentId);
  const refunds = payment ? await refundsOf(options.database, intentId) : [];
  const wrong = payment ? whatDiffers(intent, payment, refunds) : 'money came and was not written down';
  if (wrong === undefined) return intent.isDisputed ? lookAtDispute(intentId, orderId, options) : undefined;
  if (payment && (payment.amountMinor !== intent.received || payment.currency !== intent.currency)) {
    return { intentId, orderId, detail: wrong, isRepaired: false };
  }
  const { repaired } = await options.align(intentId);
  const detail = [wrong, ...repaired].join('; ');
  return { intentId, orderId, detail, isRepaired: repaired.length > 0 };
}

/** Money for an order that is not here, and that was not all given back: for a person, who knows whose it is. */
async function lookForLost(
  { intentId, orderId, state, received, refunded }: ListedIntent,
  { findOrder }: ReconcileOptions,
): Promise<Difference | undefined> {
  const isMoney = state === 'succeeded' ? refunded < received : state !== 'canceled';
  if (!orderId || !isMoney || (await findOrder(orderId))) return undefined;
  const detail =
    state === 'succeeded'
      ? `${received - refunded} received for an order that is not here: give it back at Stripe`
      : 'it can still be paid for an order that is not here: cancel it at Stripe';
  return { intentId, orderId, detail, isRepaired: false };
}

function whatDiffers(intent: ListedIntent, payment: Payment, refunds: readonly Refund[]): string | undefined {
  if (payment.amountMinor !== intent.received || payment.currency !== intent.currency) {
    const [there, here] = [intent, payment].map(({ currency }) => currency);
    return `${intent.received} ${there} there, ${payment.amountMinor} ${here} here`;
  }
  if (payment.state === 'received') return 'what becomes of the money was left undecided';
  const done = refunds.filter(({ providerId }) => providerId !== undefined);
  const refunded = done
    .filter((refund) => refund.origin !== 'dispute' && !isByHand(refund))
    .reduce((total, { amountMinor }) => total + amountMinor, 0);
  if (refunded !== intent.refunded) return `${intent.refunded} given back there, ${refunded} here`;
  return undefined;
}

/** That a charge was disputed stays with it for ever: only its account tells how that stands. */
async function lookAtDispute(
  intentId: PaymentIntentId,
  orderId: OrderId,
  { align }: ReconcileOptions,
): Promise<Difference | undefined> {
  const { repaired } = await align(intentId);
  if (repaired.length === 0) return undefined;
  return { intentId, orderId, detail: repaired.join('; '), isRepaired: true };
}

/** An order that is over, or that another intent is to pay for, cannot be paid any more. */
async function closeLeftOpen(
  intent: ListedIntent,
  order: Order,
  { provider }: ReconcileOptions,
): Promise<Difference | undefined> {
  const { intentId } = intent;
  const isWanted = order.status === 'pending' && order.paymentIntentId === intentId;
  if (intent.state !== 'open' || isWanted) return undefined;
  const closed = await provider.cancelIntent(intentId);
  return {
    intentId,
    orderId: order.orderId,
    detail: 'it could still be paid, but nothing is to be paid by it',
    isRepaired: closed?.state === 'canceled',
  };
}

async function* paymentsHere(
  since: Instant,
  database: Executor,
): AsyncGenerator<Payment & { readonly orderId: OrderId }> {
  let after = '';
  for (;;) {
    const page = await paymentsSince(database, since, after, PAGE);
    yield* page;
    const last = page.at(-1);
    if (!last || page.length < PAGE) return;
    after = last.intentId;
  }
}

/** A payment whose intent is older than what was listed, or is not there at all. */
async function comparePayment(
  payment: Payment & { readonly orderId: OrderId },
  { provider, align }: ReconcileOptions,
): Promise<Difference | undefined> {
  const { intentId, orderId } = payment;
  if (isPaidElsewhere(intentId)) return undefined;
  if ((await provider.findIntent(intentId)) === undefined) {
    return { intentId, orderId, detail: 'the provider does not know this payment', isRepaired: false };
  }
  const { repaired } = await align(intentId);
  return repaired.length > 0
    ? { intentId, orderId, detail: repaired.join('; '), isRepaired: true }
    : undefined;
}
