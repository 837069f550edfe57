-- Loses: nothing. The function counts what the tables say.
DROP FUNCTION seats_held_by(uuid, uuid, timestamptz);
DROP INDEX orders_pending_by_user;
