-- What organisers do to tickets, and the trail of it.

-- 1. Tickets in an organiser's hands ------------------------------------------------------------------------------------

ALTER TABLE tickets
  -- Whatever the organiser has to know of the holder; never published, never logged.
  ADD COLUMN holder_note text,
  DROP CONSTRAINT tickets_void_reason_check,
  -- `organiser`: voided by one, with or without its money given back.
  ADD CONSTRAINT tickets_void_reason_known CHECK (void_reason IN ('order', 'replaced', 'refunded', 'organiser'));

ALTER TABLE orders
  DROP CONSTRAINT orders_cancel_reason_known,
  -- `organiser`: its last ticket was voided, and nothing pays for it.
  ADD CONSTRAINT orders_cancel_reason_known
    CHECK (cancel_reason IN ('buyer', 'expired', 'payment', 'refunded', 'admin', 'organiser', 'unknown'));

-- A ticket's money is given back once, however often that is asked for.
ALTER TABLE refunds ADD COLUMN ticket_id uuid REFERENCES tickets (ticket_id);
CREATE UNIQUE INDEX refunds_one_a_ticket ON refunds (ticket_id) WHERE ticket_id IS NOT NULL;

-- 2. Who did what --------------------------------------------------------------------------------------------------------

-- Written in the transaction of the deed, and never changed afterwards.
CREATE TABLE audit_trail (
  entry_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at         timestamptz NOT NULL,
  actor      uuid NOT NULL,
  action     text NOT NULL,
  event_id   uuid NOT NULL,
  session_id uuid NOT NULL,
  order_id   uuid NOT NULL,
  -- NULL when the deed was about the whole order.
  ticket_id  uuid,
  -- NULL when there was nothing before.
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
