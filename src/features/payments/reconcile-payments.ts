import type { Clock, Instant } from '../../kernel/clock.ts';
import type { PaymentIntentId } from '../../kernel/ids.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import { Comparison, type ComparisonNeeds, type Difference } from './comparison.ts';
import type { RefundPolicy } from './payment.ts';
import { mayComparisonRefund, permitComparisonRefunds } from './taken-over.store.ts';

export interface Reconciliation {
  /** Number of intents and payments that were compared. */
  readonly compared: number;
  readonly differences: readonly Difference[];
}

export interface ReconcileRequest {
  /**
   * Also report money for orders that are not in the database. It may belong to another system that shares the account, or,
   * after the database was restored from a backup, to this service.
   */
  readonly lost?: boolean;
  /**
   * Whether money that pays for no order may be refunded. `never`: it is withheld. `allowed`: a person allowed it, also for
   * withheld payments. `when_permitted`: after a comparison that withheld nothing, or once a person has allowed it.
   */
  readonly refunds?: 'never' | 'allowed' | 'when_permitted';
}

/** See `reconcilePayments`. */
export type Reconcile = (since: Instant, request?: ReconcileRequest) => Promise<Reconciliation>;

/**
 * Compares the payments since then with the provider's account, repairs differences where it can, and returns each one.
 * Throws `payments_unavailable`.
 */
export async function reconcilePayments(
  needs: ComparisonNeeds & { readonly clock: Clock },
  since: Instant,
  { lost = false, refunds = 'when_permitted' }: ReconcileRequest = {},
): Promise<Reconciliation> {
  const { database, clock, stripe } = needs;
  const comparison = new Comparison(needs, await policyOf(refunds, database));
  const differences: Difference[] = [];
  const seen = new Set<PaymentIntentId>();
  for await (const intent of stripe.intentsSince(since)) {
    seen.add(intent.intentId);
    const found = (lost && (await comparison.findLostMoney(intent))) || (await comparison.compareIntent(intent));
    if (found) differences.push(found);
  }
  let compared = seen.size;
  for await (const payment of comparison.paymentsSince(since)) {
    if (seen.has(payment.intentId)) continue;
    compared += 1;
    const found = await comparison.comparePayment(payment);
    if (found) differences.push(found);
  }
  const isWithheld = differences.some((difference) => difference.isWithheld);
  if (refunds === 'allowed' || (refunds === 'when_permitted' && !isWithheld)) {
    await permitComparisonRefunds(database, clock.now());
  }
  return { compared, differences };
}

async function policyOf(refunds: NonNullable<ReconcileRequest['refunds']>, database: Executor): Promise<RefundPolicy> {
  switch (refunds) {
    case 'allowed':
      return 'release';
    case 'never':
      return 'withhold';
    case 'when_permitted':
      return (await mayComparisonRefund(database)) ? 'refund' : 'withhold';
    default:
      return refunds satisfies never;
  }
}
