-- Loses: what a repeated request with the members of its JSON in another order is recognised by; it is refused.
ALTER TABLE idempotency_keys DROP COLUMN fingerprint_in_order;
