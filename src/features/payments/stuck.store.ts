import type { Instant } from '../../kernel/clock.ts';
import type { OrderId, PaymentIntentId } from '../../kernel/ids.ts';
import { MAX_TRIES } from '../../platform/jobs/due-work.ts';
import type { Executor } from '../../platform/postgres/database.ts';

/** A refund or webhook that waits for a person. */
export interface StuckRow {
  readonly kind: 'refund' | 'webhook';
  /** The refund's id, or the id of Stripe's event. */
  readonly id: string;
  readonly order_id: OrderId | null;
  readonly payment_intent_id: PaymentIntentId | null;
  readonly amount_minor: number | null;
  readonly currency: string | null;
  readonly attempts: number;
  readonly last_error: string | null;
  readonly received_at: Instant;
  /** A refund at Stripe that was paid, but fits more than one choice of tickets. */
  readonly is_ticket_unclear: boolean;
}

const STUCK = {
  name: 'payments-stuck',
  text: `
    SELECT 'refund' AS kind, r.refund_id::text AS id, p.order_id, r.payment_intent_id, r.amount_minor, p.currency,
           r.attempts, r.last_error, r.created_at AS received_at, r.ticket_unclear AND r.state = 'done' AS is_ticket_unclear
      FROM refunds r JOIN payments p USING (payment_intent_id)
     WHERE r.state IN ('failed', 'manual') OR (r.ticket_unclear AND p.state = 'applied')
    UNION ALL
    SELECT 'webhook', event_id, order_id, payment_intent_id, amount_minor, currency, attempts, last_error, received_at,
           false
      FROM stripe_inbox WHERE applied_at IS NULL AND attempts >= ${MAX_TRIES}
     ORDER BY received_at LIMIT $1`,
};

/** The oldest stuck refunds and webhooks, at most `limit`. */
export function stuckPayments(executor: Executor, limit: number): Promise<StuckRow[]> {
  return executor.rows<StuckRow>(STUCK, [limit]);
}
