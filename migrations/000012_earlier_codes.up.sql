-- The QR codes that the earlier service sold: the text in each picture that it stored is read once and its hash is kept,
-- so that a scan of it is known without its cipher, which authenticates nothing.

CREATE TABLE earlier_codes (
  ticket_id     uuid PRIMARY KEY REFERENCES tickets (ticket_id),
  -- waiting: the picture is to be read; good: its text admits; unreadable: there is no text of the earlier service in it;
  -- withdrawn: a new code was issued for the ticket.
  state         text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'good', 'unreadable', 'withdrawn')),
  -- SHA-256 of the text.
  text_hash     bytea CHECK (octet_length(text_hash) = 32),
  -- How often reading was begun. A process that dies over a picture leaves it begun.
  attempts      integer NOT NULL DEFAULT 0,
  -- Until then one process reads this picture.
  claimed_until timestamptz,
  -- The transaction that changed the state last, for the scanners that ask what changed.
  changed_in    xid8 NOT NULL DEFAULT '0',
  CONSTRAINT earlier_codes_good_has_hash CHECK (state <> 'good' OR text_hash IS NOT NULL)
);
CREATE UNIQUE INDEX earlier_codes_by_hash ON earlier_codes (text_hash) WHERE text_hash IS NOT NULL;
CREATE INDEX earlier_codes_waiting ON earlier_codes (ticket_id) WHERE state = 'waiting';
CREATE INDEX earlier_codes_by_change ON earlier_codes (changed_in);
CREATE TRIGGER earlier_codes_mark_changed BEFORE UPDATE ON earlier_codes FOR EACH ROW
  WHEN (NEW.state IS DISTINCT FROM OLD.state) EXECUTE FUNCTION mark_ticket_changed();

-- This service stores no pictures: each one that is there was made by the earlier service.
INSERT INTO earlier_codes (ticket_id)
SELECT ticket_id FROM tickets WHERE qr_code IS NOT NULL AND session_id IS NOT NULL;
