-- The door: the gate where a ticket was admitted, whether its holder has left again, every scan, and the changes that offline
-- scanners have not received yet.

-- 1. Where the holder of a ticket is ------------------------------------------------------------------------------------

ALTER TABLE tickets
  ADD COLUMN checked_in_gate   text,
  ADD COLUMN checked_in_device text,
  -- The holder has left and the session allows re-entry: the next scan admits.
  ADD COLUMN left_at           timestamptz,
  -- The transaction that last changed the row; 0 for older rows.
  ADD COLUMN changed_in        xid8 NOT NULL DEFAULT '0',
  ADD CONSTRAINT tickets_only_who_came_left CHECK (left_at IS NULL OR checked_in);
ALTER TABLE tickets ALTER COLUMN changed_in SET DEFAULT pg_current_xact_id();
CREATE INDEX tickets_by_change ON tickets (session_id, changed_in);

-- The transaction that completed or cancelled the order.
ALTER TABLE orders ADD COLUMN ended_in xid8 NOT NULL DEFAULT '0';
CREATE INDEX orders_by_end ON orders (session_id, ended_in) WHERE status <> 'pending';

-- Triggers, so that every change of a ticket reaches the scanners, whichever statement makes it.
CREATE FUNCTION mark_ticket_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.changed_in := pg_current_xact_id();
  RETURN NEW;
END $$;
CREATE TRIGGER tickets_mark_changed BEFORE UPDATE ON tickets FOR EACH ROW EXECUTE FUNCTION mark_ticket_changed();

CREATE FUNCTION mark_order_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.ended_in := pg_current_xact_id();
  RETURN NEW;
END $$;
CREATE TRIGGER orders_mark_ended_at_once BEFORE INSERT ON orders FOR EACH ROW
  WHEN (NEW.status <> 'pending') EXECUTE FUNCTION mark_order_ended();
CREATE TRIGGER orders_mark_ended BEFORE UPDATE ON orders FOR EACH ROW
  WHEN (NEW.status IS DISTINCT FROM OLD.status) EXECUTE FUNCTION mark_order_ended();

-- 2. Every scan of a genuine ticket by a scanner of its session -----------------------------------------------------------

CREATE TABLE scans (
  scan_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  session_id   uuid NOT NULL,
  ticket_id    uuid NOT NULL,
  direction    text NOT NULL CHECK (direction IN ('entry', 'exit', 'undo')),
  outcome      text NOT NULL CHECK (outcome IN ('admitted', 'left', 'undone', 'refused')),
  -- The code of the refusal.
  refusal      text,
  -- When the code was scanned; from the device's clock if it was offline.
  scanned_at   timestamptz NOT NULL,
  received_at  timestamptz NOT NULL,
  is_offline   boolean NOT NULL DEFAULT false,
  -- The scanner, or the user who undid a check-in.
  scanned_by   uuid NOT NULL,
  gate         text,
  device_id    text,
  nonce        text,
  -- The earlier admission that caused the refusal.
  first_at     timestamptz,
  first_gate   text,
  first_device text,
  CONSTRAINT scans_refusal_says_why CHECK ((outcome = 'refused') = (refusal IS NOT NULL))
);
-- A repeated scan is the same scan.
CREATE UNIQUE INDEX scans_nonce ON scans (session_id, nonce) WHERE nonce IS NOT NULL;
CREATE INDEX scans_by_ticket ON scans (ticket_id, scan_id);
CREATE INDEX scans_conflicts ON scans (session_id, scan_id DESC) WHERE is_offline AND outcome = 'refused';

INSERT INTO scans (session_id, ticket_id, direction, outcome, scanned_at, received_at, scanned_by)
SELECT session_id, ticket_id, 'entry', 'admitted', checked_in_time, checked_in_time,
       COALESCE(checked_in_by, '00000000-0000-0000-0000-000000000000')
  FROM tickets WHERE checked_in AND session_id IS NOT NULL
 ORDER BY checked_in_time;

-- 3. Door settings of a session, set by its organiser -----------------------------------------------------------------------

CREATE TABLE session_doors (
  session_id     uuid PRIMARY KEY,
  -- Whether a scan at the exit allows re-entry.
  allows_reentry boolean NOT NULL
);
