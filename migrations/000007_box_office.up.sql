-- Actions of organisers on tickets, and their audit trail.

-- 1. Tickets changed by organisers --------------------------------------------------------------------------------------

ALTER TABLE tickets
  -- The organiser's notes on the holder; never published, never logged.
  ADD COLUMN holder_note text,
  DROP CONSTRAINT tickets_void_reason_check,
  -- `organiser`: voided by an organiser, with or without a refund.
  ADD CONSTRAINT tickets_void_reason_known CHECK (void_reason IN ('order', 'replaced', 'refunded', 'organiser'));

ALTER TABLE orders
  DROP CONSTRAINT orders_cancel_reason_known,
  -- `organiser`: its last ticket was voided, and no payment remains.
  ADD CONSTRAINT orders_cancel_reason_known
    CHECK (cancel_reason IN ('buyer', 'expired', 'payment', 'refunded', 'admin', 'organiser', 'unknown'));

-- A ticket is refunded once, however often that is requested.
ALTER TABLE refunds ADD COLUMN ticket_id uuid REFERENCES tickets (ticket_id);
CREATE UNIQUE INDEX refunds_one_a_ticket ON refunds (ticket_id) WHERE ticket_id IS NOT NULL;

-- 2. Audit trail ---------------------------------------------------------------------------------------------------------

-- Written in the transaction of the action, and never changed afterwards.
CREATE TABLE audit_trail (
  entry_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at         timestamptz NOT NULL,
  actor      uuid NOT NULL,
  action     text NOT NULL,
  event_id   uuid NOT NULL,
  session_id uuid NOT NULL,
  order_id   uuid NOT NULL,
  -- NULL when the action concerned the whole order.
  ticket_id  uuid,
  -- NULL when there was no earlier state.
  before     jsonb,
  after      jsonb NOT NULL
);
CREATE INDEX audit_trail_by_event ON audit_trail (event_id, entry_id DESC);

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The audit trail is only added to.';
END $$;
CREATE TRIGGER audit_trail_is_append_only BEFORE UPDATE OR DELETE ON audit_trail
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
