-- Hash of the request with the members of its JSON in order, so that a repeated request may have them in another. `fingerprint` stays the
-- hash of the request as it was sent, which replicas of the release before compare. They leave this NULL.
ALTER TABLE idempotency_keys ADD COLUMN fingerprint_in_order text;
