-- Loses: which QR codes of the earlier service were withdrawn. Their images stay in tickets.qr_code and are read again when the
-- step is applied again: withdrawn codes then admit.
DROP TABLE earlier_codes;
