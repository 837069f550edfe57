import type { Clock, Instant } from '../../kernel/clock.ts';
import type { OrderId, PaymentIntentId } from '../../kernel/ids.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import type { Order } from '../orders/index.ts';
import type { AlignIntent } from './alignment.ts';
import type { ListedIntent, PaymentProvider } from './payment.ports.ts';
import { isByHand, isPaidElsewhere, type Payment, type Refund, type RefundPolicy } from './payment.rules.ts';
import { findPayment, paymentsSince } from './payment.store.ts';
import { refundsOf } from './refund.store.ts';
import { mayComparisonRefund, permitComparisonRefunds } from './takeover.store.ts';

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

export interface Reconciliation {
  /** Intents at the provider and payments here that were compared. */
  readonly compared: number;
  readonly differences: readonly Difference[];
}

export interface ReconcileRequest {
  /**
   * Money for orders that are not here counts, too: another system may share the account, but after the database was
   * brought back from a copy it may be our own.
   */
  readonly lost?: boolean;
  /**
   * Whether money that pays for nothing may be refunded. `never`: it is withheld. `told`: a person allowed it, also for
   * payments that are withheld. `when_permitted`: once a comparison of this database has found none, or a person allowed it.
   */
  readonly refunds?: 'never' | 'told' | 'when_permitted';
}

/** Compares what the provider has since then with what is written here, repairs what can be and reports the rest. */
export type Reconcile = (since: Instant, request?: ReconcileRequest) => Promise<Reconciliation>;

export interface ReconcileOptions {
  readonly database: Executor;
  readonly provider: PaymentProvider;
  readonly align: AlignIntent;
  readonly findOrder: (orderId: OrderId) => Promise<Order | undefined>;
  readonly clock: Clock;
}

/** A comparison under way. */
interface Comparing extends ReconcileOptions {
  readonly policy: RefundPolicy;
}

const PAGE = 500;

export function createReconcile(options: ReconcileOptions): Reconcile {
  const { database, provider, clock } = options;
  return async (since, { lost = false, refunds = 'when_permitted' } = {}) => {
    const comparing = { ...options, policy: await policyOf(refunds, database) };
    const differences: Difference[] = [];
    const seen = new Set<PaymentIntentId>();
    for await (const intent of provider.intentsSince(since)) {
      seen.add(intent.intentId);
      const found =
        (lost && (await lookForLost(intent, options))) || (await compareIntent(intent, comparing));
      if (found) differences.push(found);
    }
    let compared = seen.size;
    for await (const payment of paymentsHere(since, database)) {
      if (seen.has(payment.intentId)) continue;
      compared += 1;
      const found = await comparePayment(payment, comparing);
      if (found) differences.push(found);
    }
    const isWithheld = differences.some((difference) => difference.isWithheld);
    if (refunds === 'told' || (refunds === 'when_permitted' && !isWithheld)) {
      await permitComparisonRefunds(database, clock.now());
    }
    return { compared, differences };
  };
}

async function policyOf(
  refunds: NonNullable<ReconcileRequest['refunds']>,
  database: Executor,
): Promise<RefundPolicy> {
  switch (refunds) {
    case 'told':
      return 'release';
    case 'never':
      return 'withhold';
    case 'when_permitted':
      return (await mayComparisonRefund(database)) ? 'refund' : 'withhold';
    default:
      return refunds satisfies never;
  }
}

async function compareIntent(intent: ListedIntent, comparing: Comparing): Promise<Difference | undefined> {
  const { intentId, orderId } = intent;
  const order = orderId && (await comparing.findOrder(orderId));
  // Another system may share the account.
  if (!orderId || !order) return undefined;
  const payment = await findPayment(comparing.database, intentId);
  if (intent.state !== 'succeeded') {
    return (await closeLeftOpen(intent, order, comparing)) ?? notReceived(payment, orderId);
  }
  const refunds = payment ? await refundsOf(comparing.database, intentId) : [];
  const wrong = payment ? whatDiffers(intent, payment, refunds) : 'money came and was not written down';
  // A charge stays marked as disputed for ever: only its account says whether the dispute is still open. A payment that was
  // assumed is confirmed by its account, so that what is refunded at Stripe from then on voids tickets.
  const isAccountNeeded = intent.isDisputed || payment?.takenOver === 'assumed';
  if (wrong === undefined) return isAccountNeeded ? aligned({ intentId, orderId }, comparing) : undefined;
  const isCorrected = payment?.takenOver === 'assumed' && !isSameMoney(intent, payment);
  if (payment && !isCorrected && !isSameMoney(intent, payment)) {
    return { intentId, orderId, detail: wrong, isRepaired: false };
  }
  return aligned({ intentId, orderId, wrong, isCorrected }, comparing);
}

interface ToAlign {
  readonly intentId: PaymentIntentId;
  readonly orderId: OrderId;
  readonly wrong?: string;
  /** Whether its amount was only assumed, and is corrected by that. */
  readonly isCorrected?: boolean;
}

/** Aligns an intent's payment with the provider, and returns the difference if there was one. */
async function aligned(
  { intentId, orderId, wrong, isCorrected = false }: ToAlign,
  { align, policy }: Comparing,
): Promise<Difference | undefined> {
  const { repaired, withheld } = await align(intentId, policy);
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
  if (!isSameMoney(intent, payment)) {
    const [there, here] = [intent, payment].map(({ currency }) => currency);
    return `${intent.received} ${there} there, ${payment.amountMinor} ${here} here`;
  }
  if (payment.state === 'received') return 'what becomes of the money was left undecided';
  if (payment.state === 'withheld') return 'the money received is withheld until a person allows its refund';
  const done = refunds.filter(({ providerId }) => providerId !== undefined);
  const refunded = done
    .filter((refund) => refund.origin !== 'dispute' && !isByHand(refund))
    .reduce((total, { amountMinor }) => total + amountMinor, 0);
  if (refunded !== intent.refunded) return `${intent.refunded} given back there, ${refunded} here`;
  return undefined;
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
  comparing: Comparing,
): Promise<Difference | undefined> {
  const { intentId, orderId } = payment;
  if (isPaidElsewhere(intentId)) return undefined;
  const intent = await comparing.provider.findIntent(intentId);
  if (intent === undefined) {
    return { intentId, orderId, detail: 'the provider does not know this payment', isRepaired: false };
  }
  if (intent.state !== 'succeeded') return notReceived(payment, orderId);
  return aligned({ intentId, orderId }, comparing);
}
