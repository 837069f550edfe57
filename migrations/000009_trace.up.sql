-- The trace that wrote a row, so that deferred work is shown in the same trace. NULL without tracing.
ALTER TABLE outbox ADD COLUMN traceparent text;
ALTER TABLE stripe_inbox ADD COLUMN traceparent text;
