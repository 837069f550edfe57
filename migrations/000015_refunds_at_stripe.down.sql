-- Loses: which refunds wait for a person to name their ticket, and which failed refunds were first made at Stripe.
-- Before any row of it, so that no transaction that has one refund and goes on to another waits for this in a circle.
LOCK TABLE refunds IN ACCESS EXCLUSIVE MODE;
UPDATE refunds SET origin = 'service' WHERE provider_id IS NULL;
ALTER TABLE refunds
  DROP CONSTRAINT refunds_due_are_no_disputes,
  ADD CONSTRAINT refunds_due_are_ours CHECK (provider_id IS NOT NULL OR origin = 'service'),
  DROP COLUMN ticket_unclear;
