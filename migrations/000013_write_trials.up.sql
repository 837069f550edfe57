-- The database probe inserts a row of nearly a page and rolls it back; a full disk refuses that.
CREATE TABLE write_trials (filler text NOT NULL);
-- Stored uncompressed and in the page, so that the row needs its full size.
ALTER TABLE write_trials ALTER COLUMN filler SET STORAGE PLAIN;
