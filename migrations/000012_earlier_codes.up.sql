-- The QR codes that the earlier service sold. The text in each stored image is read once and its hash is stored, so that a scan
-- is recognised without the earlier cipher, which authenticates nothing.

CREATE TABLE earlier_codes (
  ticket_id     uuid PRIMARY KEY REFERENCES tickets (ticket_id),
  -- waiting: the image is not read yet; good: its text admits; unreadable: it has no text of the earlier service;
  -- withdrawn: a new code was issued for the ticket.
  state         text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'good', 'unreadable', 'withdrawn')),
  -- SHA-256 of the text.
  text_hash     bytea CHECK (octet_length(text_hash) = 32),
  -- Number of started reads. A read that crashes the process counts too.
  attempts      integer NOT NULL DEFAULT 0,
  -- Until then, one process has claimed this image.
  claimed_until timestamptz,
  -- The transaction that last changed the state, for scanners that request changes.
  changed_in    xid8 NOT NULL DEFAULT '0',
  CONSTRAINT earlier_codes_good_has_hash CHECK (state <> 'good' OR text_hash IS NOT NULL)
);
CREATE UNIQUE INDEX earlier_codes_by_hash ON earlier_codes (text_hash) WHERE text_hash IS NOT NULL;
CREATE INDEX earlier_codes_waiting ON earlier_codes (ticket_id) WHERE state = 'waiting';
CREATE INDEX earlier_codes_by_change ON earlier_codes (changed_in);
CREATE TRIGGER earlier_codes_mark_changed BEFORE UPDATE ON earlier_codes FOR EACH ROW
  WHEN (NEW.state IS DISTINCT FROM OLD.state) EXECUTE FUNCTION mark_ticket_changed();

-- This service stores no images, so every stored image is from the earlier service.
INSERT INTO earlier_codes (ticket_id)
SELECT ticket_id FROM tickets WHERE qr_code IS NOT NULL AND session_id IS NOT NULL;
