-- Loses: which trace a waiting message or webhook belongs to.
ALTER TABLE stripe_inbox DROP COLUMN traceparent;
ALTER TABLE outbox DROP COLUMN traceparent;
