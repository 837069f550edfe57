-- A publication of all tables, as logical replication and change data capture create it, refuses changes of rows without a
-- replica identity. These tables have no primary key, because many rows may have one key until they are folded.
ALTER TABLE sales_by_time REPLICA IDENTITY FULL;
ALTER TABLE organization_sales_by_time REPLICA IDENTITY FULL;
ALTER TABLE sales_by_tier REPLICA IDENTITY FULL;
ALTER TABLE discounts_by_time REPLICA IDENTITY FULL;
ALTER TABLE money_by_session REPLICA IDENTITY FULL;
ALTER TABLE write_trials REPLICA IDENTITY FULL;
