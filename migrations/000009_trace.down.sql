-- Loses: the trace of each waiting message and webhook.
ALTER TABLE stripe_inbox DROP COLUMN traceparent;
ALTER TABLE outbox DROP COLUMN traceparent;
