-- The trace that wrote a row, so that what follows from it is seen as part of it. Empty where nothing is traced.
ALTER TABLE outbox ADD COLUMN traceparent text;
ALTER TABLE stripe_inbox ADD COLUMN traceparent text;
