import { type Instant, toRfc3339 } from '../../kernel/clock.ts';
import type { OrderId, PaymentIntentId } from '../../kernel/ids.ts';
import type { Executor, Writer } from '../../platform/postgres/database.ts';
import { MAX_APPLY_ATTEMPTS } from './inbox.store.ts';
import { MAX_REFUND_ATTEMPTS } from './refund.store.ts';

/** Work with money that was tried as often as it may be, and waits for a person. */
export interface StuckRow {
  readonly kind: 'refund' | 'webhook';
  /** Our id of a refund, Stripe's of a webhook's event. */
  readonly id: string;
  readonly order_id: OrderId | null;
  readonly payment_intent_id: PaymentIntentId | null;
  readonly amount_minor: number | null;
  readonly currency: string | null;
  readonly attempts: number;
  readonly last_error: string | null;
  readonly received_at: Instant;
}

const STUCK = {
  name: 'payments-stuck',
  text: `
    SELECT 'refund' AS kind, r.refund_id::text AS id, p.order_id, r.payment_intent_id, r.amount_minor, p.currency,
           r.attempts, r.last_error, r.created_at AS received_at
      FROM refunds r JOIN payments p USING (payment_intent_id)
     WHERE r.provider_id IS NULL AND r.attempts >= ${MAX_REFUND_ATTEMPTS}
    UNION ALL
    SELECT 'webhook', event_id, order_id, payment_intent_id, amount_minor, currency, attempts, last_error, received_at
      FROM stripe_inbox WHERE applied_at IS NULL AND attempts >= ${MAX_APPLY_ATTEMPTS}
     ORDER BY received_at LIMIT $1`,
};

/** The oldest of them, at most `limit`. */
export function stuckPayments(executor: Executor, limit: number): Promise<StuckRow[]> {
  return executor.rows<StuckRow>(STUCK, [limit]);
}

const TRY_AGAIN = {
  name: 'payments-try-again',
  text: `
    WITH refund AS (
      UPDATE refunds SET attempts = 1, next_attempt_at = $2::timestamptz
       WHERE refund_id::text = $1 AND provider_id IS NULL AND attempts >= ${MAX_REFUND_ATTEMPTS}
      RETURNING 1
    ), webhook AS (
      UPDATE stripe_inbox SET attempts = 0, next_attempt_at = $2::timestamptz
       WHERE event_id = $1 AND applied_at IS NULL AND attempts >= ${MAX_APPLY_ATTEMPTS}
      RETURNING 1
    )
    SELECT 1 FROM refund UNION ALL SELECT 1 FROM webhook`,
};

/** Lets one be tried anew, a refund as one that was tried before; false when nothing by this id is stuck. */
export async function tryAgain(writer: Writer, id: string, at: Instant): Promise<boolean> {
  const isStuck = (await writer.rows(TRY_AGAIN, [id, toRfc3339(at)])).length > 0;
  if (isStuck) {
    writer.wake('refunds');
    writer.wake('webhooks');
  }
  return isStuck;
}
