-- Loses: partial refunds and disputes, why a ticket is void, the stored answers to repeated requests, and the time of the daily
-- comparison with Stripe.
DROP TABLE daily_jobs;

DROP INDEX stripe_inbox_by_age;

DROP INDEX outbox_blocked;
ALTER TABLE outbox
  DROP COLUMN last_error,
  DROP COLUMN blocked_until,
  DROP COLUMN attempts;

DROP TABLE idempotency_keys;

DROP INDEX payments_undecided;

-- The earlier columns cannot represent partial refunds and disputes; only a complete refund is kept.
ALTER TABLE payments
  DROP CONSTRAINT payments_state_known,
  ADD COLUMN refund_reason   text,
  ADD COLUMN refund_id       text,
  ADD COLUMN attempts        integer NOT NULL DEFAULT 0,
  ADD COLUMN next_attempt_at timestamptz,
  ADD COLUMN last_error      text;
UPDATE payments p SET
  state           = CASE p.state WHEN 'disputed' THEN 'refunded' ELSE p.state END,
  refund_reason   = r.reason,
  refund_id       = CASE WHEN p.state IN ('refunded', 'disputed') THEN r.provider_id END,
  attempts        = r.attempts,
  next_attempt_at = r.next_attempt_at,
  last_error      = r.last_error
  FROM (SELECT DISTINCT ON (payment_intent_id) * FROM refunds
         ORDER BY payment_intent_id, provider_id IS NULL DESC, created_at DESC) r
 WHERE p.payment_intent_id = r.payment_intent_id AND p.state IN ('refund_due', 'refunded', 'disputed');
ALTER TABLE payments
  ADD CONSTRAINT payments_state_check CHECK (state IN ('received', 'applied', 'refund_due', 'refunded')),
  ADD CONSTRAINT payments_refund_says_why CHECK (state NOT IN ('refund_due', 'refunded') OR refund_reason IS NOT NULL),
  ADD CONSTRAINT payments_refunded_says_which CHECK (state <> 'refunded' OR refund_id IS NOT NULL);
CREATE INDEX payments_refund_due ON payments (next_attempt_at) WHERE state = 'refund_due';
DROP TABLE refunds;

ALTER TABLE tickets
  DROP CONSTRAINT tickets_void_says_why,
  DROP COLUMN void_reason;
