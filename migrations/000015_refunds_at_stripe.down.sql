-- Loses: which refunds wait for a person to name their ticket, and which failed refunds were first made at Stripe.
UPDATE refunds SET origin = 'service' WHERE provider_id IS NULL;
ALTER TABLE refunds
  DROP CONSTRAINT refunds_due_are_no_disputes,
  ADD CONSTRAINT refunds_due_are_ours CHECK (provider_id IS NOT NULL OR origin = 'service'),
  DROP COLUMN ticket_unclear;
