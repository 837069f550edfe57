-- Loses: the revisions of calendar files, which then begin at 1 again.
DROP TABLE calendar_revisions;
