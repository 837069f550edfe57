-- Loses: every scan with its gate, device and time, which holders have left and may enter again, and whether sessions allow
-- that. Check-ins are kept.
DROP TABLE session_doors;
DROP TABLE scans;

DROP TRIGGER orders_mark_ended ON orders;
DROP TRIGGER orders_mark_ended_at_once ON orders;
DROP FUNCTION mark_order_ended;
DROP TRIGGER tickets_mark_changed ON tickets;
DROP FUNCTION mark_ticket_changed;

DROP INDEX orders_by_end;
ALTER TABLE orders DROP COLUMN ended_in;

DROP INDEX tickets_by_change;
ALTER TABLE tickets
  DROP CONSTRAINT tickets_only_who_came_left,
  DROP COLUMN changed_in,
  DROP COLUMN left_at,
  DROP COLUMN checked_in_device,
  DROP COLUMN checked_in_gate;
