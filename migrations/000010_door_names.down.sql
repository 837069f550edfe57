-- Loses: changes of door settings in the audit trail, and the nonces of scans that two devices used.
ALTER TABLE audit_trail DISABLE TRIGGER audit_trail_is_append_only;
DELETE FROM audit_trail WHERE order_id IS NULL;
ALTER TABLE audit_trail ENABLE TRIGGER audit_trail_is_append_only;
ALTER TABLE audit_trail ALTER COLUMN order_id SET NOT NULL;

DROP INDEX scans_nonce;
UPDATE scans s SET nonce = NULL
 WHERE EXISTS (SELECT FROM scans f WHERE f.session_id = s.session_id AND f.nonce = s.nonce AND f.scan_id < s.scan_id);
CREATE UNIQUE INDEX scans_nonce ON scans (session_id, nonce) WHERE nonce IS NOT NULL;
