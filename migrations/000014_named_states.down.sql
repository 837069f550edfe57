-- Loses: the number of tries to settle a payment, and why they failed. The older columns still encode every state and kind.
-- In the order in which transactions of money lock them.
LOCK TABLE payments, refunds, stripe_inbox IN ACCESS EXCLUSIVE MODE;
DROP TRIGGER stripe_inbox_name_kind ON stripe_inbox;
DROP FUNCTION name_webhook_kind;
ALTER TABLE stripe_inbox DROP COLUMN kind;

DROP INDEX refunds_open;
DROP TRIGGER refunds_name_state ON refunds;
DROP FUNCTION name_refund_state;
ALTER TABLE refunds
  DROP CONSTRAINT refunds_done_says_by_whom,
  DROP CONSTRAINT refunds_done_has_provider_id,
  DROP COLUMN paid_by,
  DROP COLUMN state;

DROP TRIGGER payments_name_source ON payments;
DROP FUNCTION name_payment_source;
DROP FUNCTION source_of_payment;
ALTER TABLE payments
  DROP COLUMN last_error,
  DROP COLUMN next_attempt_at,
  DROP COLUMN attempts,
  DROP COLUMN source;
