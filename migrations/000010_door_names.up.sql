-- A nonce identifies a scan on one device. Two devices may use the same nonce, and their scans must not be mixed up.
DROP INDEX scans_nonce;
CREATE UNIQUE INDEX scans_nonce ON scans (session_id, nonce, COALESCE(device_id, scanned_by::text)) WHERE nonce IS NOT NULL;

-- A change of a session's door settings concerns no order.
ALTER TABLE audit_trail ALTER COLUMN order_id DROP NOT NULL;
