-- The probe of the database writes a row of nearly a page here and rolls it back: a full disk refuses that.
CREATE TABLE write_trials (filler text NOT NULL);
-- Neither compressed nor moved out of the page, so that the row needs its room.
ALTER TABLE write_trials ALTER COLUMN filler SET STORAGE PLAIN;
