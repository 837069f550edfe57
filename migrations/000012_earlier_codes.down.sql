-- Loses: which QR codes of the earlier service were withdrawn. Their pictures stay in tickets.qr_code, and the step applied again
-- reads them again: a code that was withdrawn admits then.
DROP TABLE earlier_codes;
