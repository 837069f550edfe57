-- Loses: the audit trail, the notes on ticket holders, the tickets of refunds, and which tickets and orders were ended
-- by an organiser.
DROP TABLE audit_trail;
DROP FUNCTION refuse_audit_change;

ALTER TABLE refunds DROP COLUMN ticket_id;
UPDATE orders SET cancel_reason = 'admin' WHERE cancel_reason = 'organiser';
ALTER TABLE orders
  DROP CONSTRAINT orders_cancel_reason_known,
  ADD CONSTRAINT orders_cancel_reason_known
    CHECK (cancel_reason IN ('buyer', 'expired', 'payment', 'refunded', 'admin', 'unknown'));
UPDATE tickets SET void_reason = 'refunded' WHERE void_reason = 'organiser';
ALTER TABLE tickets
  DROP COLUMN holder_note,
  DROP CONSTRAINT tickets_void_reason_known,
  ADD CONSTRAINT tickets_void_reason_check CHECK (void_reason IN ('order', 'replaced', 'refunded'));
