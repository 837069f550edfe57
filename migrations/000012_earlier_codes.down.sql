-- The pictures stay in tickets.qr_code; which codes were withdrawn is lost.
DROP TABLE earlier_codes;
